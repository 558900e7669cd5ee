"""Answers questions about recorded chats: reads the archive, never writes it."""
