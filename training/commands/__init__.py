"""`facewire corpus`, `facewire train` and `facewire evaluate`."""
