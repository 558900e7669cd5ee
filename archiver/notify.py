"""Tells systemd how the service is: ready, alive, stopping; silent where no systemd asked.

The whole protocol is a line of text sent to the socket named in NOTIFY_SOCKET (sd_notify(3)). A
message that cannot be delivered is logged and never stops the service.
"""

from __future__ import annotations

import logging
import os
import socket

log = logging.getLogger(__name__)

VARIABLE = "NOTIFY_SOCKET"
_PATIENCE = 1.0


def ready() -> None:
    """Say that the service has started."""
    _send("READY=1")


def watchdog() -> None:
    """Say that the service is alive: to be repeated well within the unit's WatchdogSec."""
    _send("WATCHDOG=1")


def stopping() -> None:
    """Say that the service ends."""
    _send("STOPPING=1")


def status(text: str) -> None:
    """Set the line that `systemctl status` shows."""
    _send("STATUS=" + " ".join(text.split()))


def _send(message: str) -> None:
    name = os.environ.get(VARIABLE)
    if not name:
        return
    address = f"\0{name[1:]}" if name.startswith("@") else name
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.settimeout(_PATIENCE)
            line.sendto(message.encode(), address)
    except (OSError, ValueError) as error:
        log.warning("not_notified socket=%s why=%r", name, str(error))
