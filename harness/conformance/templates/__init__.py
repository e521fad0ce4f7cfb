"""What ``python -m harness new`` starts from: working files in which names are replaced."""
