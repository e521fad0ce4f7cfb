"""The command line of the harness; it only calls."""
