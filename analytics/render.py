"""Writes an answer as text: JSON, CSV, or a plain table. Pure: plain data in, text out."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

from analytics.engine import Table
from analytics.figures import MARK, NOTHING, is_short, marked, percent
from analytics.report import plain, records

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def table_as(table: Table, how: str, threshold: float = 0.0) -> str:
    """Return an answer in a format: `table`, `json` or `csv`.

    A table marks what was recorded for less than `threshold` of its time.
    """
    if how == "json":
        return as_json(records(table.records()))
    if how == "csv":
        return as_csv(table.columns, table.rows)
    return records_as_table(table.columns, table.records(), threshold)


def records_as_table(
    columns: Sequence[str], rows: Sequence[dict[str, Any]], threshold: float
) -> str:
    """Return records as a plain table."""
    cells = [[shown(name, row[name], threshold) for name in columns] for row in rows]
    drawn = grid(columns, cells)
    if any(is_short(row.get("coverage_ratio"), threshold) for row in rows):
        drawn += f"\n{MARK} recorded for less than {percent(threshold)} of the time\n"
    return drawn


def shown(name: str, value: Any, threshold: float = 0.0) -> str:
    """Return a value of a column as a table shows it."""
    if name == "coverage_ratio":
        return marked(value, threshold)
    if name.endswith("_ratio"):
        return percent(value)
    if name == "weekday" and value is not None:
        return WEEKDAYS[int(value) - 1]
    return cell(value)


def as_json(value: Any) -> str:
    """Return plain data as JSON."""
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return rows as CSV: an empty field is unknown."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_field(value) for value in row])
    return out.getvalue()


def report_as_csv(report: dict[str, Any]) -> str:
    """Return a report as CSV in long form: one value a line."""
    rows: list[tuple[str, int, str, Any]] = [
        ("coverage", 0, "coverage_ratio", report["coverage"]["ratio"])
    ]
    for number, gap in enumerate(report["coverage"]["gaps"]):
        rows += [("gaps", number, column, value) for column, value in gap.items()]
    for metric, answers in report["metrics"].items():
        for number, answer in enumerate(answers):
            rows += [(metric, number, column, value) for column, value in answer.items()]
    for number, figure in enumerate(report.get("comparison", {}).get("figures", ())):
        rows += [("comparison", number, column, value) for column, value in figure.items()]
    return as_csv(("metric", "row", "column", "value"), rows)


def grid(columns: Sequence[str], rows: Sequence[Sequence[str]], indent: str = "") -> str:
    """Return cells in columns: the first one to the left, the others to the right."""
    lines = [list(columns), *[list(row) for row in rows]]
    widths = [max(len(line[n]) for line in lines) for n in range(len(columns))]
    drawn = []
    for line in lines:
        first = line[0].ljust(widths[0])
        others = [text.rjust(width) for text, width in zip(line[1:], widths[1:], strict=True)]
        drawn.append((indent + "  ".join([first, *others])).rstrip())
    return "\n".join(drawn) + "\n"


def cell(value: Any) -> str:
    """Return a value as a table shows it."""
    if value is None:
        return NOTHING
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    if isinstance(value, list):
        return ", ".join(cell(one) for one in value)
    value = plain(value)
    return value.replace("\n", " ") if isinstance(value, str) else str(value)


def _field(value: Any) -> Any:
    value = plain(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
