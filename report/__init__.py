"""The report: one page from the tables of a results folder; it computes nothing."""
