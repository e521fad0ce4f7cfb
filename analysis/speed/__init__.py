"""The tables of the clock, from its samples; nothing here runs a clock."""
