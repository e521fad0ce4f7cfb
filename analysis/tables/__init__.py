"""The tables of the runs, from their records; nothing here judges."""
