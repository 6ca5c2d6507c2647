"""A face as a few numbers a frame: an atlas, learnt for one portrait and sent once, and coefficients (docs/motion.md)."""
