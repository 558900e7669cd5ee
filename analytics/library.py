"""What a program or a notebook begins with: an archive, opened for questions about some days.

It asks as the commands do, with the same settings, and gives every answer in the form that is
wanted. It prints nothing, and reads no variables of the environment.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import date as Date  # noqa: N812 (`date` is an argument)
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypedDict, TypeVar, Unpack

from analytics import queries
from analytics.answer import Answer
from analytics.config import Config, read, told
from analytics.duck import Duck
from analytics.errors import SettingWrong
from analytics.request import Request, cores, day, instant, place, reach, size

if TYPE_CHECKING:
    from analytics.archive import Archive
    from analytics.window import Window

LOOK_BACK, LOOK_AHEAD = 2, 7
"""Days read before and after those asked for, if nobody says."""
_Checked = TypeVar("_Checked")


class Options(TypedDict, total=False):
    """How a project is measured; what is left out is as configured (docs/settings.md)."""

    tz: str | None
    opening_hours: str | dict[str, Any] | None
    answer_target: float | None
    reply_target: float | None
    short_wait: float | None
    service_base: str | None
    idle_limit: float | None
    pause_limit: float | None
    chat_limit: int | None
    coverage_threshold: float | None


def open(  # noqa: A001, PLR0913 (analytics.open, with the commands' options)
    archive: str | os.PathLike[str] | None = None,
    project: str | None = None,
    *,
    spool: str | os.PathLike[str] | None = None,
    date: Date | str | None = None,
    since: Date | str | None = None,
    until: Date | str | None = None,
    last: int | None = None,
    as_of: datetime | str | None = None,
    look_back: int | str | None = None,
    look_ahead: int | str | None = None,
    memory_limit: int | str | None = None,
    threads: int | None = None,
    config: str | os.PathLike[str] | None = None,
    **settings: Unpack[Options],
) -> Project:
    """Open an archive for questions about some local days of a project.

    `archive` is a folder, or an address such as `s3://BUCKET/PREFIX`; then `spool` may name the
    folder of a recorder on this machine. `project` may be left out where there is one only. The
    days are one `date`, or those from `since` up to, but without, `until`, or the `last` so many
    that are recorded; else yesterday. `as_of` answers as one could at that instant. `look_back` and
    `look_ahead` say how many days are read around those asked for, 2 and 7 or `"all"`.
    `memory_limit`, in bytes or as `"4GB"`, and `threads` are what the answers may take. `config` is
    the TOML file of the commands; its settings, `tz` among them, may also be given here, by the
    same names.
    """
    known = Config() if config is None else read(Path(config))
    said: dict[str, Any] = dict(known.options) | {
        name: value
        for name, value in (
            ("archive", archive),
            ("project", project),
            ("look_back", look_back),
            ("look_ahead", look_ahead),
            ("memory_limit", memory_limit),
            ("threads", threads),
        )
        if value is not None
    }
    if "archive" not in said:
        raise SettingWrong("archive: none is named; name the folder, or configure it")
    _refuse(date, since, until, last)
    return Project(
        Request(
            place(said["archive"], spool),
            said.get("project"),
            _checked("since", day, since),
            _checked("until", day, until),
            _checked("date", day, date),
            _checked("as_of", instant, as_of),
            _checked("look_back", reach, said.get("look_back", LOOK_BACK)),
            _checked("look_ahead", reach, said.get("look_ahead", LOOK_AHEAD)),
            known,
            told(settings),
            last,
            start=_limited(said),
        )
    )


def _limited(said: Mapping[str, Any]) -> Callable[[], Duck]:
    """Return what starts an engine that takes no more than is said."""
    memory_limit = _checked("memory_limit", size, said.get("memory_limit"))
    return partial(Duck, memory_limit, _checked("threads", cores, said.get("threads")))


def _refuse(date: object, since: object, until: object, last: int | None) -> None:
    if date is not None and (since is not None or until is not None):
        raise SettingWrong("date: is one day; leave out since and until")
    if last is not None and any(one is not None for one in (date, since, until)):
        raise SettingWrong("last: says which days; leave out date, since and until")
    if last is not None and last < 1:
        raise SettingWrong(f"last: {last!r} is no number of days; write 7")


def _checked(name: str, check: Callable[[Any], _Checked], value: object) -> _Checked | None:
    try:
        return None if value is None else check(value)
    except SettingWrong as error:
        raise SettingWrong(f"{name}: {error}") from error


class Project:
    """Some days of a project, open for questions; close it, or use it in a `with`."""

    def __init__(self, request: Request) -> None:
        """Open the archive; `open` says for what."""
        self._request = request
        self._window = request.window()
        self._opened: dict[str | None, Archive] = {}
        self._by(None)

    @property
    def project_id(self) -> str:
        """The project's id."""
        return self._request.project_id

    @property
    def window(self) -> Window:
        """The days asked about: `since`, `until`, `tz`, and `now`, up to when they are known."""
        return self._window

    @property
    def days(self) -> list[Date]:
        """The local days asked about."""
        return [day for day, *_ in self._window.days()]

    @property
    def coverage(self) -> float:
        """For which share of the days, up to now, a recorder vouches."""
        from analytics.report import coverage

        return float(coverage(self.archive)["ratio"])

    @property
    def gaps(self) -> Answer:
        """When no recorder vouches, and why."""
        return self.sql("select * from uncovered order by since")

    @property
    def metrics(self) -> Answer:
        """What `metric` answers: names, meanings, and what each may be broken down by."""
        found = [queries.load("metrics", name) for name in queries.METRICS]
        return Answer.of(
            {"metric": one.name, "meaning": one.doc, "by": ", ".join(one.by)} for one in found
        )

    @property
    def views(self) -> Answer:
        """What `relation` and `sql` know: names and meanings."""
        found = [queries.load("views", name) for name in queries.VIEWS]
        return Answer.of({"view": one.name, "meaning": one.doc} for one in found)

    def metric(self, name: str, by: str | None = None, *, chats: bool = False) -> Answer:
        """Answer a metric, perhaps broken down; or with `chats`, which chats are behind it."""
        from analytics import metrics

        statement = metrics.statement(name, by, chats=chats)
        return Answer(self._by(by).arrow(statement))

    def relation(self, name: str) -> Answer:
        """Return a view as it is: also what it tells of the days read before and after."""
        return Answer(self.archive.arrow(f"select * from {queries.load('views', name).name}"))  # noqa: S608 (ours)

    def export(self, name: str) -> Answer:
        """Return `sessions`, `assignments`, `messages` or `agent_status`, with all that is derived.

        Rows are those of the days asked about, as `analytics export` writes them.
        """
        return Answer(self.archive.arrow(queries.load("exports", name).sql))

    def sql(self, select: str) -> Answer:
        """Answer a SELECT in DuckDB's SQL over the views and `events`, what was received."""
        from analytics.duck import reading

        with reading(select):
            return Answer(self.archive.arrow(select))

    @property
    def archive(self) -> Archive:
        """The archive below, which parts of this package take."""
        return self._by(None)

    def _by(self, breakdown: str | None) -> Archive:
        if breakdown not in self._opened:
            self._opened[breakdown] = self._request.open_at(self._window, breakdown=breakdown)
        return self._opened[breakdown]

    def close(self) -> None:
        """Let go of everything."""
        while self._opened:
            self._opened.popitem()[1].close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of everything."""
        self.close()

    def __repr__(self) -> str:
        """Return what is open."""
        window = self._window
        return f"{self.project_id} from {window.since} to {window.until} ({window.tz})"
