"""Each corpus as it is distributed → one list of clips."""
