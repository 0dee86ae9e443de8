"""A store brought to a view: new refs before old ones go, each only where nobody moved it meanwhile.

A crash between leaves more than there shall be, never less, and the next sync finds the same plan again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final

from superqode.session.errors import RefConflict
from superqode.session.git.packed_refs import PackedRef
from superqode.session.git.repository import Repository
from superqode.session.store.index.catalogue import Catalogue
from superqode.session.store.ledger import Ledger
from superqode.session.store.operations.forgetting import purging, scrubbing
from superqode.session.store.operations.log import OperationLog
from superqode.session.store.operations.recording import Recorded, recording, refs_of, titles_of
from superqode.session.store.owners import owner_of, trash_parts
from superqode.session.store.secrets import forget_logs, forget_verdicts
from superqode.session.store.sources_refs import drop_original
from superqode.session.sync.commits import Commits
from superqode.session.sync.renames import renamed_to
from superqode.session.sync.view import HEADS, KEPT, LEDGER_FOLDER, PURGED, SCRUBBED, TAGS, TRASH, View

__all__ = ["apply"]

# A session's refs that come: what is deleted first, so that the trash is whole before its branch goes.
_COMING: Final = (TRASH, PURGED, SCRUBBED, TAGS, KEPT, HEADS)
_GOING: Final = (HEADS, TAGS, KEPT, TRASH, PURGED, SCRUBBED)
_REASON: Final = "sync"


def apply(
    repository: Repository,
    ours: View,
    wanted: View,
    scrubbed: Container[str] = (),
    forget: Callable[[Iterable[str]], object] = lambda _names: None,
) -> bool:
    """Bring the store from one view to another; says whether all of it is as wanted.

    What somebody moved meanwhile stays as it is: then read the view again, and reconcile again.

    Args:
        repository: the store, with every object that `wanted` names; the caller keeps pruning out.
        ours: the view that `wanted` was made of.
        wanted: the view that shall be.
        scrubbed: sessions with refs that are built on what a scrub replaced elsewhere.
        forget: hears which branches went, before the operation log has done with them: what a purge forgets it does
            not tell of afterwards, and a listing would take it for lost.

    Raises:
        StoreLocked: another process held a session all the time.
        OSError: the disk said no.
    """
    names = [name for name in {*ours, *wanted} if ours.get(name) != wanted.get(name)]
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        if not name.startswith(LEDGER_FOLDER):
            groups[owner_of(name)].append(name)
    fresh = [owner for owner, group in groups.items() if all(name not in ours for name in group)]
    whole = _make_all(repository, {name: wanted[name] for owner in fresh for name in groups[owner]})
    touched: list[str] = []
    changing = groups.keys() - set(fresh)
    rewritten = {owner for owner in changing if owner and owner in scrubbed}
    changing -= rewritten
    going = {owner for owner in changing if owner and any(name not in wanted for name in groups[owner])}
    renamed = _renamed(repository, going, ours, {name: wanted[name] for name in names if name in wanted})
    purged = _purged(groups, changing, wanted, renamed)
    losing = going - purged
    renamed = {old: new for old, new in renamed.items() if old in losing}
    steps: list[tuple[set[str], AbstractContextManager[Recorded | None]]] = [
        (rewritten, _scrubbing(repository, sorted(rewritten), wanted)),
        (purged, _purging(repository, sorted(purged), [name for name in names if name not in wanted])),
        # Each by itself, under both ids: a purge of the one forgets what the other was.
        *(({old}, _removing(repository, (old, new))) for old, new in sorted(renamed.items())),
        (losing - renamed.keys(), _removing(repository, sorted(losing - renamed.keys()))),
        (changing - purged - losing, nullcontext()),
    ]
    for owners, recorded in steps:
        moved: list[str] = []
        with recorded as operation:
            for owner in sorted(owners):
                with repository.writing(owner) if owner else repository.writing():
                    whole &= _change(repository, groups[owner], ours, wanted, moved)
            forget([HEADS + owner for owner in owners if HEADS + owner in ours and HEADS + owner not in wanted])
            if operation is not None:
                for name in moved:
                    if name.startswith(HEADS):
                        operation.moved(name, ours.get(name, ""), wanted[name])
        touched += moved
    repository.flush([str(repository.path / name) for name in touched] or [str(repository.path / "packed-refs")])
    documents = {name.removeprefix(LEDGER_FOLDER): name for name in names if name.startswith(LEDGER_FOLDER)}
    if documents:
        changes = {path: (ours.get(name), wanted.get(name)) for path, name in documents.items()}
        Ledger(repository).adopt(changes, "ledger: synced")
    return whole


@contextmanager
def _purging(repository: Repository, owners: Sequence[str], going: Sequence[str]) -> Iterator[None]:
    """What was purged elsewhere is forgotten here, too: nothing may bring it back."""
    if not owners:
        yield
        return
    log = OperationLog(repository)
    with log.alone(), purging(repository, log, owners, [name for name in going if owner_of(name) in owners]):
        yield
    Catalogue(repository, lambda _name, _tip: True).discard()
    forget_verdicts(repository)


@contextmanager
def _scrubbing(repository: Repository, owners: Sequence[str], wanted: View) -> Iterator[None]:
    """What was taken out of a history elsewhere is forgotten here, too, as the scrub itself does it."""
    if not owners:
        yield
        return
    log = OperationLog(repository)
    with log.alone(), scrubbing(repository, log, owners, ()):
        # Where originals do not travel, none that was dropped comes; first, for what comes next may be cut short.
        for owner in owners:
            if KEPT + owner not in wanted:
                drop_original(repository, owner)
        yield
        for owner in owners:
            with repository.writing(owner):
                # Packed as well, so that the old value is in no file any more.
                found = refs_of(repository, {owner: ""})
                packed = {name: PackedRef(oid, repository.objects.peeled(oid)) for name, oid in found.items()}
                repository.refs.create_all(packed)
                forget_logs(repository, owner)
    Catalogue(repository, lambda _name, _tip: True).discard()
    forget_verdicts(repository)


def _removing(repository: Repository, owners: Sequence[str]) -> AbstractContextManager[Recorded | None]:
    """What was deleted, brought back or renamed elsewhere is an operation here that can be taken back."""
    return recording(repository, "sync", titles_of(repository, owners)) if owners else nullcontext()


def _purged(
    groups: Mapping[str, Sequence[str]], owners: Iterable[str], wanted: View, renamed: Container[str]
) -> set[str]:
    """Those sessions of which something goes that was purged; cut short before, the mark of it is here already."""
    marked = {owner_of(name) for name in wanted if name.startswith(PURGED)}
    trashed = {owner_of(name) for name in wanted if name.startswith(TRASH)} if marked else set()
    purged: set[str] = set()
    for owner in marked.intersection(owners):
        gone = [name for name in groups[owner] if name not in wanted]
        told = [name for name in groups[owner] if name.startswith(PURGED) and name in wanted]
        items = [name for name in gone if name.startswith(TRASH) and _mark_of(name) in wanted]
        whole = HEADS + owner in gone and owner not in trashed and owner not in renamed
        if told or items or whole:
            purged.add(owner)
    return purged


def _mark_of(name: str) -> str:
    """The mark that an item of the trash was purged, by a name of the item's."""
    return PURGED + trash_parts(name)[1].removeprefix(TRASH).removesuffix("/")


def _renamed(repository: Repository, owners: Iterable[str], ours: View, coming: View) -> dict[str, str]:
    """The new ids of those sessions that go since they have another id."""
    history = Commits(repository)
    tips = {owner: ours[HEADS + owner] for owner in owners if HEADS + owner in ours and HEADS + owner not in coming}
    found = {owner: renamed_to(owner, tip, coming, ours, history) for owner, tip in tips.items()}
    return {owner: new for owner, new in found.items() if new is not None}


def _make_all(repository: Repository, refs: View) -> bool:
    """Make refs that are not there at once: of a thousand sessions that come, none waits for a lock of its own."""
    if not refs:
        return True
    with repository.writing():
        objects = repository.objects
        made = repository.refs.create_all(
            {name: PackedRef(oid, "" if name.startswith(HEADS) else objects.peeled(oid)) for name, oid in refs.items()},
            free=True,
        )
    return len(made) == len(refs)


def _change(repository: Repository, names: Iterable[str], ours: View, wanted: View, touched: list[str]) -> bool:
    refs, ident = repository.refs, repository.committer()
    whole = True
    coming = sorted((name for name in names if name in wanted), key=lambda name: (_place(name, _COMING), name))
    going = sorted((name for name in names if name not in wanted), key=lambda name: (_place(name, _GOING), name))
    for name in coming:
        try:
            refs.update(name, wanted[name], ours.get(name), ident=ident, reason=_REASON)
        except RefConflict:
            whole = False
        else:
            touched.append(name)
    for name in going if whole else ():
        try:
            refs.delete(name, ours[name])
        except RefConflict:
            whole = False
    return whole


def _place(name: str, order: tuple[str, ...]) -> int:
    return next((place for place, prefix in enumerate(order) if name.startswith(prefix)), len(order))
