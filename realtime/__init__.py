"""The engine: sound in, a speaking portrait out. No network, no event loop, no torch outside generators."""
