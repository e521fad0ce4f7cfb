"""What the figures of all sections share: their style, their panels, their way to an SVG."""
