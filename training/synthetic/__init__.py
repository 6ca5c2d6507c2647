"""Made from packages alone: other voices for real clips."""
