"""Speech → the generator's windows: mfcc.py (hops), windows.py (one window a video frame)."""
