"""Every error that analytics raises on purpose.

AnalyticsError             one line for the user: where, what, what to do
  ├─ ArchiveUnreadable     no archive, one of another format, or a file that cannot be read
  ├─ ProjectUnknown        nothing is archived of this project
  ├─ WindowWrong           days that cannot be reported, or a time zone that is none
  ├─ FactsUnusable         what is kept beside the archive cannot be used, and is not
  ├─ MemoryTooSmall        an answer takes more memory, and more room on disk, than there is
  ├─ EngineUnusable        a server that is not there, of another version, or does not answer
  ├─ QueryWrong            a query that is wrong, or that asks for more than to read
  └─ SettingWrong          a configuration that cannot be used, an output that cannot be written
"""

from __future__ import annotations


class AnalyticsError(Exception):
    """Something the user can act on; shown as one line, exit status 1."""

    def _render_traceback_(self) -> list[str]:
        """Return what a notebook shows: the same line, and not where in our code it was raised."""
        return [f"Error: {self}"]


class ArchiveUnreadable(AnalyticsError):
    """There is no archive where one was named, or it cannot be read."""


class ProjectUnknown(AnalyticsError):
    """Nothing is archived of the project, or none was named among several."""


class WindowWrong(AnalyticsError):
    """The days asked for cannot be reported."""


class FactsUnusable(AnalyticsError):
    """What is kept beside the archive is damaged, or was kept by another version."""


class MemoryTooSmall(AnalyticsError):
    """An answer takes more memory than it may, and what it wrote aside found no room."""


class EngineUnusable(AnalyticsError):
    """The server that is to answer is not there, or cannot."""


class QueryWrong(AnalyticsError):
    """A query is wrong, or does not say what its header says."""


class SettingWrong(AnalyticsError):
    """A configuration cannot be used, or an output cannot be written."""
