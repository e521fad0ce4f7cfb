"""The harness: the only owner of streams, loops, clocks, evaluation and records."""
