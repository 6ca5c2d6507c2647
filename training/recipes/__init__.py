"""One training loop a system, each on one screen."""
