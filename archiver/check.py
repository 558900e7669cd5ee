"""A dry run of a recording: what the token may see, what the server answers, what the disk holds.

Connects, asks, leaves, and says what it found. Writes nothing, not even a file to try whether it
could; names no token and no e-mail address.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path

from archiver import connection, contract, handshake
from archiver.archive import check_format
from archiver.coverage import MESSAGES_CAP, REQUESTS_CAP, iso
from archiver.errors import ArchiverError, ServerUnreachable
from archiver.inquiry import Inquiry, Question
from archiver.protocol import SECOND
from archiver.receiver import Post
from archiver.token import expires_at, user_of

OK, WARN, FAIL = "ok", "warn", "fail"
SEES_ALL = ("owner", "admin")
READS_ALL = "request_read_all"
ROOM = 2**30
SKEW = 5 * SECOND
DAY = 24 * 3600 * SECOND
_LATEST = 253_402_300_800  # the year 10000, in seconds


@dataclass(frozen=True, slots=True)
class Finding:
    """A fact and what it means; `is_loss` tells that a recording would be incomplete."""

    verdict: str
    text: str
    is_loss: bool = False

    def line(self) -> str:
        """Return it as a line; a server's characters that a terminal might obey are replaced."""
        text = "".join(char if char.isprintable() else "·" for char in self.text)
        return f"{self.verdict:4} {text}"


@dataclass(frozen=True, slots=True)
class Dial:
    """How the handshake went: when it began and ended, and the server's headers."""

    began: int
    ended: int
    headers: Mapping[str, str]


def check(post: Post, patience: float) -> Iterator[Finding]:
    """Yield what was found of projects, in the order in which it is known.

    Raises AccessRefused, AddressWrong or ServerUnreachable where there is no connection.
    """
    token = post.token.read()
    began = _clock()
    try:
        client = handshake.dial(post.url, token)
    except handshake.Unreachable as error:
        raise ServerUnreachable(f"{post.url}: {error}; try again, or check --url") from None
    dial = Dial(began, _clock(), client.getheaders() or {})
    yield Finding(OK, f"connected to {post.url} in {_seconds(dial.ended - began)}")
    yield from about_token(token, dial.ended)
    skew = header_skew(dial)
    inquiry = Inquiry(
        post.projects, user_of(token), int(patience * SECOND), _timer, listen=skew is None
    )
    lost = _ask(client, inquiry)
    for project in post.projects:
        yield from about_project(project, inquiry, patience)
    yield about_skew(skew if skew is not None else inquiry.skew)
    if lost is not None:
        yield Finding(FAIL, f"the connection ended: {lost}", is_loss=True)


def _ask(client: connection.Client, inquiry: Inquiry) -> str | None:
    """Hold the conversation; return why it ended early, if it did."""
    try:
        connection.converse(client, inquiry, _clock, lambda: inquiry.is_done)
    except connection.Lost as error:
        return str(error)
    finally:
        connection.hang_up(client)
    return None


def _clock() -> int:
    return time.time_ns() // 1000


def _timer() -> int:
    return time.monotonic_ns() // 1000


# The token


def about_token(token: str, now: int) -> Iterator[Finding]:
    """Say what a token tells: whose it is, and until when."""
    user = user_of(token)
    if user is None:
        yield Finding(WARN, "token: names no user, so his role cannot be asked for")
    else:
        yield Finding(OK, f"token: of user {user}")
    expiry = expires_at(token)
    if expiry is None or not 0 < expiry < _LATEST:
        yield Finding(OK, "token: names no expiry")
        return
    left = int(expiry * SECOND) - now
    until = iso(int(expiry) * SECOND).replace(".000000", "")
    if left <= 0:
        yield Finding(WARN, f"token: expired {_span(-left)} ago, at {until}, yet it was accepted")
    elif left < DAY:
        yield Finding(WARN, f"token: expires in {_span(left)}, at {until}; get a new one")
    else:
        yield Finding(OK, f"token: expires in {_span(left)}, at {until}")


def _span(micros: int) -> str:
    minutes = micros // (60 * SECOND)
    for size, name in ((24 * 60, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            count = minutes // size
            return f"{count} {name}" if count == 1 else f"{count} {name}s"
    return "less than a minute"


# The topics


def about_project(project: str, inquiry: Inquiry, patience: float) -> Iterator[Finding]:
    """Say what a project's topics answered."""
    member = inquiry.members.get(project)
    if member is not None:
        yield from about_member(project, member)
    yield about_feed(inquiry.feeds[project], patience)
    chat = inquiry.chats.get(project)
    if chat is not None:
        yield about_chat(chat, patience)


def about_member(project: str, question: Question) -> Iterator[Finding]:
    """Say who the token's user is in a project."""
    member = question.entity
    role = member.get("role")
    if not isinstance(role, str):
        yield Finding(WARN, f"{project}: the user's role is not told; is he a member?")
        return
    permissions = member.get("permissions")
    name = f"{project}: the token's user is {role}"
    if isinstance(permissions, list) and permissions:
        sees_all, name = READS_ALL in permissions, f"{name} with permissions of his own"
    else:
        sees_all = role in SEES_ALL
    if sees_all:
        yield Finding(OK, name)
    else:
        text = f"{name}: snapshots hold only chats that he may see; use an owner's or admin's"
        yield Finding(WARN, text, is_loss=True)
    if member.get("user_available") is True:
        text = f"{project}: the token's user is available, so Tiledesk routes chats to him"
        yield Finding(WARN, f"{text}; set him unavailable")
    elif "user_available" in member:
        yield Finding(OK, f"{project}: the token's user is not available, so he gets no chats")


def about_feed(question: Question, patience: float) -> Finding:
    """Say what a project's feed answered."""
    if question.took is None:
        return _silence(question, patience)
    took = f"answered in {_seconds(question.took)}"
    if question.size is None:
        return Finding(FAIL, f"{question.topic}: null, {took}: no such feed", is_loss=True)
    text = f"{question.topic}: {question.size} open chats, {took}"
    if question.size < REQUESTS_CAP:
        return Finding(OK, text)
    text += f"; a snapshot holds no more than {REQUESTS_CAP}: others are met when they change"
    return Finding(WARN, text, is_loss=True)


def about_chat(question: Question, patience: float) -> Finding:
    """Say what the messages of a chat answered."""
    if question.took is None:
        return _silence(question, patience)
    text = f"{question.topic}: {question.size or 0} messages in {_seconds(question.took)}"
    if question.size is not None and question.size >= MESSAGES_CAP:
        text += f"; a snapshot holds the oldest {MESSAGES_CAP}"
    return Finding(OK, text)


def _silence(question: Question, patience: float) -> Finding:
    if not question.is_over:
        text = f"{question.topic}: not answered before the connection ended"
        return Finding(FAIL, text, is_loss=True)
    text = f"{question.topic}: no answer in {patience:g} s: refused"
    return Finding(FAIL, f"{text}; is the user a member, and is the id right?", is_loss=True)


def _seconds(micros: int) -> str:
    return f"{micros / SECOND:.3f} s"


# The clock


def header_skew(dial: Dial) -> int | None:
    """Return our clock less the server's by its Date header, which tells whole seconds."""
    try:
        moment = parsedate_to_datetime(dial.headers["date"])
    except (KeyError, ValueError, TypeError):
        return None
    server = int(moment.timestamp()) * SECOND
    if server <= dial.ended and dial.began <= server + SECOND:
        return 0  # no difference that whole seconds would show
    return (dial.began + dial.ended) // 2 - (server + SECOND // 2)


def about_skew(skew: int | None) -> Finding:
    """Say how far the clocks are apart."""
    if skew is None:
        return Finding(OK, "clock: skew unknown: no Date header, and nothing happened meanwhile")
    ahead = "ahead of" if skew > 0 else "behind"
    if abs(skew) < SKEW:
        return Finding(OK, f"clock: within {max(1, round(abs(skew) / SECOND))} s of the server's")
    text = f"clock: {abs(skew) / SECOND:.0f} s {ahead} the server's; keep it with NTP"
    return Finding(WARN, text)


# The disk


def folder(archive: Path) -> Iterator[Finding]:
    """Say whether an archive can be written, by its permissions, and how much room there is."""
    place = archive.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir():
        yield Finding(FAIL, f"{place}: not a folder", is_loss=True)
        return
    if place == archive.absolute() and (archive / contract.MARKER).exists():
        try:
            check_format(archive)
        except (ArchiverError, OSError) as error:
            yield Finding(FAIL, str(error), is_loss=True)
    yield writable(archive, place)
    yield room(archive, shutil.disk_usage(place).free)


def writable(archive: Path, place: Path) -> Finding:
    """Say whether we may write there; `place` is the archive, or the folder that it comes into."""
    journals = place / contract.JOURNAL_FOLDER
    for path in (place, *([journals] if journals.is_dir() else [])):
        if not os.access(path, os.W_OK | os.X_OK):
            return Finding(FAIL, f"{path}: cannot be written by this user", is_loss=True)
    what = "can be written" if place == archive.absolute() else "can be made"
    return Finding(OK, f"{archive}: {what}")


def room(archive: Path, free: int) -> Finding:
    """Say how much room there is."""
    text = f"{archive}: {free / 2**30:.1f} GiB free"
    return Finding(OK, text) if free >= ROOM else Finding(WARN, f"{text}; make room there")
