"""Refs that are damaged, or vanished, are pointed again at what is known of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Final

from superqode.session.errors import CorruptObject
from superqode.session.git.repository import HEADS, Repository
from superqode.session.store.branches import is_session_branch
from superqode.session.store.copies import Copies
from superqode.session.store.ledger import SHARES
from superqode.session.store.operations.log import OPLOG
from superqode.session.store.operations.recording import recording
from superqode.session.store.own_refs import GoneRef, gone_refs, known_places
from superqode.session.store.own_saves import OwnSaves
from superqode.session.store.owners import owner_of
from superqode.session.store.repair_files import aside_for
from superqode.session.store.results import RepairStep
from superqode.session.store.secrets import PREPARED
from superqode.session.store.vanished import vanished

__all__ = ["RefRepair"]

# Refs that others do without.
_SPARE: Final = (PREPARED, f"refs/superqode/{SHARES}/")


@dataclass(slots=True)
class RefRepair:
    """Repairs the refs of a store.

    Attributes:
        repository: the store.
        copies: where else objects may be.
        saves: the saves of each session that lie anywhere in the store.
        dry_run: whether nothing is changed.
        steps: what was done, or would be.
        lost: refs of which nothing is known.
    """

    repository: Repository
    copies: Copies
    saves: OwnSaves
    dry_run: bool
    steps: list[RepairStep] = field(default_factory=list)
    lost: list[RepairStep] = field(default_factory=list)

    def run(self, *, is_cut: bool) -> None:
        """Point damaged refs at what is known of them; `is_cut`: `packed-refs` may have lost whole lines."""
        damaged: dict[str, CorruptObject] = {}
        for name in self.repository.refs.names("refs/"):
            try:
                self.repository.refs.read(name)
            except CorruptObject as problem:
                damaged[name] = problem
        lost = vanished(self.repository)
        damaged |= {name: CorruptObject(name, "it is gone") for name in lost}
        branches = [name for name in (*self.repository.refs.names(HEADS), *lost) if name.startswith(HEADS)]
        gone = list(gone_refs(self.repository, self.saves, branches)) if is_cut or lost else []
        # First of all the log of operations, into which the rest is written.
        for ref in gone:
            self._bring_back(ref)
        if OPLOG in damaged:
            self._ref(OPLOG, damaged.pop(OPLOG))
        owners = {owner_of(name): "" for name in damaged if is_session_branch(owner_of(name))}
        mending = bool(owners) and not self.dry_run
        # What a ref said before could not be read, so there is nothing to go back to.
        with recording(self.repository, "repair", owners, final=True) if mending else nullcontext():
            for name, reason in damaged.items():
                self._ref(name, reason)

    def _ref(self, name: str, problem: CorruptObject) -> None:
        session_id = name.removeprefix(HEADS) if name.startswith(HEADS) else ""
        for how, oid in self._known_places(name):
            if self._readable(oid):
                self.steps.append(RepairStep(session_id, "ref", name, how, oid))
                if not self.dry_run:
                    self._put_ref(name, oid)
                return
        self.lost.append(RepairStep(session_id, "ref", name, "", problem.reason))
        if name.startswith(_SPARE):
            self._set_aside(name, problem)

    def _set_aside(self, name: str, problem: CorruptObject) -> None:
        """Take a share's damaged ref away: it would keep all other shares from being told or pushed."""
        self.steps.append(RepairStep("", "file", name, "nothing: it is set aside", problem.reason))
        if not self.dry_run:
            self.repository.refs.set_aside(name, aside_for(self.repository, name.replace("/", "-")))

    def _bring_back(self, gone: GoneRef) -> None:
        if not gone.oid:
            self.lost.append(RepairStep("", "ref", gone.name, "", gone.reason))
            return
        self.steps.append(RepairStep("", "ref", gone.name, "its commits", gone.oid))
        if not self.dry_run:
            self._put_ref(gone.name, gone.oid)

    def _put_ref(self, name: str, oid: str) -> None:
        refs = self.repository.refs
        refs.mend(name, oid)
        if refs.read(name) is None:  # not damaged, but gone
            reason = "repair: it was gone" if refs.log.stands(name) else ""  # the store's own have no reflog
            refs.update(name, oid, None, ident=self.repository.committer(), reason=reason)

    def _known_places(self, name: str) -> Iterator[tuple[str, str]]:
        """Where a ref may have been, the surest first."""
        moves = [move.new for record in self.copies.records() for move in record.refs if move.name == name]
        yield from (("the journal", oid) for oid in reversed(moves))
        if name.startswith(HEADS):
            yield from self.saves.places(name.removeprefix(HEADS))
        else:
            yield from known_places(self.repository, self.saves, name)
            yield from (("the reflog", oid) for oid in reversed(self.repository.refs.log.ids(name)))
        packed = self.repository.refs.packed(name)
        if packed is not None:
            yield "packed-refs", packed

    def _readable(self, oid: str) -> bool:
        try:
            self.repository.objects.read(oid)
        except CorruptObject:
            return self.copies.find(oid) is not None
        return True
