"""What a report's document has in it, in the order in which it is read."""

from __future__ import annotations

from datetime import date, timedelta

from analytics import queries
from analytics.document import overview, people, recording
from analytics.document.blocks import Section
from analytics.document.material import Material


def sections(material: Material) -> list[Section]:
    """Return the sections; of a chosen few metrics, those as they are."""
    if not material.week:
        return recording.further(material, frozenset())
    found = (
        overview.glance(material),
        overview.through_the_day(material),
        overview.waits(material),
        overview.service(material),
        overview.week(material),
        people.agents(material),
        people.abandonment(material),
        people.satisfaction(material),
        people.staffing(material),
        recording.tiledesk(material),
        recording.recording(material),
    )
    further = recording.further(material, frozenset(queries.REPORT))
    return [section for section in found if section is not None] + further


def title(report: dict[str, object]) -> str:
    """Return which days a report is about."""
    since = date.fromisoformat(str(report["since"]))
    last = date.fromisoformat(str(report["until"])) - timedelta(days=1)
    return f"{since:%A, %d %B %Y}" if since == last else f"{since:%d %B %Y} to {last:%d %B %Y}"
