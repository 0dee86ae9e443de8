"""What a plan leaves open: two commits of a session become one, and of two documents of the ledger one stays."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

from superqode.session.codec import jsontext
from superqode.session.errors import CorruptObject, CorruptSession, InvalidSession
from superqode.session.git.repository import Repository
from superqode.session.store.merging import merge_tips, rename_tip
from superqode.session.store.state import read_tree
from superqode.session.sync.names import other_name
from superqode.session.sync.reconcile import Note, Plan
from superqode.session.sync.view import HEADS

__all__ = ["resolve"]

_OLDEST: Final = ""


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
    for name, (ours, theirs) in plan.documents.items():
        plan.result[name] = max(ours, theirs, key=lambda oid: _rank(repository, oid))
    return merged, notes


def _named(repository: Repository, tip: str, other: str, session_id: str) -> str:
    """A tip that says its session's id; where it is called another, a save on top that says that it was renamed."""
    objects = repository.objects
    if not other or read_tree(objects, objects.commit(tip), session_id).meta.id != other:
        return tip
    return rename_tip(objects, tip, other, session_id)


def _rank(repository: Repository, oid: str) -> tuple[Any, ...]:
    """Which of two documents of the ledger counts: the one that knows more of its share; all machines agree."""
    try:
        found = jsontext.load(repository.objects.blob(oid))
    except (CorruptObject, ValueError):
        return False, False, 0, _OLDEST, oid
    values = found if isinstance(found, dict) else {}
    generation = values.get("generation")
    # A share that was revoked stays so; of two states the later update counts, then the one that was pushed.
    return (
        True,
        values.get("revoked_at") is not None,
        generation if type(generation) is int else 0,
        str(values.get("updated_at") or _OLDEST),
        oid,
    )
