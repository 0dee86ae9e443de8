"""A remote that holds sessions in clear: branches and tags, so that `git log` works there. Only where one says so.

The trash and the marks of what was purged or scrubbed travel, too; or it would come back from the next machine.
Originals, shares and the ledger, which holds keys, stay here. Where a host takes no refs but branches and tags:

    refs/superqode/trash/<session>/<time>/branch   → refs/heads/superqode-trash/<session>/<time>/branch
    refs/superqode/trash/<session>/<time>/tags/<s> → refs/tags/superqode-trash/<session>/<time>/tags/<s>
    refs/superqode/purged/<session>/<time>         → refs/tags/superqode-purged/<session>/<time>
    refs/superqode/scrubbed/<session>/<time>       → refs/tags/superqode-scrubbed/<session>/<time>
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from typing import Final

from superqode.session.errors import NamespaceRefused, RemoteError, RemoteRefMoved, RemoteRefNotFound, RemoteRejected
from superqode.session.git import remote, remotes
from superqode.session.git.landing import Landing, to_send_from
from superqode.session.git.network import Progress
from superqode.session.git.remote import Update
from superqode.session.git.remotes import RemoteInfo
from superqode.session.git.repository import Repository
from superqode.session.sync import layout
from superqode.session.sync.notes import Note
from superqode.session.sync.seen import Pushed, Seen, Trust
from superqode.session.sync.sendable import find_unsound, leave_out, owners_left, present, ref_owner
from superqode.session.sync.state import State
from superqode.session.sync.view import HEADS, PURGED, SCRUBBED, TAGS, TRASH, View, is_view_name

__all__ = ["PLAIN", "PREFIXES", "PlainRemote"]

PLAIN: Final = "plain"
PREFIXES: Final = (HEADS, TAGS, TRASH, PURGED, SCRUBBED)

# Refs that are asked for by name; where more are lacking, all are.
_BY_NAME: Final = 300
_LANDED: Final = "refs/superqode/landed/"
_FETCH_MAX: Final = 64 * 1024**3
# How many refs it may have: a session has several in clear, with its snapshots, trash and marks.
_REFS_MAX: Final = 2_000_000
_TRASH_HEADS: Final = "refs/heads/superqode-trash/"
_TRASH_TAGS: Final = "refs/tags/superqode-trash/"
_MARKS: Final = ((PURGED, "refs/tags/superqode-purged/"), (SCRUBBED, "refs/tags/superqode-scrubbed/"))


def _on_heads(name: str) -> str:
    """A name as it is on a host that takes branches and tags only."""
    if name.startswith(TRASH):
        return (_TRASH_HEADS if name.endswith("/branch") else _TRASH_TAGS) + name.removeprefix(TRASH)
    for here, there in _MARKS:
        if name.startswith(here):
            return there + name.removeprefix(here)
    return name


def _from_heads(name: str) -> str:
    for here, there in ((TRASH, _TRASH_HEADS), (TRASH, _TRASH_TAGS), *_MARKS):
        if name.startswith(there):
            return here + name.removeprefix(there)
    return name


def _wanted(names: list[str]) -> dict[str, str]:
    """What to ask a remote for, and what it is called in a landing; empty: nothing."""
    kinds = {prefix for name in names for prefix in PREFIXES if name.startswith(prefix)}
    # Git compares each name that it is asked for with each that is there. Some disks have one file for two names.
    if len(names) <= _BY_NAME or len({name.casefold() for name in names}) < len(names):
        return dict.fromkeys(names, "")
    return {f"{prefix}*": f"{_LANDED}{prefix.removeprefix('refs/')}*" for prefix in sorted(kinds)}


class PlainRemote:
    """Sessions in clear on one remote; arguments as `SealedRemote`."""

    def __init__(
        self,
        repository: Repository,
        target: RemoteInfo,
        *,
        interactive: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self._repository = repository
        self._target = target
        self._interactive = interactive
        self._progress = progress
        self._names: dict[str, str] = {}
        self._seen: View = {}
        self._namespace = target.namespace
        # What a push got there, empty where it is gone; what the host refused, and why; and the errors of that.
        self._sent: View = {}
        self._refused: dict[str, str] = {}
        self._refusals: list[RemoteRejected] = []

    def look(self, state: State) -> Seen:
        """Find out what the remote holds; raises RemoteError."""
        patterns = [prefix + "*" for prefix in PREFIXES]
        there = remote.ls_remote(self._target.url, patterns, interactive=self._interactive, limit=_REFS_MAX)
        self._names = {_from_heads(name): name for name in there}
        self._seen = {_from_heads(name): oid for name, oid in there.items() if is_view_name(_from_heads(name))}
        if not state.is_known:
            return Seen(self._seen, Trust("new", {}))
        lost = bool(state.view) and not self._seen
        return Seen(self._seen, Trust("lost", {}) if lost else Trust("plain", state.view))

    def land(self, landing: Landing, _known: Mapping[str, str]) -> dict[str, str]:
        """Fetch what is not here, or not in a landing that borrows nothing of the store, into the landing.

        Raises:
            RemoteRefMoved: another machine changed the remote meanwhile; look again.
            RemoteError: what went wrong.
        """
        objects = landing.repository.objects
        lacking: View = {}
        for name, oid in self._seen.items():
            if oid not in lacking and not objects.stands(oid):
                lacking[oid] = name
        names = [self._names[name] for name in lacking.values()]
        if names:
            self._fetch(landing, _wanted(names))
        for oid, name in lacking.items():
            if not objects.stands(oid):
                raise RemoteRefMoved(self._target.name, name, "it moved")
        return {}

    def _fetch(self, landing: Landing, refs: Mapping[str, str]) -> None:
        try:
            remote.fetch(
                landing.repository.path,
                self._target.url,
                refs,
                max_bytes=_FETCH_MAX,
                max_refs=_REFS_MAX,
                shallow=True,
                interactive=self._interactive,
                progress=self._progress,
            )
        except RemoteRefNotFound as problem:
            raise RemoteRefMoved(self._target.name, problem.reason, "it is gone") from problem
        self._check_whole(landing)

    def _check_whole(self, landing: Landing) -> None:
        """Refuse a shallow copy (git-clone(1), `--depth`) where what it lacks is not here, either."""
        shallow = landing.repository.path / "shallow"
        objects = landing.repository.objects
        if shallow.exists() and not all(
            objects.stands(parent)
            for oid in shallow.read_text("ascii").split()
            if objects.stands(oid)
            for parent in objects.commit(oid).parents
        ):
            reason = "it is a shallow copy, and earlier saves are missing in it"
            raise RemoteError(
                self._target.name,
                f"{self._target.name} cannot be taken from: {reason}. `git fetch --unshallow` makes it whole there",
                reason=reason,
            )

    def push(self, seen: Seen, view: View, *, compact: bool = False) -> Pushed:
        """Push what changed since the remote was looked at; raises as `SealedRemote.push`.

        What the host refuses is told, and stays there as it is; where it takes nothing at all, that is the error.
        """
        del compact
        view, notes = self._sendable(seen, view)
        self._sent, self._refused, self._refusals = {}, {}, []
        names = sorted(name for name in {*seen.view, *view} if seen.view.get(name) != view.get(name))
        coming, going = ([name for name in names if (name in view) is there] for there in (True, False))
        # First what says why something goes: a host that does not take it would still take the going.
        self._send_own(seen, view, [name for name in coming if name.startswith((TRASH, PURGED))])
        self._send(seen, view, [name for name in coming if not name.startswith((TRASH, PURGED, SCRUBBED))])
        # What comes before what goes, so that nothing is missing where a push of many ends in the middle.
        left = owners_left(self._repository, seen.view, view, self._refused) if self._refused else set()
        self._send(seen, view, [name for name in going if ref_owner(name) not in left])
        # Last: who reads what stands for a commit now has to find that, too.
        marks = [name for name in coming if name.startswith(SCRUBBED) and ref_owner(name) not in left]
        self._send_own(seen, view, marks)
        if self._refusals and coming and not self._sent:
            raise self._refusals[0]
        held = {name: oid for name, oid in seen.view.items() if name not in self._sent}
        return Pushed(held | {name: oid for name, oid in self._sent.items() if oid}, [*notes, *self._told()])

    def _told(self) -> list[Note]:
        """What was refused, by reason: a host may refuse a thousand deletions."""
        groups: dict[str, list[str]] = defaultdict(list)
        for name, reason in self._refused.items():
            groups[reason].append(ref_owner(name))
        found = {reason: sorted(set(owners)) for reason, owners in groups.items()}
        return [
            Note("refused", f"{owners[0]} and {len(owners) - 1} more" if owners[1:] else owners[0], reason)
            for reason, owners in found.items()
        ]

    def _sendable(self, seen: Seen, view: View) -> tuple[View, list[Note]]:
        """What can be sent: a host mostly takes anything, and then no machine could take it from there."""
        there = set(seen.view.values())
        wanted = sorted(set(view.values()) - there)
        unsound = find_unsound(self._repository, wanted, sorted(present(self._repository, there))) if wanted else {}
        return leave_out(self._repository, seen.view, view, unsound) if unsound else (view, [])

    def has_others(self) -> bool:
        """Whether a sealed sync lies there, too; raises RemoteError."""
        return bool(remote.ls_remote(self._target.url, layout.REF_PATTERNS, interactive=self._interactive))

    def _send_own(self, seen: Seen, view: View, names: list[str]) -> None:
        """Push refs of ours, on some hosts under other names."""
        try:
            self._send(seen, view, names)
        except NamespaceRefused:
            self._namespace = "heads"
            self._send(seen, view, names)
        if names and self._namespace != self._target.namespace:
            remotes.remember_namespace(self._repository, self._target.name, self._namespace)

    def _push(self, updates: list[Update]) -> dict[str, str]:
        """Push all or, where the host refuses some, those that it takes; gives the refused ones, with its reasons."""
        with to_send_from(self._repository) as sender:
            send = partial(
                remote.push,
                sender,
                self._target.push_url,
                updates,
                interactive=self._interactive,
                progress=self._progress,
            )
            try:
                send()
            except (NamespaceRefused, RemoteRefMoved):
                raise
            except RemoteRejected as problem:
                # One that is refused keeps no other back.
                self._refusals.append(problem)
                return remote.push_each(*send.args, **send.keywords)
        return {}

    def _send(self, seen: Seen, view: View, names: list[str]) -> None:
        updates = []
        for name in names:
            there = self._names.get(name) or (_on_heads(name) if self._namespace == "heads" else name)
            updates.append(Update(view.get(name, ""), there, seen.view.get(name)))
        refused = self._push(updates) if updates else {}
        for name, update in zip(names, updates, strict=True):
            if update.target in refused:
                self._refused[name] = refused[update.target]
            else:
                self._sent[name] = update.source
