"""The address of a server's socket: which forms exist, and which are not to be dialled. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit

from archiver.errors import AddressWrong

FORMS = (
    "wss://rtm.tiledesk.com/v2/, wss://eu.rtm.tiledesk.com/v3/ws/, wss://eu.rtmv3.tiledesk.com/api/,"
    " wss://HOST/ws/ or ws://HOST:3000/ where you host it"
)
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def check_url(url: str, *, insecure: bool = False) -> None:
    """Refuse an address that is no socket's, or that would send the token in the clear."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        host.encode("idna")
        is_address = parts.scheme in ("ws", "wss") and host != "" and parts.port != 0
    except ValueError:  # its brackets, its port, or a name of a length that none has
        is_address = False
    if not is_address or not url.isprintable() or " " in url:
        # What stands where a user or a query would may be a secret, in an address that is none.
        shown = "--url" if set("@?#") & set(url) else url if url.isprintable() else repr(url)
        raise AddressWrong(f"{shown}: not a WebSocket address; known forms: {FORMS}")
    if parts.query or parts.fragment or "@" in parts.netloc:
        place = parts.netloc.rpartition("@")[2]
        raise AddressWrong(
            f"{parts.scheme}://{place}{parts.path}: give the address without user and query;"
            " the token comes from TILEDESK_TOKEN or --token-file"
        )
    if parts.scheme == "ws" and host not in _LOOPBACK and not insecure:
        raise AddressWrong(
            f"{url}: would send the token in the clear; use wss://, or --insecure if you must"
        )
