"""The command `analytics`: arguments, one call, output. stdout is data, stderr is talk."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from analytics import queries
from analytics.errors import AnalyticsError, SettingWrong
from analytics.options import Request, archive_options, output_options
from archiver.errors import ArchiverError


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


@cli.command()
@archive_options
@output_options
def report(request: Request, format: str, output: Path | None) -> None:
    """Say how the desk did: chats, waits, agents, hours.

    \b
    analytics report --archive DIR --date 2026-11-23 --tz Europe/Rome
    """
    from analytics import page, render
    from analytics.report import build

    with request.open() as archive:
        hidden = not sys.stderr.isatty()
        with click.progressbar(queries.METRICS, file=sys.stderr, hidden=hidden) as names:
            told = build(archive, names)
    if format == "table":
        write(page.draw(told, _paint if output is None else lambda text, _: text), output)
    else:
        write(render.as_json(told) if format == "json" else render.report_as_csv(told), output)


@cli.command()
@click.argument("name")
@archive_options
@output_options
def metric(request: Request, name: str, format: str, output: Path | None) -> None:
    """Print one metric.

    \b
    analytics metric queue_time --archive DIR --since 2026-11-01 --until 2026-12-01
    """
    from analytics import metrics as answers
    from analytics import render

    queries.load("metrics", name)
    with request.open() as archive:
        write(render.table_as(answers.run(archive, name), format), output)


@cli.command()
def metrics() -> None:
    """List the metrics."""
    width = max(len(name) for name in queries.METRICS)
    for name in queries.METRICS:
        click.echo(f"{name:{width}}  {queries.load('metrics', name).doc}")


@cli.command()
@click.argument("name")
def explain(name: str) -> None:
    """Print what a metric means, and the SQL that says it.

    \b
    analytics explain first_response_human
    """
    from analytics import metrics as answers

    write(answers.explain(name), None)


@cli.command()
@archive_options
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
@click.argument("statement")
@archive_options
@output_options
def sql(request: Request, statement: str, format: str, output: Path | None) -> None:
    """Run a SELECT over the views and `events`.

    \b
    analytics sql 'select * from sessions' --archive DIR --format csv
    """
    from analytics import render

    with request.open() as archive:
        write(render.table_as(archive.ask(statement), format), output)


def write(text: str, output: Path | None) -> None:
    """Print an answer, or put it into a file, whole or not at all."""
    if output is None:
        click.echo(text, nl=False)
        return
    aside = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        aside.write_text(text, "utf-8")
        aside.replace(output)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise SettingWrong(f"{output}: cannot write it ({error.strerror})") from error


def _paint(text: str, name: str) -> str:
    return click.style(text, fg="red" if name == "warning" else None, bold=True)
