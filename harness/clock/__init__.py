"""Timing: campaigns, their processes and samples; nothing here makes a table."""
