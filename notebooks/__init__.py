"""Notebooks, a question each: `analytics notebook DIR` copies them."""
