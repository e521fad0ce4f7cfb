"""What carries out runs, checks and clocks and writes down what happened; it weighs nothing."""
