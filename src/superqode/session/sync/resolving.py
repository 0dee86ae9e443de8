"""What a plan leaves open: two commits of a session become one, and of two documents of the ledger one stays.

A share's ref goes with its document, or it could not be pushed any more and readers would stay where they are.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

from superqode.session.codec import jsontext
from superqode.session.errors import CorruptObject, CorruptSession, InvalidSession
from superqode.session.git.repository import Repository
from superqode.session.store.ledger import SHARES
from superqode.session.store.merging import merge_tips, rename_tip
from superqode.session.store.state import read_tree
from superqode.session.sync.commits import Commits
from superqode.session.sync.names import other_name
from superqode.session.sync.notes import Note
from superqode.session.sync.reconcile import Plan
from superqode.session.sync.view import HEADS, LEDGER_FOLDER

__all__ = ["resolve"]

_OLDEST: Final = ""
_UNREADABLE: Final = object()


def resolve(repository: Repository, plan: Plan) -> tuple[set[str], set[Note]]:
    """Finish a plan; gives the sessions that were merged, and what people should hear of. Nothing is durable yet.

    What cannot be merged, since one side is damaged or no session, stays twice: theirs under its name, ours under
    another.
    """
    merged: set[str] = set()
    notes: set[Note] = set()
    for name, (ours, theirs) in plan.merges.items():
        session_id = name.removeprefix(HEADS)
        try:
            tips = [_named(repository, oid, plan.named.get(name, ""), session_id) for oid in (ours, theirs)]
            plan.result[name] = merge_tips(repository, session_id, *tips)
            merged.add(session_id)
        except (CorruptObject, CorruptSession, InvalidSession):
            other = other_name(session_id, ours)
            plan.result[name] = theirs
            plan.result[HEADS + other] = ours
            notes.add(Note("both", session_id, other))
    for name in plan.named.keys() - plan.merges.keys():
        with suppress(CorruptObject, CorruptSession):
            tip = plan.result[name]
            plan.result[name] = _named(repository, tip, plan.named[name], name.removeprefix(HEADS))
    shares = _Shares(repository, plan)
    for name, pair in plan.documents.items():
        later = shares.later(name, pair)
        plan.result[name] = pair[later]
        notes |= shares.sent_since(name, pair[later], pair[1 - later])
    for name in plan.shares:
        notes |= shares.settle(name)
    return merged, notes


def _named(repository: Repository, tip: str, other: str, session_id: str) -> str:
    """A tip that says its session's id; where it is called another, a save on top that says that it was renamed."""
    objects = repository.objects
    if not other or read_tree(objects, objects.commit(tip), session_id).meta.id != other:
        return tip
    return rename_tip(objects, tip, other, session_id)


class _Shares:
    """Documents of the ledger, and the refs of shares that go with them; all machines choose alike."""

    def __init__(self, repository: Repository, plan: Plan) -> None:
        self._objects = repository.objects
        self._history = Commits(repository)
        self._plan = plan
        self._refs = {_document_of(name): refs for name, refs in plan.shares.items()}

    def later(self, name: str, pair: tuple[str, str]) -> int:
        """Which of two documents counts: the one that knows more of its share."""
        sound = [self._read(oid) is not _UNREADABLE for oid in pair]
        told = [self._values(oid) for oid in pair]
        ours, theirs = self._refs.get(name, (None, None))
        # What readers have cannot be taken back: an update that was made without it gives way, however late it was.
        knows = [ours == theirs or self._builds_on(ours, told[1]), ours == theirs or self._builds_on(theirs, told[0])]
        ranks = [_rank(*each) for each in zip(sound, told, knows, pair, strict=True)]
        return ranks.index(max(ranks))

    def sent_since(self, name: str, counts: str, other: str) -> set[Note]:
        """What to hear of a revoked share that another machine, which did not know of that, may have sent since."""
        if self._values(counts).get("revoked_at") is None or self._values(other).get("revoked_at") is not None:
            return set()
        pushed = self._values(other).get("pushed")
        return {Note("sent", name.rpartition("/")[2].removesuffix(".json"))} if pushed else set()

    def settle(self, name: str) -> set[Note]:
        """Let a share's ref go with its document; gives what people should hear of."""
        plan, document = self._plan, _document_of(name)
        values = self._values(plan.result[document]) if document in plan.result else {}
        if values.get("revoked_at") is not None:
            plan.result.pop(name, None)
        if name not in plan.result:
            return set()
        ours, theirs = plan.shares[name]
        found = [plan.result[name], ours, theirs]
        if document in plan.documents:
            found.insert(0, plan.shares[name][plan.documents[document].index(plan.result[document])])
        plan.result[name] = next((oid for oid in found if oid and self._builds_on(oid, values)), plan.result[name])
        contains = self._history.contains
        parted = ours and theirs and not (contains(ours, theirs) or contains(theirs, ours))
        return {Note("share", name.rpartition("/")[2])} if parted and document in plan.documents else set()

    def _builds_on(self, ref: str | None, values: dict[str, Any]) -> bool:
        """Whether a share's ref has all that a document says was pushed."""
        pushed = values.get("pushed")
        return not pushed or (ref is not None and self._history.contains(ref, str(pushed)))

    def _values(self, oid: str) -> dict[str, Any]:
        """What a document says; empty where it is none."""
        found = self._read(oid)
        return found if isinstance(found, dict) else {}

    def _read(self, oid: str) -> object:
        try:
            return jsontext.load(self._objects.blob(oid))
        except (CorruptObject, ValueError):
            return _UNREADABLE


def _document_of(name: str) -> str:
    return f"{LEDGER_FOLDER}{SHARES}/{name.rpartition('/')[2]}.json"


def _rank(sound: bool, values: dict[str, Any], knows: bool, oid: str) -> tuple[Any, ...]:
    generation = values.get("generation")
    # A share that was revoked stays so; of two that know of what was pushed the later update counts.
    return (
        sound,
        values.get("revoked_at") is not None,
        knows,
        generation if type(generation) is int else 0,
        str(values.get("updated_at") or _OLDEST),
        oid,
    )
