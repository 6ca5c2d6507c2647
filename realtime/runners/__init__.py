"""The same step() on different engines."""
