"""Whether a plugin keeps its contract and computes the reference's function; no run, no score."""
