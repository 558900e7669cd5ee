"""The staff's documents: who is available, connected, limited to how many chats, and how many has.

How a change of an agent is stored, published and noted; the requests are the business of
`database.py`. Nobody decides anything here.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from archiver.simulate import documents
from archiver.simulate.documents import Document
from archiver.simulate.hub import Hub
from archiver.simulate.people import Agent, Staff
from archiver.simulate.settings import DeskSettings
from archiver.simulate.timeline import Timeline, iso
from archiver.simulate.truth import Truth


class Roster:
    """The staff of one project as its server knows it."""

    def __init__(
        self,
        settings: DeskSettings,
        staff: Staff,
        timeline: Timeline,
        hub: Hub,
        truth: Truth,
        rng: Random,
    ) -> None:
        self.settings = settings
        self.staff = staff
        self.timeline = timeline
        self.rng = rng
        self.truth = truth
        self._hub = hub
        self._root = f"/{settings.project_id}"
        self._agents = {agent.id: agent for agent in staff.agents}
        for agent in staff.agents:
            self._tell_agent(agent)

    def agent(self, user_id: str) -> Document | None:
        """Return an agent."""
        one = self._agents.get(user_id)
        return documents.agent(one.member, one.user, live=False) if one else None

    def bot(self, bot_id: str) -> Document | None:
        """Return a bot."""
        return next((bot for bot in self.staff.bots if bot["_id"] == bot_id), None)

    def switch(self, agent: Agent, *, available: bool, profile_status: str = "") -> None:
        """Change an agent's availability."""
        agent.member |= {"user_available": available, "profileStatus": profile_status}
        self._tell_availability(agent)
        self._publish_agent(agent)

    def appear(self, agent: Agent, status: str) -> None:
        """Note that an agent's socket came or went: `online` or `offline`."""
        if not agent.is_traced:
            return
        now = self.timeline.now
        agent.member["presence"] = {"status": status, "changedAt": iso(now)}
        self.truth.begin("presence", (agent.id,), now, agent_id=agent.id, status=status)
        self._publish_agent(agent, names=False)

    def limit(self, agent: Agent, chats: int) -> None:
        """Change how many chats an agent may have at once; -1: as many as the project says."""
        agent.chat_limit = agent.member["max_assigned_chat"] = chats
        self._tell_limit(agent)
        self._publish_agent(agent)

    def recount(self, agents: Iterable[Agent]) -> None:
        """Let the server count agents' chats anew, some moments from now."""
        for agent in agents:
            self.timeline.after(self.rng.randint(8, 40), lambda one=agent: self._count(one))  # type: ignore[misc]

    def _count(self, agent: Agent) -> None:
        agent.member["number_assigned_requests"] = sum(
            not chat.is_pending for chat in agent.chats.values()
        )
        self._publish_agent(agent)

    def _publish_agent(self, agent: Agent, *, names: bool = True) -> None:
        """Publish an agent; what the presence webhook publishes shows no names."""
        limit = self.settings.project_chat_limit
        number = agent.member["number_assigned_requests"]
        agent.member["updatedAt"] = iso(self.timeline.now)
        agent.member["isBusy"] = limit is not None and number >= max(limit, agent.chat_limit or 0)
        topic = f"{self._root}/project_users/users/{agent.id}"
        if self._hub.is_followed(topic):
            shown = documents.agent(agent.member, agent.user, live=names)
            self._hub.publish(topic, "UPDATE", shown)

    def _tell_agent(self, agent: Agent) -> None:
        self.truth.write(
            "agent",
            agent_id=agent.id,
            project_user_id=agent.member["_id"],
            name=agent.name,
            role=agent.member["role"],
            chat_limit=agent.chat_limit,
        )
        self._tell_availability(agent)
        self._tell_limit(agent)

    def _tell_availability(self, agent: Agent) -> None:
        self.truth.begin(
            "availability",
            (agent.id,),
            self.timeline.now,
            agent_id=agent.id,
            available=agent.is_available,
            profile_status=agent.member["profileStatus"],
        )

    def _tell_limit(self, agent: Agent) -> None:
        self.truth.begin(
            "limit",
            (agent.id,),
            self.timeline.now,
            agent_id=agent.id,
            chat_limit=agent.chat_limit,
        )
