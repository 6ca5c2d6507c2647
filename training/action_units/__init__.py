"""Action units as labels, and what is pre-trained on them.

labels.py (where they come from) ← geometric.py, openface.py → pretraining.py with classifier.py; scores.py: F1 and accuracy.
"""
