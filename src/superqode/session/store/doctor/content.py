"""What is in the store, looked at quickly: refs, the newest save of each session, packs, the index, times."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from superqode.session import clock
from superqode.session.errors import CorruptObject, CorruptSession, NewerFormat, SessionError
from superqode.session.git.repository import HEADS, RESERVED_BRANCH, Repository
from superqode.session.store import maintenance
from superqode.session.store.branches import is_session_branch
from superqode.session.store.doctor.findings import Examined, Repair, counted, ok, problem, warning
from superqode.session.store.index.catalogue import Progress
from superqode.session.store.index.files import INDEX, Health, health, kept_beside, throw_away
from superqode.session.store.index.remembered import Remembered
from superqode.session.store.ledger import SHARES, Ledger
from superqode.session.store.operations.log import OperationLog
from superqode.session.store.state import read_tree, times

__all__ = ["index", "journal", "objects", "operations", "refs", "repair_index", "shares"]

_SHOWN: Final = 3
# Each search for an object asks every pack.
_MANY_PACKS: Final = 50
# Clocks of two machines differ by minutes; by more, one of them is wrong.
_SKEW: Final = timedelta(hours=26)
_VERIFY: Final = "superqode sessions verify"
_REPAIR: Final = "superqode sessions repair --dry-run"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _names(repository: Repository) -> tuple[list[str], str]:
    """All refs, and why `packed-refs` cannot be read, where it cannot."""
    try:
        repository.refs.check_packed()
        return repository.refs.names("refs/"), ""
    except CorruptObject as reason:
        return list(repository.refs.loose_names("refs/")), str(reason)


def refs(repository: Repository) -> Iterator[Examined]:
    """Whether every ref can be read, and no name stands in another's way."""
    names, damage = _names(repository)
    if damage:
        yield problem("refs", f"packed-refs is damaged: {damage}", "sessions may be missing from lists", _REPAIR)
    readable = {name for name, _ in _items(repository, "refs/")}
    broken = [name for name in names if name not in readable and _is_broken(repository, name)]
    if broken:
        yield problem(
            "refs",
            f"{counted(len(broken), 'broken ref')}: {_some(broken)}",
            "a crash or the disk damaged them; the reflog beside each (in logs/) tells where it was",
            f"{_VERIFY}; {_REPAIR}",
        )
    twins = _twins(names)
    if twins:
        yield warning(
            "refs",
            f"names that differ only in case, or stand below another: {_some(twins)}",
            "this store cannot be moved to a disk that does not tell them apart, and git refuses some of them",
            f"superqode sessions rename {shlex.quote(twins[0].removeprefix(HEADS))} NEW-ID",
        )
    if HEADS + RESERVED_BRANCH not in names:
        yield warning(
            "refs",
            f"the branch {RESERVED_BRANCH} is gone",
            "people who find this repository do not learn what it is",
            f"git -C {shlex.quote(str(repository.path))} reflog show {RESERVED_BRANCH}",
        )
    sessions = sum(is_session_branch(name.removeprefix(HEADS)) for name in names if name.startswith(HEADS))
    if not (damage or broken or twins):
        yield ok("refs", f"{len(names):,} refs, {sessions:,} of them sessions")


def _items(repository: Repository, prefix: str) -> list[tuple[str, str]]:
    """The refs that can be read; where `packed-refs` cannot, those in files of their own."""
    refs = repository.refs
    try:
        return refs.items(prefix)
    except CorruptObject:
        return [(name, oid) for name in refs.loose_names(prefix) if (oid := _read(repository, name)) is not None]


def _read(repository: Repository, name: str) -> str | None:
    try:
        return repository.refs.read(name)
    except CorruptObject:
        return None


def _is_broken(repository: Repository, name: str) -> bool:
    """Whether it cannot be read; one that went since it was listed is none, nor one that leads to a ref to come."""
    try:
        repository.refs.read(name)
    except (CorruptObject, ValueError):
        return True
    return False


def _twins(names: Sequence[str]) -> list[str]:
    """Names that another one equals but for case, or begins with and a slash."""
    folded = defaultdict(list)
    for name in names:
        folded[name.lower()].append(name)
    above = {name.rpartition("/")[0] for name in names}
    return sorted({name for same in folded.values() if len(same) > 1 for name in same} | (above & set(names)))


def objects(repository: Repository, progress: Progress | None) -> Iterator[Examined]:
    """Whether each session's newest save is there, and whole where it is new; how objects are kept; times."""
    sessions = [name.removeprefix(HEADS) for name in _names(repository)[0] if name.startswith(HEADS)]
    sessions = [session_id for session_id in sessions if is_session_branch(session_id)]
    tips = dict(_items(repository, HEADS))
    remembered = Remembered(repository)
    damaged, later = [], []
    now = clock.now() + _SKEW
    with repository.objects.reading_many():
        for number, session_id in enumerate(sessions):
            try:
                tip = tips.get(HEADS + session_id) or repository.refs.read(HEADS + session_id)
                if tip is not None and _changed_at(repository, remembered, session_id, tip) > now:
                    later.append(session_id)
            except (CorruptObject, CorruptSession):
                damaged.append(session_id)
            if progress is not None:
                progress(number + 1, len(sessions), "looking at sessions")
    if damaged:
        yield problem(
            "objects",
            f"{counted(len(damaged), 'damaged session')}: {_some(damaged)}",
            "their newest save cannot be read; the others are not affected, and copies or earlier saves may be whole",
            f"{_VERIFY} {shlex.quote(damaged[0])}; {_REPAIR}",
        )
    else:
        yield ok("objects", f"the newest save of each of {len(sessions):,} sessions is there (`{_VERIFY}` reads all)")
    yield _kept(repository)
    if later:
        yield warning(
            "times",
            f"{counted(len(later), 'session')} changed in the future: {_some(later)}",
            "a clock was, or is, wrong; they are listed before all others",
            "date; timedatectl status",
        )
    else:
        yield ok("times", "no session was changed in the future")


def _changed_at(repository: Repository, remembered: Remembered, session_id: str, tip: str) -> datetime:
    """When a session changed last; raises where its last save cannot be read, unless that was when it was new."""
    changed = remembered.changed_at(session_id, tip)
    if changed is not None:
        return changed
    commit = repository.objects.commit(tip)
    read_tree(repository.objects, commit, session_id)
    return times(commit)[1]


def _kept(repository: Repository) -> Examined:
    loose = maintenance.count_loose(repository)
    packs = len(list((repository.path / "objects" / "pack").glob("*.pack")))
    told = f"{counted(loose, 'loose object')}, {counted(packs, 'pack')}"
    if maintenance.is_due(repository) or packs > _MANY_PACKS:
        meaning = "reading gets slower, and the disk fuller, than it has to be"
        return warning("objects", told, meaning, "superqode sessions maintain")
    return ok("objects", told)


def journal(repository: Repository) -> Iterator[Examined]:
    """Whether saves from before a crash of the system wait in the journal."""
    stale = repository.journal.numbers(stale=True)
    if stale:
        yield warning(
            "journal",
            f"{counted(len(stale), 'journal file')} from before the system stopped",
            "saves stand in it that Git's own files may lack; the next command that opens the store makes them good",
            "superqode sessions list",
        )
    else:
        yield ok("journal", f"{repository.journal.total():,} bytes of saves stand in it, all safe")


def operations(repository: Repository) -> Iterator[Examined]:
    """Whether the operation log can be read."""
    try:
        count = sum(1 for _ in OperationLog(repository).entries())
    except SessionError as reason:
        meaning = "nothing that moved or removed something can be taken back; sessions and trash are not touched"
        yield warning("operations", str(reason), meaning, _VERIFY)
        return
    yield ok("operations", f"{counted(count, 'operation')} in the log (`superqode ops` lists them)")


def shares(repository: Repository) -> Iterator[Examined]:
    """Whether the ledger of shares can be read."""
    try:
        count = len(Ledger(repository).documents(SHARES))
    except NewerFormat as reason:
        yield warning("shares", str(reason), "shares can be opened, and not changed", "pip install --upgrade superqode")
    except (SessionError, OSError) as reason:
        meaning = "shares cannot be changed, and sessions neither scanned for secrets, renamed nor synced"
        yield problem("shares", str(reason), meaning, f"{_VERIFY}; {_REPAIR}")
    else:
        yield ok("shares", f"{counted(count, 'share')} in the ledger")


def index(repository: Repository) -> Iterator[Examined]:
    """Whether the index can be used. It is disposable: at worst the next listing makes it anew."""
    found = health(repository.own / INDEX)
    if found is Health.DAMAGED:
        meaning = "listing and searching notice it late; nothing is lost by making it anew"
        yield warning("index", "the index is damaged", meaning, "superqode doctor --fix", Repair.INDEX)
    else:
        yield ok("index", f"the index is {found}")


def repair_index(repository: Repository) -> None:
    """Throw the index away; the next listing makes it anew."""
    path = repository.own / INDEX
    throw_away(path, *kept_beside(path))
