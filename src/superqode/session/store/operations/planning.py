"""What taking an operation back would do, worked out without changing anything; or what stands in its way.

| the operation | taking it back |
|---|---|
| removed a branch | the branch is there again, where it was |
| made a branch | it goes; into the trash where it is not kept elsewhere, or went on since |
| gave a session another id | it has its old one again, with what was saved since |
| saved on a branch | one more save says what was there before: a branch only goes forward |
| moved snapshots, trash, originals, shares | they go back |
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from superqode.session.codec import jsontext, message
from superqode.session.codec.operation import SHARE_FILE, TAG_FILE, Entry, Move
from superqode.session.errors import CorruptObject, OperationBlocked
from superqode.session.git.history import first_parents, is_ancestor
from superqode.session.git.repository import HEADS, TAGS, Repository
from superqode.session.store.ledger import SHARES, Document, Ledger
from superqode.session.store.operations.log import Stored
from superqode.session.store.operations.recording import refs_of
from superqode.session.store.owners import owner_of
from superqode.session.store.sources import KEPT
from superqode.session.store.trash import TRASH

__all__ = ["OPS_UNDO", "Plan", "plan"]

OPS_UNDO: Final = "ops-undo"
_LOOK: Final = "`superqode ops` shows what happened since; take that back first"


@dataclass(slots=True)
class Plan:
    """What taking an operation back does.

    Attributes:
        entry: the operation.
        back: refs, from where they are to where they go.
        saves: sessions that get one more save, and the commit whose state that has.
        saved: where their branches were, and are then; known once it was done.
        trash: sessions that go into the trash.
        rename: a session that is renamed as a whole, and its name then.
        renamed: a session whose refs go back to another name, and that name.
        document: what the ledger says again of the operation's share.
        tags: the bytes of tags that refs go back to, and that may be gone.
    """

    entry: Entry
    back: list[Move] = field(default_factory=list)
    saves: list[tuple[str, str]] = field(default_factory=list)
    saved: list[Move] = field(default_factory=list)
    trash: list[str] = field(default_factory=list)
    rename: tuple[str, str] | tuple[()] = ()
    renamed: tuple[str, str] | tuple[()] = ()
    document: Document | None = None
    tags: list[bytes] = field(default_factory=list)

    def told(self) -> list[str]:
        """What it does, a line each for people."""
        names = self.rename or self.renamed
        lines = [f"{names[0]} is {names[1]} again"] if names else []
        for move in self.back:
            session_id = move.name.removeprefix(HEADS)
            if move.name.startswith(HEADS) and session_id not in names:
                lines.append(f"{session_id} is {'back' if move.new else 'in the trash'}")
        lines += [f"{session_id} is as it was before, by a new save" for session_id, _ in self.saves]
        lines += self._snapshots_told()
        lines += [f"{session_id} is in the trash" for session_id in self.trash]
        if self.document is not None:
            lines.append(f"the share {self.entry.share} is back here")
        return lines or ["what was left of it is done, for it was cut short"]

    def _snapshots_told(self) -> list[str]:
        """A line for each session that goes on, and of which snapshots come or go."""
        whole = {move.name.removeprefix(HEADS) for move in self.back if move.name.startswith(HEADS)}
        moved = [move for move in self.back if move.name.startswith(TAGS) and owner_of(move.name) not in whole]
        counted = Counter((owner_of(move.name), "back" if move.new else "gone") for move in moved)
        return [
            f"{session_id}: {count} snapshot{' is' if count == 1 else 's are'} {word}"
            for (session_id, word), count in sorted(counted.items())
        ]


def plan(repository: Repository, stored: Stored, done: Container[str] = ()) -> Plan:
    """Work out how an operation is taken back. The caller holds the locks of its sessions.

    Args:
        repository: the store.
        stored: the operation.
        done: refs that moved when it was taken back earlier, and that did not come to its end.

    Raises:
        OperationBlocked: something that happened since stands in the way.
    """
    return _Planner(repository, stored, done).plan()


class _Planner:
    def __init__(self, repository: Repository, stored: Stored, done: Container[str]) -> None:
        self._repository = repository
        self._objects = repository.objects
        self._files = stored.files
        self._entry = stored.entry
        self._now = refs_of(repository, dict(self._entry.sessions), self._entry.share)
        self._done = done
        # What goes goes last: once a branch went, all that comes back is there, be it under another name in the trash.
        self._came = any(
            move.new and not move.old and move.name.startswith(HEADS) and not self._now.get(move.name)
            for move in self._entry.moves
            if move.name in done
        )
        self._plan = Plan(self._entry)
        # Looked up for each branch of what may be very many.
        self._names = {move.name for move in self._entry.moves}
        self._by_old: dict[str, list[str]] = defaultdict(list)
        for move in self._entry.moves:
            self._by_old[move.old].append(move.name)
        self._trashed = {oid for name, oid in self._now.items() if name.startswith(TRASH)}
        self._tags: dict[str, list[str]] = defaultdict(list)
        for name in self._now:
            if name.startswith(TAGS) and name not in self._names:
                self._tags[owner_of(name)].append(name)
        # Sessions that go as a whole: their other refs go along.
        self._whole: set[str] = set()

    def plan(self) -> Plan:
        for move in self._entry.moves:
            if move.name.startswith(HEADS):
                self._branch(move, move.name.removeprefix(HEADS), self._now.get(move.name, ""))
        if not self._plan.rename:
            for move in self._entry.moves:
                if not move.name.startswith(HEADS) and owner_of(move.name) not in self._whole:
                    self._other(move, self._now.get(move.name, ""))
        if self._entry.share:
            self._share()
        self._check_kept()
        self._naming()
        made = self._plan
        if not (made.back or made.saves or made.trash or made.rename or made.document):
            raise self._blocked("all is as it was before it already")
        self._check_objects()
        made.tags = [self._files[TAG_FILE + move.new] for move in made.back if TAG_FILE + move.new in self._files]
        return made

    def _blocked(self, reason: str) -> OperationBlocked:
        return OperationBlocked(self._entry.id, self._entry.verb, reason)

    # -- branches -------------------------------------------------------------------------------------------------

    def _is_done(self, move: Move, now: str) -> bool:
        """Whether a ref that came or went is as before; once this was begun, there (or gone) again is enough."""
        if now == move.old:
            return True
        return bool(now) == bool(move.old) if move.name in self._done else self._came and not now

    def _branch(self, move: Move, session_id: str, now: str) -> None:
        if move.old and move.new:
            self._changed(move, session_id, now)
        elif move.old:
            self._removed(move, session_id, now)
        else:
            self._made(move, session_id, now)

    def _changed(self, move: Move, session_id: str, now: str) -> None:
        if now == move.old:
            return
        if not now:
            raise self._blocked(f"{session_id} was deleted or renamed since. {_LOOK}")
        if move.name in self._done and self._is_as_left(now, move.old):
            return
        if not self._is_as_left(now, move.new):
            raise self._blocked(
                f"{session_id} was saved since, and going back would hide that."
                f" `superqode sessions restore {session_id} {move.old[:12]}` goes back all the same, as a new save"
            )
        self._plan.saves.append((session_id, move.old))

    def _is_as_left(self, now: str, left: str) -> bool:
        """Whether a branch says what the operation left, also by a later save that took another one back."""
        if now == left:
            return True
        try:
            same = self._objects.commit(now).tree == self._objects.commit(left).tree
            return same and is_ancestor(self._objects, left, now)
        except CorruptObject:
            return False

    def _removed(self, move: Move, session_id: str, now: str) -> None:
        if self._is_done(move, now):
            return
        twin = self._repository.refs.find_folded(HEADS, session_id)
        below = self._repository.refs.names(f"{move.name}/")
        if now or below or twin not in (None, session_id):
            taken = below[0].removeprefix(HEADS) if below else twin or session_id
            raise self._blocked(
                f"there is another session {taken} by now. Rename that one"
                f" (`superqode sessions rename {taken} NEW`), or look whether `superqode sessions trash` has this one:"
                " `superqode sessions undelete KEY --id NEW` brings it back under another id"
            )
        self._plan.back.append(Move(move.name, "", move.old))

    def _made(self, move: Move, session_id: str, now: str) -> None:
        if not now and move.name in self._done:
            self._leave_no_snapshots(session_id)
            return
        if not now:
            raise self._blocked(f"{session_id} was deleted or renamed since. {_LOOK}")
        if not is_ancestor(self._objects, move.new, now):
            raise self._blocked(f"{session_id} is another session by now, which stays as it is. {_LOOK}")
        if self._is_kept_elsewhere(move, session_id, now):
            self._plan.back.append(Move(move.name, now, ""))
        elif self._renamed_from(session_id) and not self._now.get(HEADS + self._renamed_from(session_id)):
            self._plan.rename = (session_id, self._renamed_from(session_id))
        else:
            self._plan.trash.append(session_id)
            self._whole.add(session_id)
            # What it was brought back from is not made again: it is in the trash anew.
            self._whole |= {owner_of(name) for name in self._by_old[move.new]}

    def _leave_no_snapshots(self, session_id: str) -> None:
        """Let the snapshots follow a branch that went already; the trash has them."""
        for name in self._tags[session_id]:
            if self._now[name] in self._trashed:
                self._plan.back.append(Move(name, self._now[name], ""))

    def _renamed_from(self, session_id: str) -> str:
        """The id that a session had before; empty where the operation gave it no other."""
        names = self._entry.renamed
        return names[0] if names and names[1] == session_id else ""

    def _is_kept_elsewhere(self, move: Move, session_id: str, now: str) -> bool:
        """Whether a branch may go without a trace: it is as it was made, and what it was made from comes back."""
        if self._tags[session_id] or not self._is_as_made(now, move.new):
            return False
        before = self._renamed_from(session_id)
        if before:
            removed = [other.old for other in self._entry.moves if other.name == HEADS + before and other.old]
            # It may be there already, or still: the renaming was cut short.
            there = self._now.get(HEADS + before) or next(iter(removed), "")
            return bool(there) and self._are_next(move.new, there)
        return move.new in self._trashed or any(name.startswith(TRASH) for name in self._by_old[move.new])

    def _is_as_made(self, now: str, made: str) -> bool:
        """Whether a branch says what it said when it was made, and nothing else was said since: it only went back."""
        try:
            for oid, commit in first_parents(self._objects, now):
                if oid == made:
                    return self._objects.commit(now).tree == commit.tree
                if not message.parse(commit.message).restores:
                    return False
        except CorruptObject:
            return False
        return False

    def _are_next(self, one: str, other: str) -> bool:
        """Whether one of two commits follows the other."""
        try:
            first, second = self._objects.commit(one), self._objects.commit(other)
        except CorruptObject:
            return False
        return first.parents[:1] == (other,) or second.parents[:1] == (one,)

    # -- the rest -------------------------------------------------------------------------------------------------

    def _other(self, move: Move, now: str) -> None:
        if self._is_done(move, now):
            return
        if now == move.new:
            self._plan.back.append(Move(move.name, now, move.old))
        elif move.name.startswith(KEPT):
            return  # an import kept a newer original since, which stays
        elif move.name.startswith(TAGS):
            raise self._blocked(f"the snapshot {move.name.removeprefix(TAGS)} was made or changed since. {_LOOK}")
        else:
            raise self._blocked(f"{move.name} was changed since. {_LOOK}")

    def _check_kept(self) -> None:
        """What goes has to stand somewhere else then: nothing is ever lost by taking something back."""
        going = {move.name: move.old for move in self._plan.back if not move.new}
        kept = {oid for name, oid in self._now.items() if name not in going}
        kept |= {move.new for move in self._plan.back}
        for name, oid in going.items():
            if name.startswith(TRASH) and oid not in kept and not self._leads_to(kept, oid):
                raise self._blocked(f"nothing but {name} would have what stands there. {_LOOK}")

    def _leads_to(self, kept: set[str], oid: str) -> bool:
        """Whether one of the commits that are kept comes after another."""
        for tip in sorted(kept - {""}):
            with suppress(CorruptObject):
                if is_ancestor(self._objects, oid, self._objects.peeled(tip) or tip):
                    return True
        return False

    def _naming(self) -> None:
        """Where refs go back one by one to another name, the ledger has to follow."""
        if self._entry.renamed and not self._plan.rename and self._plan.back:
            self._plan.renamed = (self._entry.renamed[1], self._entry.renamed[0])

    def _share(self) -> None:
        share = self._entry.share
        if self._entry.verb == OPS_UNDO:
            raise self._blocked(f"it may be on its remote again. `superqode share revoke {share}` ends it once more")
        known = Ledger(self._repository).document(SHARES, share)
        if known is not None and known.get("revoked_at") is None:
            raise self._blocked(f"the share {share} is live already")
        told = jsontext.load(self._files.get(SHARE_FILE, b"{}"))
        if not isinstance(told, dict) or told.get("id") != share:
            raise self._blocked(f"what the ledger said of the share {share} is not kept")
        # Its session may have another name by now, and its remote does not have it any more.
        session_id = told.get("session_id") if known is None else known.get("session_id")
        self._plan.document = {**told, "session_id": session_id, "pushed": ""}

    def _check_objects(self) -> None:
        wanted = [move.new for move in self._plan.back if move.new] + [commit for _, commit in self._plan.saves]
        missing = next((oid for oid in wanted if not (self._objects.has(oid) or TAG_FILE + oid in self._files)), None)
        if missing is not None:
            raise self._blocked(
                f"the object {missing} that it needs is damaged or gone. `superqode sessions repair` with a backup may"
                " bring it back"
            )
