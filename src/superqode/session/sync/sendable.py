"""What of a view can be sent: its objects packed, and checked as every machine that takes them will check them.

One session whose objects are damaged, or are such as no machine takes (plain git brings anything into a store), is left
out and named; all others go.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO, Final

from superqode.session.errors import CorruptObject, GitFailed
from superqode.session.git import bundle, program
from superqode.session.git.landing import scratch_repository
from superqode.session.git.repository import Repository
from superqode.session.store.owners import owner_of
from superqode.session.sync.commits import Commits
from superqode.session.sync.notes import Note
from superqode.session.sync.view import HEADS, View, needs_commit

__all__ = [
    "checked_pack",
    "find_unsound",
    "first_words",
    "leave_out",
    "leave_out_strangers",
    "owners_left",
    "present",
    "ref_owner",
]

_PURPOSE: Final = "Syncing"
_OF_AN_OBJECT: Final = re.compile(r"\b[0-9a-f]{40}\b")
# What strerror(3) says of the moment, whatever git was reading or writing.
_OF_THE_MACHINE: Final = re.compile(
    "No space left on device|Disk quota exceeded|Read-only file system|Too many open files|Cannot allocate memory"
)
_SAID_BEFORE: Final = re.compile(r"(?:(?:fatal|error): )+")


def present(repository: Repository, oids: Iterable[str]) -> set[str]:
    """Those objects that are in the store, and can be read: what was purged is not."""
    objects = repository.objects
    objects.look_again()
    with objects.reading_many():
        return {oid for oid in oids if objects.has(oid)}


@contextmanager
def checked_pack(repository: Repository, wanted: Iterable[str], known: Iterable[str]) -> Iterator[IO[bytes]]:
    """Pack objects, and have every one checked and every link followed as on the other side; gives the pack.

    Where only what the other side has is damaged here, the pack builds on nothing of it.

    Args:
        repository: the store.
        wanted: what the pack brings, with all that it reaches.
        known: what the other side has, with all that it reaches; each is in the store.

    Raises:
        GitMissing: there is no git.
        GitFailed: something is missing or damaged, or no machine would take it.
    """
    wanted, known = list(wanted), list(known)
    with scratch_repository(repository) as scratch, tempfile.TemporaryFile(dir=scratch.path) as pack:
        try:
            _pack_into(pack, scratch, wanted, known)
        except GitFailed as problem:
            if not known:
                raise
            try:
                _pack_into(pack, scratch, wanted, [])
            except GitFailed:
                raise problem from None
        yield pack


def _pack_into(pack: IO[bytes], scratch: Repository, wanted: Iterable[str], known: Iterable[str]) -> None:
    """Make a pack in a file, from its beginning, and check it."""
    pack.seek(0)
    pack.truncate()
    asked = "".join(f"{oid}\n" for oid in wanted) + "".join(f"^{oid}\n" for oid in known)
    arguments = ["pack-objects", "-q", "--revs", "--thin", "--delta-base-offset", "--stdout"]
    # Not in the store: to make a pack, git looks at all tags that it finds, damaged ones too.
    with program.stream(scratch.path, arguments, purpose=_PURPOSE, stdin=asked.encode()) as packed:
        shutil.copyfileobj(packed, pack)
    pack.seek(0)
    bundle.unpack(scratch.path, pack, "what is to be sent", purpose=_PURPOSE)
    shutil.rmtree(scratch.path / "objects" / "pack")  # as large again
    pack.seek(0)


def find_unsound(repository: Repository, wanted: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """Which objects cannot be sent with all that they reach, each with git's reason; arguments as `checked_pack`.

    Raises:
        GitMissing: there is no git.
        GitFailed: it failed, and not because of an object.
    """
    found: dict[str, str] = {}
    blamed = False
    known = list(known)
    parts = [list(wanted)]
    while parts:
        part = parts.pop()
        try:
            with checked_pack(repository, part, known):
                continue
        except GitFailed as problem:
            reason = first_words(str(problem))
            if not (blamed or _OF_AN_OBJECT.search(str(problem))):
                _see_that_git_works(repository, problem)
                blamed = True
        half = len(part) // 2
        if half:
            parts += [part[:half], part[half:]]
        else:
            found |= dict.fromkeys(part, reason)
    return found


def _see_that_git_works(repository: Repository, problem: GitFailed) -> None:
    """Raise a problem again that is no object's: git names most that are damaged, but none that is a directory."""
    if _OF_THE_MACHINE.search(str(problem)):
        raise problem
    with scratch_repository(repository) as scratch, tempfile.TemporaryFile(dir=scratch.path) as pack:
        try:
            _pack_into(pack, scratch, [scratch.objects.write("blob", b"")], [])
        except GitFailed:
            raise problem from None


def first_words(words: str) -> str:
    """Of all that git said when it failed one line, of an object where it named one; it may have said nothing."""
    lines = words.splitlines() or [""]
    said = next((line for line in lines if _OF_AN_OBJECT.search(line)), lines[0])
    return _SAID_BEFORE.sub("", said.rpartition("exit code ")[2].partition(": ")[2] or said)


def leave_out(repository: Repository, seen: View, view: View, unsound: Mapping[str, str]) -> tuple[View, list[Note]]:
    """What the other side shall hold where some of it cannot be sent: of those sessions what it holds now.

    Args:
        repository: the store.
        seen: what the other side holds.
        view: what it was to hold.
        unsound: objects that cannot be sent, and why.
    """
    return _leave_out(
        repository, seen, view, {name: unsound[oid] for name, oid in _fresh(seen, view) if oid in unsound}
    )


def leave_out_strangers(repository: Repository, seen: View, view: View) -> tuple[View, list[Note]]:
    """What the other side shall hold without branches at something else than a commit, which no machine takes.

    Args:
        repository: the store.
        seen: what the other side holds.
        view: what it was to hold.
    """
    names: dict[str, str] = {}
    for name, oid in _fresh(seen, view):
        if needs_commit(name):
            with suppress(CorruptObject):  # what is damaged is found as it is packed
                kind, _ = repository.objects.read(oid)
                names |= {name: f"its branch is at a {kind}"} if kind != "commit" else {}
    return _leave_out(repository, seen, view, names) if names else (view, [])


def _fresh(seen: View, view: View) -> Iterator[tuple[str, str]]:
    return ((name, oid) for name, oid in view.items() if seen.get(name) != oid)


def _leave_out(repository: Repository, seen: View, view: View, names: Mapping[str, str]) -> tuple[View, list[Note]]:
    left = owners_left(repository, seen, view, names)
    held = {name: oid for name, oid in seen.items() if ref_owner(name) in left}
    sent = {name: oid for name, oid in view.items() if ref_owner(name) not in left}
    reasons = {ref_owner(name): reason for name, reason in names.items()}
    return sent | held, [Note("unsound", owner, reason) for owner, reason in sorted(reasons.items())]


def owners_left(repository: Repository, seen: View, view: View, names: Iterable[str]) -> set[str]:
    """The sessions (or names, of what is no session's) that stay as the other side has them, where names are not sent.

    A session goes as a whole. What was renamed to one that is not sent stays, too: it would go without a word.
    """
    names = list(names)
    tips = [view[name] for name in names if name.startswith(HEADS) and name in view]
    history = Commits(repository)
    renamed = {
        name.removeprefix(HEADS)
        for name, oid in seen.items()
        if name.startswith(HEADS) and name not in view and any(history.contains(tip, oid) for tip in tips)
    }
    return {ref_owner(name) for name in names} | renamed


def ref_owner(name: str) -> str:
    """Whose a name of a view is: a session's, or its own."""
    return owner_of(name) or name
