"""Speech features + portrait → moving face: torch modules, needed to train, export and verify; the server runs their exports."""
