"""Puts the entries of a file together as sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

from superqode.session.importers.base import Imported
from superqode.session.importers.claude_code.entries import AGENT, Placed, place_entries
from superqode.session.importers.claude_code.relatives import Spawn, own_session_id
from superqode.session.importers.claude_code.skeleton import BigLinks, BigReading, Part
from superqode.session.importers.claude_code.summary import Summary
from superqode.session.importers.origin import provenance, session_id_for, title_of
from superqode.session.models import Session

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from superqode.session.importers.base import Receipt, Source
    from superqode.session.importers.claude_code.reading import Reading
    from superqode.session.importers.claude_code.rows import Call, Result, Row
    from superqode.session.importers.claude_code.tree import Layout

__all__ = ["Assembly"]

_VERSION: Final = 1
_SHORT: Final = 8

# Gives entries with their places, each time anew.
Story = Callable[[], Iterator[Placed]]


class Assembly:
    """Makes the sessions of one file.

    Attributes:
        own_id: the file's session id; where it has none, its first record's id stands for it.
        copied_from: the session its records say they were copied from; empty where they do not.
    """

    def __init__(self, source: Source, digest: str, reading: Reading) -> None:
        facts = reading.facts
        known = own_session_id(source.name, facts.session_ids)
        self.own_id = known or reading.first_uuid
        earlier = facts.session_ids[: facts.session_ids.index(known)] if known else []
        self.copied_from = facts.forked_from or next(reversed(earlier), "")
        self._source = source
        self._digest = digest
        self._known_id = known
        self._facts = facts
        self._big = isinstance(reading, BigReading)
        self._names: set[str] = {_name(self.own_id)}
        self._agents: dict[str, str] = {}

    def announce(self, chains: Sequence[Sequence[Row]], spawns: Sequence[Spawn]) -> None:
        """Name the sessions of the file's sub-agents, so that the calls that started them can point there."""
        for chain, spawn in zip(chains, spawns, strict=True):
            first = chain[0]
            named = _name(self.own_id, "agent", first.agent_id) if first.agent_id else ""
            name = named or self._fresh("agent", first.uuid)
            self._names.add(name)
            self._agents[first.uuid] = name
            if spawn.tool_use_id:
                self._agents.setdefault(spawn.tool_use_id, name)

    def place(self, rows: Sequence[Row], owners: Sequence[int]) -> Story:
        """Give what makes the entries of rows, each with its place; of rows on disk anew each time."""
        if isinstance(rows, Part):
            links = BigLinks(rows, owners)
            return lambda: place_entries(rows, owners, self._facts.cwd, self._subagent, links)
        placed = list(place_entries(rows, owners, self._facts.cwd, self._subagent))
        return lambda: iter(placed)

    def conversation(self, story: Story, origin: str, receipt: Receipt) -> Imported:
        """Give the main conversation; `origin` is the session it is a fork of, or empty."""
        titles = [self._facts.titles.get(kind, "") for kind in ("custom-title", "ai-title", "summary")]
        parent = _name(origin) if origin and origin != self.own_id else None

        def kept() -> Iterator[Placed]:
            return (item for item in story() if item.owner == 0)

        return self._import(
            _name(self.own_id),
            kept,
            Summary.of(kept(), self._facts.cwd),
            titles=titles,
            parent=parent,
            relation={"relation": "fork"} if parent else {},
            receipt=receipt,
        )

    def branch(self, story: Story, layout: Layout, number: int, receipt: Receipt) -> Imported:
        """Give a conversation that was rewound, with all that came before it."""
        limits = layout.limits(number)

        def shared() -> Iterator[Placed]:
            # What stands behind its last row is not read again for each branch.
            reached = takewhile(lambda item: item.row <= limits[number], story())
            return (item for item in reached if item.row <= limits.get(item.owner, -1))

        told, own = Summary(self._facts.cwd), Summary(self._facts.cwd)
        for item in shared():
            told.take(item)
            if item.owner == number:
                own.take(item)
        return self._import(
            self._fresh("branch", own.first_id),
            shared,
            told,
            titles=own.openings,
            parent=_name(self.own_id),
            relation={"relation": "branch", "first_own_entry": own.first_id},
            receipt=receipt,
        )

    def subagent(self, chain: Sequence[Row], spawn: Spawn, receipt: Receipt) -> Imported:
        """Give what a sub-agent did."""
        first = chain[0]
        facts = {
            "agent_id": first.agent_id,
            "agent_type": spawn.agent_type or self._facts.agent_types.get(first.agent_id, ""),
            "description": spawn.description,
            "tool_use_id": spawn.tool_use_id,
        }
        story = self.place(chain, [0] * len(chain))
        return self._import(
            self._agents[first.uuid],
            story,
            Summary.of(story(), self._facts.cwd),
            titles=[spawn.description],
            parent=_name(self.own_id),
            relation={
                "relation": "subagent",
                "subagent": {name: fact for name, fact in facts.items() if fact},
            },
            receipt=receipt,
        )

    def _subagent(self, row: Row, call: Call, result: Result | None) -> str:
        """The session of the sub-agent a call started; empty where it started none."""
        if call.id in self._agents:
            return self._agents[call.id]
        agent_id = result.agent_id if result else ""
        return _name(row.copied_from or self.own_id, "agent", agent_id) if agent_id else ""

    def _import(
        self,
        session_id: str,
        story: Story,
        told: Summary,
        *,
        titles: Iterable[str],
        parent: str | None,
        relation: dict[str, Any],
        receipt: Receipt,
    ) -> Imported:
        title = next(filter(None, map(title_of, [*titles, *told.openings])), "Claude Code session")
        session = Session(
            id=session_id,
            title=title,
            created_at=told.began,
            updated_at=told.ended,
            project_path=self._facts.cwd,
            agents_used=[AGENT],
            parent_session_id=parent,
        )
        if not self._big:
            for item in story():
                session.add(item.entry)
        session.files_created, session.files_modified = told.files.created, told.files.modified
        session.metadata = {
            "imported": provenance(
                self._source,
                self._digest,
                receipt,
                importer=AGENT,
                version=_VERSION,
                original_id=self._known_id,
                title=title,
            ),
            "claude_code": {
                "git_branches": self._facts.git_branches,
                "models": told.models,
                "versions": self._facts.versions,
            },
            **({"files_deleted": told.files.deleted} if told.files.deleted else {}),
            **relation,
        }
        if not self._big:
            return Imported(session, receipt)
        return Imported(session, receipt, lambda: (item.entry for item in story()), (told.messages, told.executions))

    def _fresh(self, kind: str, uuid: str) -> str:
        """A session id with a short form of an id in it, or the whole where the short one is taken."""
        tries = (_name(self.own_id, kind, end) for end in (uuid[:_SHORT], uuid, f"whole-{uuid}"))
        name = next(name for name in tries if name not in self._names)
        self._names.add(name)
        return name


def _name(*parts: str) -> str:
    return session_id_for("-".join(parts), f"{AGENT}-")
