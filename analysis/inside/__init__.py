"""What the saved weights tell: gradients, gates, memory; nothing here trains."""
