"""`facewire render`."""
