"""How the recorder logs: one line per state change on stderr, key=value or JSON.

A message is a word for the event and facts behind it: `disconnected connection=3 why='…'`.
"""

from __future__ import annotations

import ast
import json
import logging
import re
import sys
from datetime import UTC, datetime

_FACT = re.compile(r"(\w+)=('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\S*)")


def begin(*, as_json: bool) -> None:
    """Log to stderr from now on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if as_json else KeyValue())
    logging.basicConfig(level=logging.INFO, handlers=[handler])


class KeyValue(logging.Formatter):
    """`2026-11-23T09:00:00+0000 level=INFO event=connected connection=1`."""

    def __init__(self) -> None:
        super().__init__(
            "%(asctime)s level=%(levelname)s event=%(message)s", datefmt="%Y-%m-%dT%H:%M:%S%z"
        )


class JsonLines(logging.Formatter):
    """The same facts as one JSON object a line; times in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        event, _, rest = record.getMessage().partition(" ")
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        facts: dict[str, object] = {"time": at, "level": record.levelname, "event": event}
        told = {match[1]: _value(match[2]) for match in _FACT.finditer(rest)}
        facts |= told or ({"text": rest} if rest else {})
        if record.exc_info:
            facts["traceback"] = self.formatException(record.exc_info)
        return json.dumps(facts, ensure_ascii=False)


def _value(text: str) -> str | int | float:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return value if isinstance(value, str | int | float) else text
