"""The archive's format: what a reader must know, and nothing else.

The archiver writes by this module and analytics reads by it. It names the columns, where in
the received JSON each comes from, the partitions and the parts. A change here is a change of
format: raise `VERSION`. It opens no file and knows nothing of sockets, journals or SQL.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    import pyarrow as pa

VERSION = 1
UNKNOWN_PROJECT = "_unknown"
JOURNAL_FOLDER = "_journal"
DERIVED_FOLDER = "_facts"  # what analytics keeps there; no part of the archive, and disposable
MARKER = "archive.json"

# The footer of a part holds JSON under this key: format, recorder, segment, first_seq and last_seq
# of the segment, rows of the part, `covered` ([since, until] pairs) and `gaps`. A compacted part's
# has generation and number of the part, and in `segments` recorder, segment, first_seq and last_seq
# of each that it was made of.
FACTS = "archive"

KINDS = ("request", "message", "agent", "event", "bot", "control", "gap", "untrusted", "unparsed")
SOURCES = ("realtime", "repair", "rest", "recorder")

_PROJECT_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")


@dataclass(frozen=True)
class Column:
    """One column of the archive.

    `type` is one of the keys of `ARROW_TYPES`; `paths` tells for each kind of row where in the
    entity's JSON the value stands (dots descend; the first path that holds a value wins).
    """

    name: str
    type: str
    doc: str
    paths: dict[str, tuple[str, ...]] = field(default_factory=dict)


ENVELOPE = (
    Column("received_at", "time", "When our socket delivered the frame (our clock, UTC)."),
    Column("recorder", "text", "Name of the recorder that received it."),
    Column("connection", "integer", "Number of the connection, never reused by a recorder."),
    Column("seq", "integer", "Number of the frame, never reused by a recorder."),
    Column(
        "element",
        "integer",
        "Index in the frame's array, 0 for a single entity; below 0 for rows that the recorder"
        " adds to a frame. (`recorder`, `seq`, `element`) identifies a row.",
    ),
    Column("source", "text", "`realtime`, `repair` (read again), `rest`, or `recorder`."),
    Column("kind", "text", "What the row is: " + ", ".join(f"`{kind}`" for kind in KINDS) + "."),
    Column("topic", "text", "The subscription that it came from."),
    Column("method", "text", "`CREATE` or `UPDATE`, as the server said."),
    Column("is_snapshot", "flag", "True for the server's answer to a subscription."),
    Column("entity_id", "text", "The entity's `_id`."),
    Column("request_id", "text", "The chat that the row belongs to."),
    Column("encoding", "text", "Null, or `base64` where the payload is not UTF-8."),
    Column(
        "mistyped",
        "texts",
        "Columns left null because the JSON held a value of another type; null if none.",
    ),
)

TYPED = (
    Column(
        "created_at",
        "time",
        "When the server created the entity.",
        {"request": ("createdAt",), "message": ("createdAt",), "agent": ("createdAt",)},
    ),
    Column(
        "updated_at",
        "time",
        "When the server last changed it; versions are ordered by this.",
        {"request": ("updatedAt",), "message": ("updatedAt",), "agent": ("updatedAt",)},
    ),
    Column(
        "status",
        "integer",
        "Chat: 50 temporary, 100 unassigned, 150 abandoned by agents, 200 assigned, 1000 closed.",
        {"request": ("status",), "message": ("request.status",)},
    ),
    Column(
        "preflight",
        "flag",
        "The visitor has not written yet.",
        {"request": ("preflight",), "message": ("request.preflight",)},
    ),
    Column(
        "draft",
        "flag",
        "A test chat from the bot designer.",
        {"request": ("draft",), "message": ("request.draft",)},
    ),
    Column("has_bot", "flag", "A bot is in the chat now.", {"request": ("hasBot",)}),
    Column(
        "assigned_at",
        "time",
        "The server's last routing or join; not moved by a reassignment.",
        {"request": ("assigned_at",)},
    ),
    Column(
        "first_response_at",
        "time",
        "The server's first reply of any participant, bots included.",
        {"request": ("first_response_at",)},
    ),
    Column(
        "waiting_time_ms",
        "integer",
        "The server's waiting time, from creation, bots included.",
        {"request": ("waiting_time",)},
    ),
    Column(
        "closed_at",
        "time",
        "Last close, as the server stored it; a reopened chat still shows the old one.",
        {"request": ("closed_at",), "message": ("request.closed_at",)},
    ),
    Column(
        "closed_by",
        "text",
        "Who closed: a user id, `bot_…`, `_trigger`, `_bot_unresponsive`, a visitor's id.",
        {"request": ("closed_by",), "message": ("request.closed_by",)},
    ),
    Column(
        "duration_ms",
        "integer",
        "The server's duration: closed_at − createdAt.",
        {"request": ("duration",), "message": ("request.duration",)},
    ),
    Column("rating", "number", "The visitor's rating, 1 to 5.", {"request": ("rating",)}),
    Column(
        "participants",
        "texts",
        "User ids and `bot_…` in the chat now.",
        {"request": ("participants",)},
    ),
    Column("agents", "texts", "Human participants now.", {"request": ("participantsAgents",)}),
    Column(
        "bots", "texts", "Bot participants now, without prefix.", {"request": ("participantsBots",)}
    ),
    Column("department_id", "id", "Department.", {"request": ("department",)}),
    Column(
        "department_name",
        "text",
        "Its name, where the server sent it.",
        {"request": ("department.name", "snapshot.department.name")},
    ),
    Column(
        "channel",
        "text",
        "How the visitor writes: chat21, whatsapp, email, …",
        {"request": ("channel.name",), "message": ("channel.name",)},
    ),
    Column("tags", "tags", "The chat's tags.", {"request": ("tags",)}),
    Column(
        "lead_id",
        "text",
        "The visitor; equals `sender` of his messages.",
        {
            "request": (
                "lead.lead_id",
                "snapshot.lead.lead_id",
                "requester.uuid_user",
                "snapshot.requester.uuid_user",
            ),
            "message": ("request.lead.lead_id", "request.requester.uuid_user"),
        },
    ),
    Column(
        "language",
        "text",
        "Language, ISO 639-1.",
        {"request": ("language",), "message": ("language",)},
    ),
    Column("priority", "text", "The chat's priority.", {"request": ("priority",)}),
    Column("source_page", "text", "Page of the widget.", {"request": ("sourcePage",)}),
    Column("country", "text", "Visitor's country.", {"request": ("location.country",)}),
    Column("ticket_id", "integer", "The project's running number.", {"request": ("ticket_id",)}),
    Column("working_status", "text", "new, pending or open.", {"request": ("workingStatus",)}),
    Column(
        "smart_assignment",
        "flag",
        "False for forms and e-mail.",
        {"request": ("smartAssignment",)},
    ),
    Column(
        "fully_abandoned",
        "flag",
        "Every eligible agent has left the chat.",
        {"request": ("attributes.fully_abandoned",)},
    ),
    Column(
        "abandoned_by",
        "leaves",
        "Agents who left the chat (project_user ids) and when.",
        {"request": ("attributes.abandoned_by_project_users",)},
    ),
    Column(
        "created_by",
        "text",
        "Who opened the chat, or wrote the message.",
        {"request": ("createdBy",), "message": ("createdBy",)},
    ),
    Column(
        "sender", "text", "`system`, `bot_…`, a user id or the visitor.", {"message": ("sender",)}
    ),
    Column("message_status", "integer", "0 sending to 300 seen.", {"message": ("status",)}),
    Column("message_type", "text", "text, image, frame, file, …", {"message": ("type",)}),
    Column(
        "message_subtype",
        "text",
        "info, info/support, private, …: not part of the talk.",
        {"message": ("attributes.subtype",)},
    ),
    Column(
        "message_label",
        "text",
        "Key of a system message: CHAT_CLOSED, CHAT_REOPENED, TOUCHING_OPERATOR, …",
        {"message": ("attributes.messagelabel.key",)},
    ),
    Column(
        "message_action",
        "command",
        "A bot command such as `\\agent`: attributes.action, or a text that begins with `\\`.",
        {"message": ("attributes.action", "text")},
    ),
    Column("text_length", "length", "Characters of the text.", {"message": ("text",)}),
    Column("agent_id", "id", "The agent's user id.", {"agent": ("id_user", "uuid_user")}),
    Column("agent_state", "text", "active or disabled.", {"agent": ("status",)}),
    Column(
        "agent_names",
        "names",
        "User ids with names, where the server sent them.",
        {"request": ("participatingAgents",), "agent": ("id_user",)},
    ),
    Column("available", "flag", "The availability switch.", {"agent": ("user_available",)}),
    Column(
        "profile_status",
        "text",
        "Why unavailable: empty or `inactive`.",
        {"agent": ("profileStatus",)},
    ),
    Column("busy", "flag", "At the limit, as the server computed it.", {"agent": ("isBusy",)}),
    Column("role", "text", "owner, admin, agent, …", {"agent": ("role",)}),
    Column("trashed", "flag", "Removed from the project.", {"agent": ("trashed",)}),
    Column(
        "chat_limit",
        "integer",
        "Personal limit of parallel chats; −1 or null: the project's.",
        {"agent": ("max_assigned_chat",)},
    ),
    Column(
        "assigned_count",
        "integer",
        "Open chats of the agent, as the server counted them.",
        {"agent": ("number_assigned_requests",)},
    ),
    Column("presence", "text", "online or offline, rarely sent.", {"agent": ("presence.status",)}),
    Column("presence_changed_at", "time", "Since when.", {"agent": ("presence.changedAt",)}),
)

PAYLOAD = Column(
    "payload",
    "text",
    "The entity's JSON, byte for byte as received; for `control` and `gap` rows their facts.",
)

COLUMNS = (*ENVELOPE, *TYPED, PAYLOAD)
NAMES = tuple(column.name for column in COLUMNS)
KEY = ("recorder", "seq", "element")


@cache
def schema() -> pa.Schema:
    """Return the Arrow schema of a part (partition columns come from the folders)."""
    import pyarrow as pa

    text = pa.string()
    time = pa.timestamp("us", tz="UTC")
    types = {
        "time": time,
        "text": text,
        "id": text,
        "command": text,
        "integer": pa.int64(),
        "length": pa.int64(),
        "number": pa.float64(),
        "flag": pa.bool_(),
        "texts": pa.list_(text),
        "tags": pa.list_(text),
        "names": pa.list_(pa.struct([("id", text), ("name", text)])),
        "leaves": pa.list_(pa.struct([("project_user_id", text), ("left_at", time)])),
    }
    return pa.schema([(column.name, types[column.type]) for column in COLUMNS])


def is_project_id(text: str) -> bool:
    """Tell whether a text can be a project's id, and so a folder's name."""
    return _PROJECT_ID.fullmatch(text) is not None


def partition(root: Path, project_id: str, day: date) -> Path:
    """Return the folder of one project's rows received on one UTC day."""
    return root / f"project_id={project_id}" / f"date={day:%Y-%m-%d}"


def part_name(recorder: str, segment: int) -> str:
    """Name a part after recorder and segment: a replay overwrites it with itself."""
    return f"{recorder}-{segment:08d}.parquet"


def partitions_glob(project_id: str = "*", day: str = "*") -> str:
    """Return the pattern, below the archive's root, of the partitions of a project and a day."""
    return f"project_id={project_id}/date={day}"


def parts_glob(project_id: str = "*", day: str = "*") -> str:
    """Return the pattern, below the archive's root, of the parts of a project and a day."""
    return f"{partitions_glob(project_id, day)}/*.parquet"
