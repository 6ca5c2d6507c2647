"""Corpora, losses, recipes and evaluation: what makes a generator and what judges it."""
