"""The sections about the figures themselves: Tiledesk's own, what was recorded, further metrics."""

from __future__ import annotations

from collections.abc import Iterator

from analytics import queries
from analytics.document import charts
from analytics.document.blocks import Figure, Picture, Said, Section, Table
from analytics.document.facts import Facts, definitions, shown
from analytics.document.material import Material
from analytics.document.palette import CSS
from analytics.figures import NOTHING, duration, percent
from analytics.render import cell
from analytics.reported import QUALITY, TILEDESK, Row

GAPS_SHOWN = 20
ROWS_SHOWN = 200


def tiledesk(material: Material) -> Section:
    """Return what Tiledesk's own dashboard would have said, and why it is not the same."""
    facts = Facts(material.report)
    rows: list[Said] = []
    why: list[Said] = []
    told = facts.told["tiledesk_differences"]
    places = {row["figure"]: at for at, row in enumerate(told)}
    for name, (label, show) in TILEDESK.items():
        at = places[name]
        row = told[at]
        cells = [
            Figure(show(row[whose]), row[whose], f"metrics/tiledesk_differences/{at}/{whose}")
            for whose in ("tiledesk_value", "our_value")
        ]
        rows.append([label, *cells])
        if row["tiledesk_value"] != row["our_value"]:
            why.append([f"{label[0].upper()}{label[1:]}: {row['why']}."])
    caption = "By Tiledesk's formulas, and by ours"
    return Section(
        "tiledesk",
        "What Tiledesk's dashboard says",
        tables=[Table(caption, ("Figure", "Tiledesk", "here"), rows)],
        notes=why,
        definitions=definitions("tiledesk_differences", "tiledesk_compatible"),
    )


def recording(material: Material) -> Section:
    """Return how much was recorded, what is missing, and how good it is."""
    facts = Facts(material.report)
    ratio = facts.report["coverage"]["ratio"]
    said: list[Said] = [
        ["Recorded ", Figure(percent(ratio), ratio, "coverage/ratio"), " of the time."],
        list(_quality(facts)),
    ]
    return Section(
        "recording",
        "Recording",
        said=said,
        pictures=_strip(material, ratio),
        tables=list(_gaps(facts)),
        definitions=definitions("coverage_by_day", "data_quality"),
    )


def _strip(material: Material, ratio: float) -> list[Picture]:
    day = material.day
    if day is None:
        return []
    gaps = material.report["coverage"]["gaps"]
    chart = charts.recording(gaps, day.reached, day.clock, CSS)
    told = f"{percent(ratio)} recorded, {len(gaps)} gaps"
    return [Picture.of(chart, "recorded", "What was recorded of the day", told)]


def _quality(facts: Facts) -> Iterator[str | Figure]:
    yield facts.figure("data_quality", "rows_count")
    yield " entities received, 95 % within "
    yield facts.figure("data_quality", "receive_lag_p95_s")
    for column, label in QUALITY.items():
        if facts.total("data_quality").get(column):
            yield "; "
            yield facts.figure("data_quality", column)
            yield f" {label}"
    yield "."


def _gaps(facts: Facts) -> Iterator[Table]:
    gaps = facts.report["coverage"]["gaps"]
    if not gaps:
        return
    rows: list[Said] = []
    for gap in gaps[:GAPS_SHOWN]:
        since, until = facts.local(gap["since"]), facts.local(gap["until"])
        length = (until - since).total_seconds()
        rows.append(
            [
                f"{since:%Y-%m-%d %H:%M:%S}",
                f"{until:%Y-%m-%d %H:%M:%S}",
                duration(length),
                gap["why"] or NOTHING,
            ]
        )
    caption = "Not recorded"
    if len(gaps) > GAPS_SHOWN:
        caption += f" (the first {GAPS_SHOWN} of {len(gaps)})"
    yield Table(caption, ("since", "until", "how long", "why"), rows)


def further(material: Material, placed: frozenset[str]) -> list[Section]:
    """Return the metrics that have no place of their own, as they are."""
    return [
        Section(
            f"metric-{name}",
            name,
            said=[[queries.load("metrics", name).doc]],
            tables=list(_plain(name, rows)),
            definitions=definitions(name),
        )
        for name, rows in material.report["metrics"].items()
        if name not in placed
    ]


def _plain(name: str, rows: list[Row]) -> Iterator[Table]:
    if not rows:
        return
    columns = tuple(rows[0])
    listed = [
        [_value(f"metrics/{name}/{at}/{column}", column, row[column]) for column in columns]
        for at, row in enumerate(rows[:ROWS_SHOWN])
    ]
    caption = name if len(rows) <= ROWS_SHOWN else f"{name} (the first {ROWS_SHOWN} rows)"
    yield Table(caption, columns, listed)


def _value(path: str, column: str, value: object) -> str | Figure:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Figure(shown(column, value), value, path)
    return cell(value)
