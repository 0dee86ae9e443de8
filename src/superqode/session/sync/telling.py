"""What a sync did, in numbers and in words."""

from __future__ import annotations

from collections.abc import Iterable

from superqode.session.sync.notes import Note
from superqode.session.sync.results import Changed
from superqode.session.sync.view import HEADS, View

__all__ = ["changed", "notices", "rotated"]

_KINDS = {
    "lost": "{0} has nothing any more of what it had; all of it is pushed again from here",
    "older": "{0} was put back to an older state; what it lacks is pushed again from here",
    "parted": "{0} was put back to an older state, and others wrote to it since; both are put together, and something"
    " that was deleted may be back",
    "beside": "another sync lies on {0}, too, and the two never meet. If another machine of yours goes on there,"
    " `superqode sync join` on one of them, with the words that `superqode sync key show` prints on the other, brings"
    " them together",
}
_ROTATED = (
    "the key of the sync with {0} is changed now, which was begun here before: other machines need its words"
    " (`superqode sync key show`)"
)
_NOTES = {
    "damaged": "something here is damaged ({1}): all that {0} has came again, and is whole here now. `superqode"
    " sessions verify` tells what else is not, and `superqode sessions repair` may help",
    "kept": "{0} was deleted elsewhere and changed here: it stays",
    "revived": "{0} was deleted here and changed elsewhere, or vanished here: it is back",
    "returned": "{0} is missing on the remote without having been deleted: it is pushed again",
    "renamed": "{0} cannot stand beside another session of that name: it is {1} now",
    "refused": "the remote refuses what changed of {0}, and keeps what it has of it: {1}",
    "scrubbed": "{0} was built on saves that a scrub replaced: it is built on the new ones now. What was taken out may"
    " have been said again since: `superqode sessions scan` looks for it",
    "stays": "{0} takes nothing but what builds on what was there before: what is gone here stays there, sealed as it"
    " was",
    "named": "{0} and {1} are one session that was renamed on two machines: it is {1} now",
    "both": "{0} could not be merged: the other machine's keeps the name, the one of this machine is {1}",
    "share": "the share {0} was updated on two machines at once, and one of the two counts: `superqode share"
    " update {0}` brings in what was said; what was set in the other has to be set again",
    "sent": "the share {0} was revoked, and another machine that did not know changed it and may have sent it since:"
    " `superqode share revoke {0}` makes sure that it is gone",
    "unfreed": "what a scrub took out elsewhere is still in files of this store, since git cannot pack it anew ({0}):"
    " `superqode sessions repair`, then sync again",
    "unreadable": "{0} cannot be read here and is left alone: `superqode sessions repair` may help",
    "unsealed": "{0} cannot be sealed anew: {1}. So the remote keeps what it has, also of what is gone: `superqode"
    " sessions verify` and `superqode sessions repair` may help",
    "unsound": "{0} is not sent, as no other machine could take it: {1}. `superqode sessions verify` and `superqode"
    " sessions repair` may help",
}


def changed(before: View, after: View) -> Changed:
    """What leads from one view to another."""
    new: list[str] = []
    updated: list[str] = []
    deleted: list[str] = []
    other = 0
    for name in sorted({*before, *after}):
        old, now = before.get(name), after.get(name)
        if old == now:
            continue
        if not name.startswith(HEADS):
            other += 1
            continue
        (new if old is None else deleted if now is None else updated).append(name.removeprefix(HEADS))
    return Changed(tuple(new), tuple(updated), tuple(deleted), other)


def notices(remote: str, kinds: Iterable[str], notes: Iterable[Note]) -> tuple[str, ...]:
    """One line each for what people should hear of."""
    kinds = set(kinds)
    told = [_KINDS[kind].format(remote) for kind in sorted(kinds & _KINDS.keys())]
    # Where the remote was put back, that says it all.
    quiet = {"returned"} if told else set()
    lines = [_NOTES[note.kind].format(note.session_id, note.other) for note in notes if note.kind not in quiet]
    return (*told, *sorted(lines))


def rotated(remote: str) -> str:
    """The line for a change of keys that a sync finished: nobody may have seen its words."""
    return _ROTATED.format(remote)
