"""`SessionSync`: a store and a remote brought together: look, reconcile, apply, push; again where others were faster.

Each step can be cut short anywhere. Objects come before refs, refs before what is remembered, and what is remembered
before the push: whatever was cut short, the next sync finds a base that both sides really had, and the same plan.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from superqode.session import clock
from superqode.session.errors import (
    RemoteRefMoved,
    SyncAmbiguous,
    SyncContended,
    SyncKeyRotated,
    SyncNotSetUp,
)
from superqode.session.git.landing import Landing
from superqode.session.git.network import Progress
from superqode.session.git.remotes import RemoteInfo, list_remotes, resolve_remote
from superqode.session.git.repository import Repository
from superqode.session.store.index.catalogue import Catalogue
from superqode.session.sync import rotation, telling
from superqode.session.sync.alone import syncing
from superqode.session.sync.applying import apply
from superqode.session.sync.commits import Commits
from superqode.session.sync.freeing import free, owe, pack
from superqode.session.sync.keeping import load_key
from superqode.session.sync.notes import UNSENT, Note
from superqode.session.sync.plain import PLAIN, PREFIXES, PlainRemote
from superqode.session.sync.reconcile import Plan, reconcile
from superqode.session.sync.resolving import resolve
from superqode.session.sync.results import SyncReport
from superqode.session.sync.scrubs import Scrubs, marks_of
from superqode.session.sync.sealed import SealedRemote
from superqode.session.sync.seen import Seen, after_push, previous
from superqode.session.sync.sendable import leave_out_strangers
from superqode.session.sync.state import State, load_state, save_state
from superqode.session.sync.taking import Taken, take
from superqode.session.sync.transport import Transport
from superqode.session.sync.view import HEADS, Local, View, read_view, with_lost

if TYPE_CHECKING:
    from superqode.session.store.store import SessionStore

__all__ = ["SessionSync", "find_synced", "open_transport", "synced_remotes"]

_ROUNDS: Final = 12
# What other processes may change in a store while it is brought to a view, before that is given up.
_SETTLING: Final = 12


def synced_remotes(repository: Repository | Path) -> list[RemoteInfo]:
    """The remotes that a store is synced with, by name."""
    return [remote for remote in list_remotes(repository) if remote.sync]


def find_synced(repository: Repository, wanted: str | None) -> RemoteInfo:
    """The remote that is meant: by name, URL or path; the only one where nothing is said.

    Raises:
        SyncNotSetUp: the store is not synced with it, or with none.
        SyncAmbiguous: it is synced with several.
        RemoteNotFound, InvalidRemote: it is none.
    """
    if wanted is not None:
        target = resolve_remote(repository, wanted)
        if not target.sync:
            raise SyncNotSetUp(target.name or target.shown)
        return target
    found = synced_remotes(repository)
    if not found:
        raise SyncNotSetUp
    if len(found) > 1:
        raise SyncAmbiguous([remote.name for remote in found])
    return found[0]


def open_transport(
    repository: Repository, target: RemoteInfo, *, interactive: bool = False, progress: Progress | None = None
) -> Transport:
    """What speaks with a remote.

    Raises:
        SyncKeyMissing: this machine does not have its key.
    """
    if target.sync == PLAIN:
        return PlainRemote(repository, target, interactive=interactive, progress=progress)
    key = load_key(repository, target.sync, target.name)
    return SealedRemote(repository, target, key, interactive=interactive, progress=progress)


class SessionSync:
    """Keeps a store and others of the same person alike, through one remote.

    Args:
        store: the store.
        remote: the remote's name, URL or path; the only one that is set up without it.
        interactive: whether git may ask for passwords and the like.
    """

    def __init__(self, store: SessionStore, remote: str | None = None, *, interactive: bool = False) -> None:
        self._store = store
        self._wanted = remote
        self._interactive = interactive

    def run(self, *, dry_run: bool = False, compact: bool = False, progress: Progress | None = None) -> SyncReport:
        """Sync once; gives what went which way.

        Args:
            dry_run: only tell; nothing is changed, here or there. Of a change of keys that is not finished it tells
                what is under the old key.
            compact: seal everything anew, so that the remote keeps nothing of what was purged.
            progress: told how far it is.

        Raises:
            SyncNotSetUp, SyncAmbiguous, SyncKeyMissing: it was not set up here, with several, or the key is gone.
            SyncKeyRotated, SyncTampered, UnknownSyncVersion: what is on the remote cannot be taken.
            SyncContended: others were faster each time.
            StoreLocked: another process syncs this store.
            RemoteError: what went wrong on the way.
            GitMissing, GitFailed: `git` is missing, or said no.
        """
        repository = self._store._open()
        if repository is None:
            raise SyncNotSetUp
        with self._store._told(), syncing(repository):
            return self._run(dry_run=dry_run, compact=compact, progress=progress)

    def _run(self, *, dry_run: bool = False, compact: bool = False, progress: Progress | None = None) -> SyncReport:
        """Sync once, as `run`; the caller keeps others out."""
        repository = self._store._made()
        target = find_synced(repository, self._wanted)
        notes: list[Note] = []
        finished = False
        if rotation.is_pending(target) and dry_run:
            old = replace(target, sync=target.old_sync)
            with suppress(SyncKeyRotated):  # cut short behind the note
                return self._round(old, dry_run=True, compact=compact, progress=progress)
        elif rotation.is_pending(target):
            once = partial(self._round, dry_run=False, compact=False, progress=progress)
            finished, notes = rotation.finish(repository, target, once, interactive=self._interactive)
            target = find_synced(repository, target.name)
        report = self._round(target, dry_run=dry_run, compact=compact, progress=progress)
        if not dry_run:
            pack(repository)
        told = (telling.rotated(target.name),) if finished else ()
        return replace(report, notices=(*told, *report.notices, *telling.notices(target.name, (), notes)))

    def _round(self, target: RemoteInfo, *, dry_run: bool, compact: bool, progress: Progress | None) -> SyncReport:
        repository = self._store._made()
        transport = open_transport(repository, target, interactive=self._interactive, progress=progress)
        if not dry_run:
            self._store._index(repository).refresh()  # what plain git deleted goes into the trash first
        run = Run(repository, target, transport, self._store._index(repository))
        return run.go(dry_run=dry_run, compact=compact)


class Run:
    """One sync.

    Args:
        repository: the store; the caller keeps other syncs out.
        target: the remote.
        transport: what speaks with it.
        index: told of sessions that go, or it would take them for deleted by plain git.
    """

    def __init__(self, repository: Repository, target: RemoteInfo, transport: Transport, index: Catalogue) -> None:
        self._index = index
        self._repository = repository
        self._target = target
        self._transport = transport
        self._plain = target.sync == PLAIN
        self._notes: set[Note] = set()
        self._merged: set[str] = set()
        self._kinds: set[str] = set()
        self._first: View | None = None
        # What the remote holds, without what was replaced.
        self._clean: View = {}

    def go(self, *, dry_run: bool, compact: bool) -> SyncReport:
        """Look, reconcile, apply and push, until nobody was faster; all as `SessionSync.run` says."""
        for number in range(1, _ROUNDS + 1):
            state = load_state(self._repository, self._target.name, self._target.sync)
            seen = self._transport.look(state)
            self._repository.objects.look_again()
            self._kinds.add(seen.trust.kind)
            try:
                taken = take(self._repository, self._target.name, self._transport, state, seen)
                with taken.landing as landing:
                    if dry_run:
                        return self._would(landing, state, seen)
                    local = self._bring(taken, state, seen)
                self._notes |= set(taken.notes)
                self._notes |= free(self._repository, local.view, state.view)
                shown = local.view | {name: oid for name, oid in self._clean.items() if name in local.unreadable}
                settled = shown == seen.view
                before = previous(state, seen)
                state = self._remember(
                    State(state.sync, seen.view, seen.tip, seen.generation, before, taken.segments, settled), state
                )
                sent, strangers = leave_out_strangers(self._repository, seen.view, shown)
                self._notes |= set(strangers)
                # Also where there is nothing at all yet: the next machine has to find the place.
                if sent == seen.view and (self._plain or seen.tip) and not compact:
                    return self._report(local.view, seen.view, sent, 0, number)
                pushed = self._transport.push(seen, sent, compact=compact)
            except RemoteRefMoved:
                clock.sleep(0.02 * number)
                continue
            self._remember(after_push(state, pushed, shown))
            self._notes |= set(pushed.notes)
            # Only now: where two begin at once, the later one sees the other.
            began = not seen.tip and seen.trust.kind in ("new", "lost") and not rotation.is_pending(self._target)
            if began and self._transport.has_others():
                self._kinds.add("beside")
            return self._report(local.view, seen.view, pushed.view, pushed.size, number)
        raise SyncContended(self._target.name, _ROUNDS)

    # -- taking -----------------------------------------------------------------------------------------------------

    def _read(self) -> Local:
        return read_view(self._repository, PREFIXES, ledger=False) if self._plain else read_view(self._repository)

    def _plan(self, local: Local, state: State, seen: Seen, repository: Repository) -> tuple[Plan, set[str]]:
        """What both sides shall hold, and the sessions that are written again here for it."""
        # Put back to what was seen before: nothing happened there, whatever it lacks now.
        base = seen.view if seen.trust.kind == "older" else seen.trust.base
        scrubs = self._scrubs(local, state, seen, repository)
        ours, self._clean, base = (scrubs.view(view) for view in (local.view, seen.view, base))
        plan = reconcile(
            base,
            ours,
            self._clean,
            Commits(repository),
            trusted=seen.trust.trusted,
            unreadable=local.unreadable,
        )
        plan.result |= scrubs.mark()
        rewritten = set(scrubs.changed(local.view).values())
        plan.notes += [*scrubs.notes, *(Note("scrubbed", session_id) for session_id in sorted(rewritten))]
        return plan, rewritten

    def _scrubs(self, local: Local, state: State, seen: Seen, repository: Repository) -> Scrubs:
        views = (local.view, seen.view, state.view)
        known = state.settled and marks_of([state.view]).keys() >= marks_of(views).keys()
        return Scrubs(repository, views, state.view.values() if known else ())

    def _brings_replaced(self, landing: Landing, state: State, seen: Seen) -> bool:
        """Whether something is here, or comes along, that a scrub replaced, and has to go again."""
        local = self._read()
        scrubs = self._scrubs(local, state, seen, landing.repository)
        if not scrubs.replaced:
            return False
        comes = not self._scrubs(local, state, seen, self._repository).replaced
        return comes or any(scrubs.changed(view) for view in (local.view, seen.view))

    def _bring(self, taken: Taken, state: State, seen: Seen) -> Local:
        """Bring the store to what both sides shall hold; gives what it holds then."""
        repository, landing = self._repository, taken.landing
        with repository.writing():  # keeps pruning out
            if state.settled and state.view == seen.view == (local := self._read()).view and not local.unreadable:
                landing.take_over(heal=taken.anew)  # what was lost here, and came again
                self._first = local.view if self._first is None else self._first
                return local
            if self._brings_replaced(landing, state, seen):
                owe(repository)
            landing.take_over(heal=taken.anew)
            for _ in range(_SETTLING):
                local = self._read()
                self._first = local.view if self._first is None else self._first
                plan, rewritten = self._plan(local, state, seen, repository)
                self._notes |= set(plan.notes)
                merged, notes = resolve(repository, plan)
                self._merged |= merged
                self._notes |= notes
                ours = local.view | {name: plan.result[name] for name in local.unreadable if name in plan.result}
                if plan.result == ours:
                    return local
                repository.flush()
                gone = [name for name in ours if name.startswith(HEADS) and name not in plan.result]
                self._forget_all(gone, going=True)  # before: cut short behind it, the index finds them anew
                apply(repository, ours, plan.result, rewritten, self._forget_all)
        raise SyncContended(self._target.name, _SETTLING)

    def _forget_all(self, names: Iterable[str], *, going: bool = False) -> None:
        self._index.forget(*[name.removeprefix(HEADS) for name in names], going=going)

    def _would(self, landing: Landing, state: State, seen: Seen) -> SyncReport:
        """What a sync would do."""
        local = with_lost(self._repository, self._read(), state.view)
        plan, _ = self._plan(local, state, seen, landing.repository)
        self._first = local.view
        self._notes |= set(plan.notes)
        self._merged |= {name.removeprefix(HEADS) for name in plan.merges}
        report = self._report(plan.result, seen.view, plan.result, 0, 1)
        return replace(report, dry_run=True)

    # -- telling ------------------------------------------------------------------------------------------------------

    def _remember(self, state: State, known: State | None = None) -> State:
        return save_state(self._repository, self._target.name, state, known)

    def _report(self, ours: View, theirs: View, shown: View, size: int, rounds: int) -> SyncReport:
        return SyncReport(
            remote=self._target.name,
            mode="plain" if self._plain else "sealed",
            received=telling.changed(self._first or {}, ours),
            sent=telling.changed(theirs, shown),
            merged=tuple(sorted(self._merged)),
            notices=telling.notices(self._target.name, self._kinds, self._notes),
            bytes_sent=size,
            rounds=rounds,
            unsent=any(note.kind in UNSENT for note in self._notes),
        )
