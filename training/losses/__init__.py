"""What a generator is judged by while it learns."""
