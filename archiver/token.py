"""Where the token comes from: the environment or a file, never an argument, never shown."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass
from pathlib import Path

from archiver.errors import TokenMissing

VARIABLE = "TILEDESK_TOKEN"


def expires_at(token: str) -> float | None:
    """Return when a JWT says that it expires, in seconds since 1970; None where it does not say.

    A hint: nothing is verified, and Tiledesk's open-source server issues tokens that never expire.
    """
    try:
        _, payload, _ = token.split(".")
        padded = payload + "=" * (-len(payload) % 4)
        said = json.loads(base64.urlsafe_b64decode(padded))["exp"]
    except (ValueError, KeyError, TypeError):
        return None
    return float(said) if type(said) in (int, float) else None


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
