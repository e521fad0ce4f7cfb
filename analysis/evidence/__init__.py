"""Comparisons, verdicts and advice, from the tables alone."""
