"""The simulated server's documents have the shapes that a real server's had in recordings."""

from __future__ import annotations

import json
from collections import defaultdict

import pytest

from archiver.simulate.desk import Desk
from archiver.simulate.documents import depopulated
from archiver.simulate.hub import Hub
from archiver.simulate.settings import PROJECT_ID, DeskSettings
from archiver.simulate.timeline import HOUR, from_iso

pytestmark = pytest.mark.slow

# Recorded from a desk without bots, drafts, limits, media or unassigned chats: what those bring
# is documented (protocol: request, message and agent objects), so it may be there or be missing.
MAY_BE_THERE = {
    "draft",
    "fully_abandoned",
    "hasBot",
    "height",
    "id",
    "id_bot",
    "id_group",
    "language",
    "max_assigned_chat",
    "presence",
    "src",
    "width",
    "workingStatus",
}
MAY_BE_MISSING = {"assigned_at", "updateconversation", "messagelabel", "metadata"}
UNRECORDED = {"attributes", "notes", "presence", "requester", "tags"}
"""What no recording of that kind of frame has in it."""
FREE = {"abandoned_by_project_users", "last_message", "participatingBots", "metadata"}
"""Keys whose value is not looked into: free, or another document's."""


def kind_of(payload):
    """Name the kind of frame that a document came in."""
    topic, method, message = payload["topic"], payload["method"], payload["message"]
    if topic.endswith("/messages"):
        kind = "message"
    elif topic.endswith("/requests"):
        kind = "request"
    else:
        kind = "agent"
    is_snapshot = isinstance(message, list) or (kind == "agent" and method == "CREATE")
    return f"{kind} {'snapshot' if is_snapshot else method}"


def note(shapes, path, document):
    """Note the keys of a document and of those within it."""
    shapes[path].append(frozenset(document))
    for key, value in document.items():
        if key in FREE:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, dict):
                note(shapes, f"{path}.{key}", child)


def shapes_of(payloads):
    shapes = defaultdict(list)
    for payload in payloads:
        message = payload["message"]
        for document in message if isinstance(message, list) else [message]:
            if document and payload.get("method"):
                note(shapes, kind_of(payload), document)
    return shapes


@pytest.fixture(scope="module")
def recorded(captures, entries):
    payloads = [
        json.loads(entry["data"])["payload"]
        for path in captures.values()
        for entry in entries(path)
        if entry["dir"] == "in" and '"publish"' in entry["data"]
    ]
    return shapes_of(payloads)


@pytest.fixture(scope="module")
def simulated_shapes(watched):
    names = ("topic", "method", "message")
    return shapes_of(dict(zip(names, frame[1:], strict=True)) for frame in watched.frames)


def test_every_kind_of_frame_has_the_recorded_keys(recorded, simulated_shapes, late_snapshots):
    shapes = defaultdict(list, simulated_shapes)
    for path, keys in late_snapshots.items():
        shapes[path] += keys

    kinds = {path for path in recorded if "." not in path}
    assert kinds <= set(shapes)
    for path, ours in shapes.items():
        theirs = recorded.get(path)
        if theirs is None:
            assert path.split(".")[-1] in UNRECORDED, path
            continue
        always, ever = frozenset.intersection(*theirs), frozenset.union(*theirs)
        for keys in set(ours):
            assert always - keys <= MAY_BE_MISSING, path
            assert keys - ever <= MAY_BE_THERE, path


@pytest.fixture(scope="module")
def late_snapshots(subscription):
    """Give the shapes that a client finds which comes late in the morning."""
    start = from_iso("2026-11-03T08:00:00Z")
    hub = Hub()
    desk = Desk(DeskSettings(), start, hub)
    desk.advance(start + 3 * HOUR)
    connection = hub.connect(start)
    (requests,) = connection.receive(subscription(f"/{PROJECT_ID}/requests"))
    payload = json.loads(requests)["payload"]
    assert len(payload["message"]) > 5
    return shapes_of([payload])


def test_a_single_request_is_shown_in_full(watched, subscription):
    start = from_iso("2026-11-03T08:00:00Z")
    hub = Hub()
    desk = Desk(DeskSettings(), start, hub)
    listener = hub.connect(start)
    listener.receive(subscription(f"/{PROJECT_ID}/requests"))
    desk.advance(start + 3 * HOUR)
    updates = [json.loads(frame)["payload"]["message"] for frame in listener.take()]
    closed = next(request for request in updates if request["status"] == 1000)

    (frame,) = listener.receive(subscription(f"/{PROJECT_ID}/requests/{closed['request_id']}"))
    shown = json.loads(frame)["payload"]["message"]

    assert shown["status"] == 1000
    assert shown["closed_at"] > closed["updatedAt"]
    assert shown["transcript"]
    assert shown["lead"]["lead_id"] == closed["lead"]["lead_id"]
    assert shown["snapshot"].keys() == {
        "department",
        "availableAgentsCount",
        "requester",
        "lead",
        "agents",
    }


def test_a_live_request_can_be_cut_down_to_a_row():
    request = {"_id": "r", "lead": {"_id": "l"}, "department": {"_id": "d"}, "requester": None}

    assert depopulated(request) == {
        "_id": "r",
        "lead": "l",
        "department": "d",
        "requester": None,
    }
