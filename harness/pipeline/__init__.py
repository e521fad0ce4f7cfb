"""What the workflow asks for around its jobs; the only room that knows of Snakemake."""
