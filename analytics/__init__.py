"""Answers questions about recorded chats: reads the archive, never writes it."""

from analytics.answer import Answer
from analytics.errors import AnalyticsError
from analytics.library import Project, open  # noqa: A004 (analytics.open)

__all__ = ["AnalyticsError", "Answer", "Project", "open"]
