"""Figures that cannot flatter: unseen speakers, and two controls beside every row."""
