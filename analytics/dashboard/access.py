"""Who may see the page: a token, shown once, then a cookie that stands for it. Pure.

Where no token is asked for, only this machine may ask, and only under a name of its own: a page
of another site must not reach us through a name that it points here.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import ip_address

COOKIE = "dashboard"
LONG_ENOUGH = 16


@dataclass(frozen=True)
class Access:
    """What opens the page; None if nothing has to."""

    token: str | None

    @property
    def cookie(self) -> str:
        """What the cookie holds: proof of the token, not the token."""
        assert self.token is not None
        return hmac.new(self.token.encode(), b"analytics dashboard", sha256).hexdigest()

    def opens(self, token: str) -> bool:
        """Tell whether it is the token, in a time that tells nothing else."""
        return self.token is not None and _same(token, self.token)

    def allows(self, authorization: str, cookie: str) -> bool:
        """Tell whether a request may be answered: by its bearer token, or its cookie."""
        if self.token is None:
            return True
        scheme, _, given = authorization.partition(" ")
        is_bearer = scheme.lower() == "bearer" and self.opens(given)
        return _same(cookie, self.cookie) or is_bearer

    def is_host(self, host: str) -> bool:
        """Tell whether a request may name us so."""
        return self.token is not None or is_loopback(host_of(host))


def host_of(address: str) -> str:
    """Return the host of HOST:PORT; an IPv6 one without its brackets."""
    host, colon, port = address.rpartition(":")
    whole = host if colon and (port.isdigit() and not host.endswith(":")) else address
    return whole.removeprefix("[").removesuffix("]")


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, seen from itself."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(sha256(given.encode()).digest(), sha256(wanted.encode()).digest())
