"""The command `analytics`: arguments, one call, output. stdout is data, stderr is talk."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from analytics import queries
from analytics.capacity.command import capacity
from analytics.dashboard.command import dashboard
from analytics.errors import AnalyticsError
from analytics.options import (
    INSTANT,
    archive_options,
    desks_options,
    document_options,
    engine_options,
    facts_option,
    limits_options,
    metrics_options,
    optional_archive_options,
    output_options,
)
from analytics.output import published, write
from analytics.request import Desks, Request, facts_root
from analytics.settings import BREAKDOWNS
from archiver.errors import ArchiverError


def main() -> None:
    """Run the command as a process of its own: one that is told to stop still cleans up.

    What memory did not hold is people's data in a folder for temporary files.
    """
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    cli()


class Commands(click.Group):
    """Shows our own errors as one line; a bug keeps its traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (AnalyticsError, ArchiverError) as error:
            raise click.ClickException(str(error)) from error


@click.group(
    cls=Commands,
    context_settings={"auto_envvar_prefix": "ANALYTICS", "help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="tiledesk-archive", prog_name="analytics")
def cli() -> None:
    """Answer questions about recorded chats."""


cli.add_command(capacity)
cli.add_command(dashboard)


@cli.command()
@click.option("--no-compare", is_flag=True, help="Leave earlier days out.")
@metrics_options
@archive_options
@engine_options
@document_options
def report(
    request: Request,
    names: tuple[str, ...],
    no_compare: bool,
    format: str,
    output: Path | None,
    pages: Path | None,
    force: bool,
) -> None:
    """Say how the desk did: chats, waits, agents, hours; a day beside earlier days.

    \b
    analytics report --archive DIR --date 2026-11-23 --tz Europe/Rome
    analytics report --archive DIR --format html --output yesterday.html
    analytics report --archive DIR --since 2026-11-01 --every-day --output-dir pages
    """
    from analytics.document import command

    if pages is not None:
        command.every_day(request, names, pages, compare=not no_compare, is_forced=force)
        return
    if format in command.FORMATS:
        command.report(request, names, format, output, compare=not no_compare, progress=progress)
        return
    from analytics import comparison, page, render
    from analytics.document import staffing
    from analytics.report import build

    is_whole = set(queries.REPORT) <= set(names)
    with request.open(only=(*names, *staffing.METRICS) if is_whole else names) as archive:
        with progress(names) as asked:
            told = build(archive, asked)
        if not no_compare:
            told |= comparison.compare(told, archive, request.open_at)
        if is_whole:
            told |= staffing.told(staffing.staffing(archive, request.open_at))
    if format == "table":
        write(page.draw(told, _paint if output is None else lambda text, _: text), output)
    else:
        write(render.as_json(told) if format == "json" else render.report_as_csv(told), output)


@cli.command()
@desks_options
@engine_options
@facts_option
def build(desks: Desks, facts: Path | None) -> None:
    """Keep what is worked out of each chat, so that reports over many days take seconds.

    Only what is new is worked out; reports say the same as with --look-back all --look-ahead all.
    Run it after midnight.

    \b
    analytics build --archive chats
    """
    from analytics.facts import command

    root = facts_root(desks.archive, facts)
    if root is None:
        raise click.UsageError("an archive on object storage: say with --facts where to keep them")
    command.run(desks, root)


@cli.command()
@click.option("--against", type=INSTANT, help="The other instant; now if not given.")
@metrics_options
@archive_options
@limits_options
@output_options
def diff(
    request: Request,
    names: tuple[str, ...],
    against: datetime | None,
    format: str,
    output: Path | None,
) -> None:
    """Print what late closes, ratings and repairs changed since --as-of.

    \b
    analytics diff --archive DIR --date 2026-11-23 --as-of 2026-11-24T06:00
    """
    from analytics import metrics as answers
    from analytics import render
    from analytics.engine import Table
    from analytics.restatement import COLUMNS, differences

    if request.as_of is None:
        raise click.UsageError("Missing option '--as-of'.")
    windows = (request.window(), request.against(against))
    with (
        request.open_at(windows[0], only=names) as before,
        request.open_at(windows[1], only=names) as after,
        progress(names) as asked,
    ):
        found = [
            row
            for name in asked
            for row in differences(name, answers.run(before, name), answers.run(after, name))
        ]
    write(render.table_as(Table(COLUMNS, ("",) * len(COLUMNS), found), format), output)


@cli.command()
@click.argument("name")
@click.option("--by", type=click.Choice(BREAKDOWNS), help="What to break it down by.")
@click.option("--chats", is_flag=True, help="Print the chats behind its rows instead.")
@archive_options
@engine_options
@output_options
def metric(
    request: Request, name: str, by: str | None, chats: bool, format: str, output: Path | None
) -> None:
    """Print one metric, or the chats behind it.

    \b
    analytics metric queue_time --archive DIR --since 2026-11-01 --until 2026-12-01
    analytics metric first_response_human --by department --chats --archive DIR
    """
    from analytics import metrics as answers
    from analytics import render

    answers.refuse(name, by, chats=chats)
    with request.open(by, only=(name,)) as archive:
        table = answers.chats(archive, name) if chats else answers.run(archive, name)
        threshold = archive.settings.coverage_threshold
    write(render.table_as(table, format, threshold), output)


@cli.command()
def metrics() -> None:
    """List the metrics."""
    width = max(len(name) for name in queries.METRICS)
    for name in queries.METRICS:
        click.echo(f"{name:{width}}  {queries.load('metrics', name).doc}")


@cli.command()
@click.argument("name")
@optional_archive_options
def explain(request: Request | None, name: str) -> None:
    """Print what a metric means, the SQL that says it, and examples of an archive.

    \b
    analytics explain first_response_human --archive DIR --date 2026-11-23
    """
    from analytics import metrics as answers
    from analytics import render

    write(answers.explain(name), None)
    if request is None:
        click.echo("Note: name an archive with --archive to see three of its rows", err=True)
        return
    with request.open(only=(name,)) as archive:
        for title, table in answers.examples(archive, name):
            write(f"\n-- {title}:\n{render.table_as(table, 'table')}", None)


@cli.command()
@archive_options
@engine_options
def check(request: Request) -> None:
    """Look for rows that should not be there; exit status 3 if there are any."""
    from analytics import metrics as answers
    from analytics import render

    found = False
    with request.open() as archive:
        for name in queries.CHECKS:
            rows = answers.check(archive, name)
            found = found or bool(rows.rows)
            state = f"{len(rows.rows)} rows" if rows.rows else "fine"
            click.echo(f"{name}: {state}: {queries.load('checks', name).doc}", err=True)
            if rows.rows:
                write(f"{name}\n{render.table_as(rows, 'table')}", None)
    if found:
        raise SystemExit(3)


@cli.command()
@click.argument("what", type=click.Choice(queries.EXPORTS))
@click.option(
    "--format",
    "form",
    type=click.Choice(["parquet", "csv"]),
    default="parquet",
    show_default=True,
    help="What to write.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="File to write to.",
)
@archive_options
@limits_options
def export(request: Request, what: str, form: str, output: Path) -> None:
    """Write sessions, assignments, messages or agents' states to a file, a row each.

    \b
    analytics export sessions --archive DIR --since 2026-11-01 --until 2026-12-01 --output FILE
    """
    with request.open() as archive, published(output) as draft:
        count = archive.copy(what, draft, form)
    click.echo(f"{output}: {count} rows", err=True)


@cli.command()
@click.argument("statement")
@archive_options
@limits_options
@output_options
def sql(request: Request, statement: str, format: str, output: Path | None) -> None:
    """Run a SELECT over the views and `events`.

    \b
    analytics sql 'select * from sessions' --archive DIR --format csv
    """
    from analytics import render
    from analytics.duck import reading

    with request.open() as archive, reading(statement):
        answer = archive.query(statement)
    write(render.table_as(answer, format), output)


@cli.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--force", is_flag=True, help="Replace notebooks that are there.")
def notebook(folder: Path, force: bool) -> None:
    """Copy the notebooks to a folder: a question each, on your own archive.

    \b
    analytics notebook questions
    """
    from analytics import notebook as notebooks

    for path in notebooks.copy(folder, is_forced=force):
        click.echo(path)
    click.echo(
        "Next: pip install jupyterlab 'tiledesk-archive[report]', then"
        f" ARCHIVE=$PWD/chats DESK_TZ=Europe/Rome jupyter lab {folder}",
        err=True,
    )


def progress(names: tuple[str, ...]) -> AbstractContextManager[Iterable[str]]:
    """Show on a terminal how far it is."""
    return click.progressbar(names, file=sys.stderr, hidden=not sys.stderr.isatty())


def _paint(text: str, name: str) -> str:
    return click.style(text, fg="red" if name == "warning" else None, bold=True)
