"""Where the token comes from: the environment or a file, never an argument, never shown."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archiver.errors import TokenMissing

VARIABLE = "TILEDESK_TOKEN"


def claims(token: str) -> dict[str, Any]:
    """Return what a JWT says of itself, unverified: a hint; nothing where it is no JWT."""
    try:
        _, payload, _ = token.split(".")
        said = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def expires_at(token: str) -> float | None:
    """Return when a JWT says that it expires, in seconds since 1970; None where it does not say.

    Tiledesk's open-source server issues tokens that never expire.
    """
    said = claims(token).get("exp")
    return float(said) if isinstance(said, int | float) and said is not True else None


def user_of(token: str) -> str | None:
    """Return the id of the user whom a JWT names."""
    said = claims(token).get("_id")
    return said if isinstance(said, str) and said.isalnum() and said.isascii() else None


@dataclass(frozen=True)
class TokenSource:
    """The environment's token, or that of a file, which may be replaced while we run."""

    path: Path | None = None

    @property
    def can_change(self) -> bool:
        """Tell whether another token may come from the same place."""
        return self.path is not None

    def read(self) -> str:
        """Return the token as it is now; the scheme word `JWT` may stand before it or not."""
        if self.path is None:
            token = os.environ.get(VARIABLE, "")
            if not token.strip():
                raise TokenMissing(f"no token: set {VARIABLE}, or name a file with --token-file")
        else:
            try:
                token = self.path.read_text("utf-8")
            except (OSError, UnicodeDecodeError) as error:
                why = getattr(error, "strerror", None) or "not text"
                raise TokenMissing(f"{self.path}: cannot read the token ({why})") from None
        token = f"{token.strip()} ".removeprefix("JWT ").strip()
        if not token or not token.isprintable() or not token.isascii() or " " in token:
            where = self.path or VARIABLE
            raise TokenMissing(
                f"{where}: holds no token; put there what POST /auth/signin returned"
            )
        return token
