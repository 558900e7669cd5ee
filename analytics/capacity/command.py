"""The command `analytics capacity`: options in, history read, plan printed or drawn.

What the figures mean is said by the modules that make them; nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from analytics.capacity import request as asked
from analytics.errors import SettingWrong
from analytics.options import DAY, Checked, archive_options, engine_options
from analytics.output import write
from analytics.request import Request

if TYPE_CHECKING:
    from analytics.capacity.request import Wish

MOST_CHATS = 3
"""How many chats at once are planned for, if nothing says how many an agent may have."""

_Command = Callable[..., None]
_OPTIONS = (
    click.option(
        "--target",
        type=Checked("share/seconds", asked.target),
        default="80/60",
        show_default=True,
        help="Which share of live chats an agent is to have within how many seconds.",
    ),
    click.option(
        "--max-occupancy",
        type=click.FloatRange(0, 1, min_open=True),
        default=0.85,
        show_default=True,
        help="At most this share of the agents' slots is to be in use.",
    ),
    click.option(
        "--max-abandonment",
        type=click.FloatRange(0, 1, min_open=True),
        default=1.0,
        help="At most this share of the visitors is to give up.  [default: any]",
    ),
    click.option(
        "--shrinkage",
        type=Checked("share", asked.shrinkage),
        default="0.3",
        show_default=True,
        help="Which share of those on the roster is not there: breaks, training, sick.",
    ),
    click.option(
        "--interval",
        type=Checked("minutes", asked.interval),
        default="30m",
        show_default=True,
        help="15m, 30m or 60m.",
    ),
    click.option(
        "--weeks",
        type=click.IntRange(1, 4),
        default=2,
        show_default=True,
        help="How many weeks to plan.",
    ),
    click.option(
        "--max-chats",
        type=click.IntRange(1, asked.MOST_CHATS),
        help="Chats of an agent at once.  [default: the chat limit, else 3]",
    ),
    click.option(
        "--what-if",
        metavar="NAME=VALUE,…",
        help="A second plan beside the first, of any of agents=+1, max_chats=4, handle_time=-10%,"
        " arrivals=+20%, target=90/30, shrinkage=0.25.",
    ),
    click.option(
        "--replay",
        type=DAY,
        help="Play a recorded day again instead, as it was and as supposed.",
    ),
    click.option("--department", help="Plan one only, by its name."),
    click.option("--by", type=click.Choice(["department"]), help="A plan of each."),
    click.option(
        "--format",
        type=click.Choice(["table", "json", "csv", "svg", "html"]),
        default="table",
        show_default=True,
        help="What to print.",
    ),
    click.option(
        "--output",
        type=click.Path(path_type=Path, dir_okay=False),
        help="File to write to.",
    ),
)


def _plan_options(command: _Command) -> _Command:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command()
@_plan_options
@archive_options
@engine_options
def capacity(
    request: Request,
    what_if: str | None,
    replay: date | None,
    department: str | None,
    by: str | None,
    interval: int,
    format: str,
    output: Path | None,
    **wanted: Any,
) -> None:
    """Plan agents for the next weeks from what the last twelve were like.

    The days given are the history to learn from; none: the last twelve weeks.

    \b
    analytics capacity --archive DIR --tz Europe/Rome --target 80/60
    analytics capacity --archive DIR --what-if agents=+1,handle_time=-10%
    analytics capacity --archive DIR --replay 2026-11-23 --what-if agents=+1
    analytics capacity --archive DIR --format html --output plan.html
    """
    from analytics.capacity import replay as again
    from analytics.capacity import report
    from analytics.capacity.sources import Sources

    if replay is not None and (department or by or format in {"svg", "html"}):
        raise click.UsageError("--replay plays the whole project, for a table, json or csv")
    if by and (department or format == "svg"):
        raise click.UsageError("--by plans every department, for a table, json, csv or html")
    wish = _wish(request, wanted)
    supposed = _supposed(wish, what_if)
    sources = Sources(request, wish.assumptions.target.answer_in, interval)
    if replay is not None:
        told = again.build(sources.day(replay), sources.past(), wish, supposed)
        write(_replayed(told, format), output)
        return
    ahead = timedelta(weeks=wish.weeks)
    pasts = sources.departments(ahead, department) if department or by else [sources.past(ahead)]
    reports = [report.build(past, wish, supposed) for past in pasts]
    if format == "csv":
        for note in {one["notes"][0] for one in reports if not one["plan"]}:
            click.echo(f"Note: {note}", err=True)
    write(_drawn(reports, format, by), output)


def _wish(request: Request, wanted: dict[str, Any]) -> Wish:
    from analytics.capacity.plan import Assumptions
    from analytics.capacity.staffing import Target

    level, answer_in = wanted["target"]
    goal = Target(level, answer_in, wanted["max_occupancy"], wanted["max_abandonment"])
    chats = wanted["max_chats"] or request.desk.settings.chat_limit or MOST_CHATS
    return asked.Wish(Assumptions(goal, wanted["shrinkage"]), wanted["weeks"], chats)


def _supposed(wish: Wish, text: str | None) -> Wish | None:
    try:
        return None if text is None else asked.suppose(wish, text)
    except SettingWrong as error:
        raise click.UsageError(str(error)) from error


def _drawn(reports: Sequence[dict[str, Any]], how: str, by: str | None) -> str:
    from analytics import render
    from analytics.capacity.report import PLAN, apart

    if how == "json":
        return render.as_json(apart(reports) if by else reports[0])
    if how == "csv":
        return render.as_csv(("department", *PLAN, "is_supposed"), list(_rows(reports)))
    if how == "table":
        from analytics.capacity import table

        return "\n".join(map(table.draw, reports))
    from analytics.capacity import chart, page

    return chart.week(reports[0]) if how == "svg" else page.draw(reports)


def _rows(reports: Sequence[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    """Yield the intervals of all plans, those that are supposed after each plan's own."""
    for report in reports:
        second = report["supposed"]["plan"] if report["supposed"] else []
        for plan, is_supposed in ((report["plan"], False), (second, True)):
            for row in plan:
                yield report["department"], *row.values(), is_supposed


def _replayed(report: dict[str, Any], how: str) -> str:
    from analytics import render
    from analytics.capacity import table

    if how == "json":
        return render.as_json(report)
    if how == "csv":
        rows = report["intervals"]
        return render.as_csv(tuple(rows[0]), [tuple(row.values()) for row in rows])
    return table.replayed(report)
