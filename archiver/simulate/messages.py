"""Messages: who says something, in which shape the server stores it, what it says itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from archiver.simulate.documents import Chat, Document
from archiver.simulate.people import Agent
from archiver.simulate.phrases import SYSTEM
from archiver.simulate.timeline import from_iso


@dataclass(frozen=True)
class Sender:
    """Somebody who writes: as messages name him, and as the truth does."""

    id: str
    fullname: str
    role: str
    status: int
    """The delivery status that his messages are published with."""


SYSTEM_SENDER = Sender("system", "Bot", "system", 0)


def visitor_of(chat: Chat) -> Sender:
    """Return the visitor of a chat."""
    return Sender(chat.lead["lead_id"], chat.lead["fullname"], "visitor", 200)


def agent_sender(agent: Agent) -> Sender:
    """Return an agent as one who writes."""
    return Sender(agent.id, agent.name, "agent", 200)


def bot_sender(bot: Document) -> Sender:
    """Return a bot as one who writes."""
    return Sender(f"bot_{bot['_id']}", bot["name"], "bot", 0)


def message_document(
    message_id: str, chat: Chat, sender: Sender, text: str, at: str, extra: Document
) -> Document:
    """Return a message as the server stores it."""
    return {
        "senderFullname": sender.fullname,
        "type": "text",
        "channel_type": "group",
        "status": sender.status,
        "_id": message_id,
        "sender": sender.id,
        "recipient": chat.request_id,
        "text": text,
        "id_project": chat.fields["id_project"],
        "createdBy": sender.id,
        **extra,
        "channel": chat.fields["channel"],
        "createdAt": at,
        "updatedAt": at,
        "__v": 0,
    }


def system_message(chat: Chat, label: str, informed: list[str]) -> tuple[str, Document]:
    """Return the text of one of the server's own messages, and what goes with it."""
    english, italian = SYSTEM[label]
    text = italian if chat.fields["language"] == "it" else english
    attributes: Document = {
        "subtype": "info/support",
        "updateconversation": label != "CHAT_CLOSED",
    }
    if label == "TOUCHING_OPERATOR":
        text += chat.fields["first_text"].replace("\n", " ")
        attributes |= {
            "subtype": "info",
            "updateconversationfor": informed,
            "forcenotification": True,
        }
    attributes["messagelabel"] = {"key": label}
    return text, {"metadata": chat.fields["language"], "attributes": attributes}


def transcript(messages: list[Document]) -> str:
    """Return the text that the server stores with a close."""
    return "\r\n".join(
        f"{_written(message['createdAt'])} {message['senderFullname']}: {message['text']}"
        for message in messages
        if message["sender"] != "system"
    )


def _written(at: str) -> str:
    day = datetime.fromtimestamp(from_iso(at) // 1000, UTC)
    return f"{day.day}/{day.month}/{day.year}, {day:%H:%M:%S}"
