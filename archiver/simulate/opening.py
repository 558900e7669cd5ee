"""How a chat begins: what is known of it, and the documents that the server makes of that."""

from __future__ import annotations

from dataclasses import dataclass

from archiver.simulate.documents import Chat, Document
from archiver.simulate.people import HIRED_MS, Agent, Department, ObjectIds
from archiver.simulate.timeline import iso

OFFLINE_CHANNELS = ("email", "form")
ASYNC_CHANNELS = ("whatsapp", "telegram", "messenger", "sms-twilio")


@dataclass(frozen=True)
class Visitor:
    """Somebody outside who needs help, or is offered it."""

    id: str
    fullname: str
    email: str
    phone: str | None
    language: str


@dataclass(frozen=True)
class Opening:
    """A chat that is about to begin."""

    visitor: Visitor
    text: str
    channel: str
    department: Department
    bot: Document | None = None
    is_preflight: bool = False
    is_draft: bool = False
    agent: Agent | None = None
    """Who writes first, when it is not the visitor."""


def new_chat(
    opening: Opening, ids: ObjectIds, now_ms: int, ticket: int, suffix: str, project_id: str
) -> Chat:
    """Return a chat as the server creates it: nobody in it yet."""
    return Chat(
        _fields(opening, ids, now_ms, ticket, suffix, project_id),
        requester=_requester(opening.visitor, ids, now_ms, project_id),
        lead=_lead(opening.visitor, ids, now_ms, project_id),
        department=opening.department.document,
        updated_ms=now_ms,
        created_ms=now_ms,
        session=1,
    )


def _fields(
    opening: Opening, ids: ObjectIds, now_ms: int, ticket: int, suffix: str, project_id: str
) -> Document:
    visitor = opening.visitor
    return {
        "status": 50,
        "preflight": opening.is_preflight,
        "hasBot": False,
        "participants": [],
        "priority": "medium",
        "followers": [],
        "participantsAgents": [],
        "participantsBots": [],
        "_id": ids.at(now_ms),
        "request_id": f"support-group-{project_id}-{suffix}",
        "first_text": opening.text,
        "sourcePage": f"https://shop.example.test/p/{ticket % 97}",
        "language": visitor.language,
        "userAgent": "Mozilla/5.0 (simulated)",
        "id_project": project_id,
        "createdBy": opening.agent.id if opening.agent else visitor.id,
        "channel": {"name": opening.channel},
        "tags": [],
        "notes": [],
        "createdAt": iso(now_ms),
        "contact": {"email": visitor.email},
        "channelOutbound": {"name": "chat21"},
        "smartAssignment": opening.channel not in OFFLINE_CHANNELS,
        "updatedAt": iso(now_ms),
        "ticket_id": ticket,
        "__v": 0,
    } | ({"draft": True} if opening.is_draft else {})


def _requester(visitor: Visitor, ids: ObjectIds, now_ms: int, project_id: str) -> Document:
    return {
        "user_available": True,
        "number_assigned_requests": 0,
        "last_login_at": iso(HIRED_MS),
        "permissions": [],
        "status": "active",
        "trashed": False,
        "_id": ids.at(now_ms),
        "id_project": project_id,
        "uuid_user": visitor.id,
        "role": "guest",
        "roleType": 2,
        "createdBy": visitor.id,
        "tags": [],
        "createdAt": iso(now_ms),
        "updatedAt": iso(now_ms),
        "__v": 0,
    }


def _lead(visitor: Visitor, ids: ObjectIds, now_ms: int, project_id: str) -> Document:
    return {
        "tags": [],
        "status": 100,
        "_id": ids.at(now_ms),
        "lead_id": visitor.id,
        "fullname": visitor.fullname,
        "email": visitor.email,
        "phone": visitor.phone,
        "id_project": project_id,
        "createdBy": "system",
        "createdAt": iso(now_ms),
        "updatedAt": iso(now_ms),
        "__v": 0,
    }
