"""One run, from its data and weights to its record; nothing here knows of other runs."""
