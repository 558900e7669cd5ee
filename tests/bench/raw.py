"""The same three questions without an archive: pandas and Polars over the raw JSON lines.

What a team would write that logs every entity as one line: parse, keep what is needed, compute the
day's first human response, its agents' chats, and how many chats each agent had at once. They are
kind to themselves: no duplicates but exact ones, no gaps, no reopening, no bots that hand over.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

Rows = dict[str, list[Any]]


def parsed(documents: Iterator[tuple[str, Any]]) -> tuple[Rows, Rows]:
    """Return the columns of request versions and of messages that the questions need."""
    requests: Rows = {name: [] for name in ("chat", "at", "status", "agents", "lead")}
    messages: Rows = {name: [] for name in ("id", "chat", "at", "sender")}
    for kind, document in documents:
        if kind == "request":
            requests["chat"].append(document["request_id"])
            requests["at"].append(document["updatedAt"])
            requests["status"].append(document["status"])
            requests["agents"].append(document.get("participantsAgents") or [])
            lead = document.get("lead")  # in a snapshot only its id
            requests["lead"].append(lead.get("lead_id") if isinstance(lead, dict) else None)
        elif kind == "message":
            messages["id"].append(document["_id"])
            messages["chat"].append(document["recipient"])
            messages["at"].append(document["createdAt"])
            messages["sender"].append(document["sender"])
    return requests, messages


def by_pandas(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the documents as pandas reads JSON lines."""
    import pandas as pd

    with pd.read_json(path, lines=True, chunksize=20_000) as chunks:  # whole, it takes 11 GB
        for table in chunks:
            yield from zip(table["kind"], table["payload"], strict=True)


def by_orjson(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the documents by the fastest parser there is."""
    with path.open("rb") as lines:
        for line in lines:
            told = orjson.loads(line)
            yield told["kind"], told["payload"]


def pandas_day(documents: Iterator[tuple[str, Any]], since: str, until: str) -> Any:
    """Answer with pandas."""
    import pandas as pd

    requests, messages = (pd.DataFrame(rows) for rows in parsed(documents))
    for frame in (requests, messages):
        frame["at"] = pd.to_datetime(frame["at"], utc=True)
    begin, end = pd.Timestamp(since, tz="UTC"), pd.Timestamp(until, tz="UTC")
    requests = requests.sort_values("at").drop_duplicates(["chat", "at"])
    seats = requests.explode("agents").dropna(subset=["agents"])
    agents = set(seats["agents"])
    messages = messages.drop_duplicates("id").sort_values("at")
    leads = requests.groupby("chat")["lead"].last()
    is_visitor = messages["sender"] == messages["chat"].map(leads)
    asked = messages[is_visitor].groupby("chat")["at"].first()
    answered = messages[messages["sender"].isin(agents)].groupby("chat")["at"].first()
    waits = (answered - asked).dropna()
    waits = waits[(answered[waits.index] >= begin) & (answered[waits.index] < end)]
    spans = seats.groupby(["chat", "agents"])["at"].agg(["min", "max"]).reset_index()
    got = spans[(spans["min"] >= begin) & (spans["min"] < end)].groupby("agents").size()
    edges = pd.concat(
        [
            spans[["agents", "min"]].rename(columns={"min": "at"}).assign(step=1),
            spans[["agents", "max"]].rename(columns={"max": "at"}).assign(step=-1),
        ]
    ).sort_values(["agents", "at", "step"])
    edges["chats"] = edges.groupby("agents")["step"].cumsum()
    here = edges[(edges["at"] >= begin) & (edges["at"] < end)]
    return waits.dt.total_seconds().quantile([0.5, 0.9]), got, here.groupby("agents")["chats"].max()


def polars_day(documents: Iterator[tuple[str, Any]], since: str, until: str) -> Any:
    """Answer with Polars."""
    import polars as pl

    at = pl.col("at").str.to_datetime(time_zone="UTC")
    frames = (pl.DataFrame(rows, strict=False) for rows in parsed(documents))
    requests, messages = (frame.with_columns(at) for frame in frames)
    begin = datetime.fromisoformat(f"{since}T00:00:00+00:00")
    end = datetime.fromisoformat(f"{until}T00:00:00+00:00")
    requests = requests.unique(["chat", "at"]).sort("at")
    seats = requests.explode("agents").drop_nulls("agents")
    leads = requests.group_by("chat").agg(pl.col("lead").drop_nulls().last())
    said = messages.unique("id").sort("at").join(leads, on="chat")
    asked = said.filter(pl.col("sender") == pl.col("lead")).group_by("chat").agg(pl.col("at").min())
    replies = said.filter(pl.col("sender").is_in(seats["agents"].unique().implode()))
    answered = replies.group_by("chat").agg(pl.col("at").min().alias("answered"))
    waits = asked.join(answered, on="chat").filter(pl.col("answered").is_between(begin, end))
    spans = seats.group_by("chat", "agents").agg(
        pl.col("at").min().alias("since"), pl.col("at").max().alias("until")
    )
    got = spans.filter(pl.col("since").is_between(begin, end)).group_by("agents").len()
    edges = pl.concat(
        [
            spans.select("agents", at=pl.col("since"), step=pl.lit(1)),
            spans.select("agents", at=pl.col("until"), step=pl.lit(-1)),
        ]
    ).sort("agents", "at", "step")
    levels = edges.with_columns(chats=pl.col("step").cum_sum().over("agents"))
    here = levels.filter(pl.col("at").is_between(begin, end))
    wait_s = (waits["answered"] - waits["at"]).dt.total_seconds()
    most = here.group_by("agents").agg(pl.col("chats").max())
    return (wait_s.quantile(0.5), wait_s.quantile(0.9)), got, most


WAYS = {
    "pandas": (by_pandas, pandas_day),
    "pandas with orjson": (by_orjson, pandas_day),
    "Polars with orjson": (by_orjson, polars_day),
}

if __name__ == "__main__":
    way, file, first, after = sys.argv[1:]
    read, answer = WAYS[way]
    print(answer(read(Path(file)), first, after)[0])
