"""`facewire train` and `facewire evaluate`."""
