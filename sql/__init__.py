"""The queries: what the archive means (views), what is asked of it (metrics), what must not be."""
