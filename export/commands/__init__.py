"""`facewire export`."""
