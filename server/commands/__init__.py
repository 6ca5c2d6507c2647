"""`facewire serve` and `facewire bench`."""
