"""Benchmarks that leave dated records: speed of the generator, delay of a call."""
