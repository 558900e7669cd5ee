"""The staff of a simulated desk: agents with shifts and limits, departments, bots.

Who they are follows from the seed alone, so a desk keeps its people whenever it starts. What
they do on a given day is not decided here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from archiver.simulate.documents import Chat, Document
from archiver.simulate.phrases import DEPARTMENTS, FIRST_NAMES, LAST_NAMES
from archiver.simulate.settings import DeskSettings
from archiver.simulate.timeline import iso

HIRED_MS = 1_736_236_800_000  # 7 January 2025: the staff is older than any history
NO_LIMIT = (None, -1)
"""What an agent's own limit is when the project's counts."""
_CHAT_LIMITS = (None, 3, 4, None, 2, 5)
_SHIFTS = ((8, 16), (9, 17), (9, 18), (12, 20), (14, 22))


class ObjectIds:
    """Makes ids as the server's database does: time, a process's own number, a counter."""

    def __init__(self, rng: Random) -> None:
        self._process = f"{rng.getrandbits(40):010x}"
        self._counter = rng.getrandbits(20)

    def at(self, ms: int) -> str:
        """Return a new id."""
        self._counter += 1
        return f"{ms // 1000:08x}{self._process}{self._counter & 0xFFFFFF:06x}"


@dataclass(eq=False)
class Agent:
    """A member of the staff, and the open chats in which he takes part."""

    user: Document
    member: Document
    chat_limit: int | None
    pace: float
    """How many times the usual time he takes; 1 is usual."""
    shift: tuple[int, int]
    days_off: frozenset[int]
    is_traced: bool
    """Whether the server ever tells when his socket comes and goes."""
    is_on_duty: bool = False
    is_away: bool = False
    chats: dict[str, Chat] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The user id, which participants and senders are."""
        return str(self.user["_id"])

    @property
    def name(self) -> str:
        """The full name, which messages show."""
        return f"{self.user['firstname']} {self.user['lastname']}"

    @property
    def is_available(self) -> bool:
        """Whether routing may choose him, limits apart."""
        return bool(self.member["user_available"])

    def room(self, project_limit: int | None) -> float:
        """Return how many more chats his limit, or else the project's, allows."""
        limit = project_limit if self.chat_limit in NO_LIMIT else self.chat_limit
        return float("inf") if limit is None else limit - len(self.chats)


@dataclass(eq=False)
class Department:
    """A queue: who serves it, how it routes, which bot stands in front."""

    document: Document
    agents: list[Agent]
    bot: Document | None
    weight: float
    waiting: list[Chat] = field(default_factory=list)
    """Chats nobody has taken yet, oldest first."""

    @property
    def is_pooled(self) -> bool:
        """Whether agents pick chats themselves."""
        return bool(self.document["routing"] == "pooled")


@dataclass(frozen=True)
class Staff:
    """Everybody who works on a desk."""

    owner: Document
    agents: list[Agent]
    departments: list[Department]
    bots: list[Document]


def hire(settings: DeskSettings) -> Staff:
    """Return the staff of a desk, each time the same for the same seed."""
    rng = Random(f"{settings.seed}/staff")
    ids = ObjectIds(rng)
    owner = _user(ids, rng, "Olivia", "Owner")
    agents = [_agent(settings, ids, rng, number, owner) for number in range(settings.agents)]
    bots = [_bot(settings, ids)] if settings.bots else []
    departments = [
        _department(settings, ids, number, agents, bots) for number in range(settings.departments)
    ]
    return Staff(owner, agents, departments, bots)


def _user(ids: ObjectIds, rng: Random, first: str, last: str) -> Document:
    name = f"{first}.{last}".lower().replace("'", "").replace(" ", "")
    return {
        "status": 100,
        "_id": ids.at(HIRED_MS),
        "email": f"{name.encode('ascii', 'ignore').decode()}@example.test",
        "firstname": first,
        "lastname": last,
        "emailverified": True,
        "phone": f"+39000{rng.randrange(10**6):06d}",
        "createdAt": iso(HIRED_MS),
        "updatedAt": iso(HIRED_MS),
        "__v": 0,
    }


def _agent(
    settings: DeskSettings, ids: ObjectIds, rng: Random, number: int, owner: Document
) -> Agent:
    cycle, place = divmod(number, len(FIRST_NAMES))
    last = LAST_NAMES[(place + cycle * 7) % len(LAST_NAMES)] + (f" {cycle}" if cycle else "")
    user = _user(ids, rng, FIRST_NAMES[place], last)
    limit = _CHAT_LIMITS[number % len(_CHAT_LIMITS)]
    first_day_off = (number * 2 + 5) % 7
    return Agent(
        user,
        _member(settings, ids, user, owner, "admin" if number == 0 else "agent", limit),
        limit,
        pace=round(rng.uniform(0.7, 1.5), 3),
        shift=_SHIFTS[number % len(_SHIFTS)],
        days_off=frozenset({first_day_off, (first_day_off + 1) % 7}),
        is_traced=number % 5 != 4,
    )


def _member(
    settings: DeskSettings,
    ids: ObjectIds,
    user: Document,
    owner: Document,
    role: str,
    limit: int | None,
) -> Document:
    member_id = ids.at(HIRED_MS)
    limits = {} if limit is None else {"max_assigned_chat": limit}
    return {
        "user_available": False,
        "number_assigned_requests": 0,
        "last_login_at": iso(HIRED_MS),
        "permissions": [],
        "status": "active",
        "trashed": False,
        "_id": member_id,
        "id_project": settings.project_id,
        "id_user": user["_id"],
        "role": role,
        "roleType": 1,
        "createdBy": owner["_id"],
        "tags": [],
        "createdAt": iso(HIRED_MS),
        "updatedAt": iso(HIRED_MS),
        "__v": 0,
        "profileStatus": "",
        **limits,
        "isAuthenticated": True,
        "id": member_id,
        "isBusy": False,
    }


def _bot(settings: DeskSettings, ids: ObjectIds) -> Document:
    return {
        "_id": ids.at(HIRED_MS),
        "name": "Front desk",
        "type": "tilebot",
        "language": "en",
        "id_project": settings.project_id,
        "trashed": False,
        "createdAt": iso(HIRED_MS),
        "updatedAt": iso(HIRED_MS),
        "__v": 0,
    }


def _department(
    settings: DeskSettings,
    ids: ObjectIds,
    number: int,
    agents: list[Agent],
    bots: list[Document],
) -> Department:
    name = DEPARTMENTS[number % len(DEPARTMENTS)]
    has_bot = bool(bots) and number % 2 == 0
    document: Document = {
        "routing": "pooled" if number % 3 == 1 else "assigned",
        "default": number == 0,
        "status": 1,
        "_id": ids.at(HIRED_MS),
        "name": name if number < len(DEPARTMENTS) else f"{name} {number}",
        "id_project": settings.project_id,
        "createdBy": agents[0].id,
        "groups": [],
        "tags": [],
        "createdAt": iso(HIRED_MS),
        "updatedAt": iso(HIRED_MS),
        "__v": 0,
    }
    if has_bot:
        document["id_bot"] = bots[0]["_id"]
    if number:
        document["id_group"] = ids.at(HIRED_MS)
    members = agents if number == 0 else [a for i, a in enumerate(agents) if (i + number) % 3]
    return Department(document, members or agents, bots[0] if has_bot else None, 1 / (number + 1.5))
