"""Networks that judge pictures while a generator learns; never shipped."""
