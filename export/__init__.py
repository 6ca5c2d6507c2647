"""Checkpoints → model folders that the server loads, each proven equal to the generator before it is kept."""
