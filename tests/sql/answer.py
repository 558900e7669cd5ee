"""Answers every query over rows in a Parquet file, by whatever DuckDB is found first.

A program of its own, because two versions of DuckDB do not fit into one process:
`python answer.py ROWS.parquet SINCE UNTIL TZ BREAKDOWN`. Prints JSON: the version, and for each
query its columns and rows.
"""

from __future__ import annotations

import json
import sys
from datetime import date, datetime, timedelta

from analytics import queries
from analytics.archive import Archive
from analytics.duck import Duck, columns
from analytics.settings import Settings
from analytics.window import choose


def main(rows: str, since: str, until: str, tz: str, breakdown: str) -> None:
    """Print every answer."""
    import duckdb

    last = date.fromisoformat(until)
    now = datetime.combine(last, datetime.min.time()) + timedelta(days=30)
    window = choose(date.fromisoformat(since), last, tz, now)
    settings = Settings(breakdown=breakdown or None, chat_limit=3)
    hours = [("", window.start + timedelta(hours=8), window.start + timedelta(hours=17))]
    engine = Duck()
    opened = Archive(engine, "p1", window, settings)
    opened.tell(hours)
    engine.view("events", f"select {columns()} from read_parquet('{rows}')")
    told = {"version": duckdb.__version__}
    for folder, names in queries.FOLDERS.items():
        for name in names:
            sql = queries.load(folder, name).sql
            answer = opened.query(f"select * from {name}" if folder == "views" else sql)
            told[f"{folder}/{name}"] = [list(answer.columns), *map(list, answer.rows)]
    print(json.dumps(told, default=str))


if __name__ == "__main__":
    main(*sys.argv[1:])
