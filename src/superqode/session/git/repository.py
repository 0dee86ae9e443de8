"""A store's repository: made, opened, checked, locked, made durable."""

from __future__ import annotations

import os
import re
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from superqode.session import clock
from superqode.session.codec.lines import clean_ident
from superqode.session.errors import (
    NewerFormat,
    NotAStore,
    SessionError,
    StoreNotOwned,
    StoreUnwritable,
    UnsupportedStore,
)
from superqode.session.git import durability, flock, recovery
from superqode.session.git.journal import Journal
from superqode.session.git.making import (
    HEADS,
    RESERVED_BRANCH,
    STORE_FORMAT,
    TAGS,
    check_place,
    is_repository,
    is_unfinished,
    lay_out,
    write_readme,
)
from superqode.session.git.object_codec import Ident
from superqode.session.git.objects import Objects
from superqode.session.git.packs import Packs
from superqode.session.git.refs import Refs

__all__ = [
    "HEADS",
    "JOURNAL_DUE",
    "JOURNAL_MOST",
    "RESERVED_BRANCH",
    "STORE_FORMAT",
    "TAGS",
    "Repository",
    "is_store",
    "lock_number",
]

# Sessions that share a lock only wait for each other; a file a session would pile up.
_LOCKS: Final = 256
# How much stands in the journal for one lock before it is time for a checkpoint, in bytes.
JOURNAL_DUE: Final = 1024 * 1024
# How much of one save is written into the journal, in bytes; a larger one is flushed itself.
JOURNAL_MOST: Final = 1024 * 1024
_EXTENSION: Final = re.compile(r"^\s*(objectformat|refstorage)\s*=\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_FORMAT: Final = re.compile(
    r"^\s*\[superqode\][^\[]*?^\s*format\s*=\s*(\d{1,9})\s*$", re.IGNORECASE | re.MULTILINE | re.DOTALL
)


def is_store(path: Path) -> bool:
    """Whether a store may stand here: a bare Git repository whose making was not cut short."""
    return is_repository(path) and not is_unfinished(path)


class Repository:
    """An opened store.

    Attributes:
        path: its folder.
        objects: its objects.
        refs: its refs.
    """

    def __init__(self, path: Path, *, user: tuple[str, str] | None = None) -> None:
        self.path = path
        self.own = path / "superqode"
        self.quarantine = self.own / "quarantine"
        self.objects = Objects(path, self.quarantine, lambda: Packs(path))
        self.refs = Refs(path, self.quarantine / "locks")
        self._user = (
            None if user is None else (clean_ident(user[0], "user"), clean_ident(user[1], "user@localhost.invalid"))
        )
        self._locks = self.own / "locks"
        self._store_lock = self._locks / "store"
        self.journal = Journal(self.own / "journal")
        # Whether this process saw that nothing is left to be made good after a crash of the system.
        self._recovered = False
        # Refs that moved, but whose flush failed: whoever says next that they are saved has to flush them.
        self.unsure: set[str] = set()
        _check(path)
        self._locks.mkdir(mode=0o700, parents=True, exist_ok=True)

    # -- making ---------------------------------------------------------------------------------------------------

    @classmethod
    def create(
        cls, path: Path, *, user: tuple[str, str] | None = None, finish: Callable[[Path], object] | None = None
    ) -> Repository:
        """Make a store here, or open the one that is here; safe when several processes do it at once.

        Args:
            path: the folder.
            user: name and address of the committer.
            finish: called with the folder of a new store as the last part of making it.

        Raises:
            StoreUnwritable: the folder cannot be made or written.
            NotAStore: another repository stands here.
        """
        locks = path / "superqode" / "locks"
        check_place(path)
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            locks.mkdir(mode=0o700, parents=True, exist_ok=True)
            with flock.hold(locks / "create"):
                if not is_repository(path) or is_unfinished(path):
                    _initialise(path, user, finish)
        except (SessionError, TimeoutError):
            raise
        except OSError as problem:
            raise StoreUnwritable(path, str(problem.strerror or problem)) from problem
        return cls(path, user=user)

    @classmethod
    def temporary(cls, path: Path, *, borrow: Path | None = None) -> Repository:
        """Make a repository for a short time, in a folder that is not there yet: nothing of it is made durable.

        Args:
            path: its folder.
            borrow: a repository whose objects it may use, as gitrepository-layout(5)'s alternates.
        """
        path.mkdir(mode=0o700, parents=True)
        lay_out(path)
        made = cls(path)
        if borrow is not None:
            made.borrow(borrow)
        return made

    def borrow(self, lender: Path) -> None:
        """Use another repository's objects from now on, too; an own one comes before its."""
        alternate = os.fsencode(lender / "objects")
        (self.path / "objects" / "info" / "alternates").write_bytes(alternate + b"\n")
        self.objects.reopen()

    # -- locks and durability -------------------------------------------------------------------------------------

    @contextmanager
    def alone(self, what: str, *, timeout: float = 600.0) -> Iterator[None]:
        """Hold a lock of another kind than sessions have, by name (letters and dashes).

        Raises:
            StoreLocked: another process held it all that time.
        """
        with flock.hold(self._locks / what, timeout=timeout):
            yield

    def is_held(self, what: str) -> bool:
        """Whether somebody holds such a lock right now."""
        return flock.is_held(self._locks / what)

    @contextmanager
    def writing(self, *sessions: str, journalled: bool = False, timeout: float = 30.0) -> Iterator[None]:
        """Hold the locks of these sessions, and keep pruning out meanwhile.

        Args:
            sessions: their ids.
            journalled: whether all that is done will stand in the journal, behind what stands there. Otherwise that is
                made durable first, and forgotten: nothing that moves or removes a session leaves records behind.
            timeout: how long to wait, in seconds.

        Raises:
            StoreLocked: another process held one of them all that time.
            OSError: what stands in the journal cannot be made durable.
            NewerFormat: a newer superqode wrote what stands in the journal.
        """
        numbers = sorted({lock_number(session) for session in sessions})
        with self._holding(numbers, timeout):
            for number in numbers:
                # Where opening could not recover, a save would take its place upon what the crash left.
                if not journalled or (not self._recovered and self.journal.is_stale(number)):
                    recovery.checkpoint(self, number)
            yield

    @contextmanager
    def _holding(self, numbers: Sequence[int], timeout: float) -> Iterator[None]:
        held: list[flock.Held] = []
        try:
            held.append(flock.acquire(self._store_lock, shared=True, timeout=timeout))
            for number in numbers:
                held.append(flock.acquire(f"{self._locks}/{number:02x}", timeout=timeout))  # noqa: PERF401 - one by one
            self.objects.look_again()  # nothing is freed while we hold the store
            with self.objects.referring():
                yield
        finally:
            while held:
                held.pop().release()

    @contextmanager
    def exclusive(self, *, timeout: float = 60.0) -> Iterator[flock.Held]:
        """Hold the whole store: no save runs meanwhile. Only for removing objects; who does it gets the lock as well.

        A `git prune` that outlives us goes on removing: it has to keep saves out until its own end.
        """
        with flock.hold(self._store_lock, timeout=timeout) as held:
            yield held

    @contextmanager
    def maintaining(self, *, timeout: float = 60.0) -> Iterator[None]:
        """Hold the right to maintain: one at a time, beside any number of saves."""
        with flock.hold(self._locks / "maintain", timeout=timeout):
            yield

    def is_checkpoint_due(self, session: str) -> bool:
        """Whether so much stands in the journal beside a session, just saved, that it is time for a checkpoint."""
        return self.journal.reached(lock_number(session)) >= JOURNAL_DUE

    def checkpoint(self) -> None:
        """Make durable in Git's own files what stands in the journal, beside saves that go on.

        Raises:
            StoreLocked: a save took too long, or the checkpoint of another process.
            OSError: the disk said no.
            NewerFormat: a newer superqode wrote records; they stay.
        """
        self.recover()
        # Two at once would each make a pack of the same records.
        with self.alone("checkpoint"):
            files: list[Path] = []
            for number in self.journal.numbers():
                with self._holding([number], timeout=60.0):
                    files += self.journal.rotate(number)
            with self._holding([], timeout=60.0):  # what is freed meanwhile would come back in the pack
                recovery.make_durable(self, files)

    def recover(self) -> list[str]:
        """Make good what another run of the system wrote, and the disk lost with its crash; gives the refs that moved.

        Raises:
            StoreLocked: another process held a session all that time.
            OSError: the disk said no.
            NewerFormat: a newer superqode wrote records; they stay, and all others are made good.
        """
        moved: list[str] = []
        newer: NewerFormat | None = None
        for number in self.journal.numbers(stale=True):
            with self._holding([number], timeout=60.0):
                try:
                    # Another process may have done it meanwhile, and may have saved since.
                    if self.journal.is_stale(number):
                        moved += recovery.checkpoint(self, number)
                except NewerFormat as problem:
                    newer = problem
        if newer is not None:
            raise newer
        self._recovered = True
        return moved

    def flush(self, extra: Iterable[str] = ()) -> None:
        """Make durable what this thread wrote since the last flush, and the files named besides."""
        written = self.objects.take_written()
        try:
            durability.flush(self.path, [*written, *extra])
        except OSError:
            self.objects.loose.distrust(written)
            raise

    def flush_later(self, paths: Iterable[str]) -> None:
        """Leave it to this thread's next flush to make files durable; nothing is acknowledged before that."""
        self.objects.note_written(paths)

    # -- settings -------------------------------------------------------------------------------------------------

    def settings(self) -> dict[str, str]:
        """The settings of this repository's own config file."""
        import pygit2

        config: Any = pygit2.Config(str(self.path / "config"))
        return {entry.name: entry.value for entry in config}

    def set(self, key: str, value: str) -> None:
        """Change a setting of this repository."""
        import pygit2

        pygit2.Config(str(self.path / "config"))[key] = value

    # -- idents ---------------------------------------------------------------------------------------------------

    def user(self) -> tuple[str, str]:
        """The committer's name and address: the store's option, else Git's config, else login name and host."""
        if self._user is None:
            from superqode.session.git.identity import configured_user

            self._user = configured_user(self.path)
        return self._user

    def committer(self) -> Ident:
        """The committer, now."""
        name, email = self.user()
        return Ident(name, email, max(0, int(clock.now().timestamp())))


@lru_cache(maxsize=1024)  # a save asks for its own several times
def lock_number(session: str) -> int:
    """The number of the lock that a session shares with some others, regardless of case."""
    return zlib.crc32(session.lower().encode("utf-8", "surrogatepass")) % _LOCKS


def _check(path: Path) -> None:
    if not is_repository(path):
        raise NotAStore(path, "there is no Git repository")
    _check_owner(path)
    try:
        settings = (path / "config").read_text("utf-8", "replace")
    except OSError as problem:
        raise NotAStore(
            path,
            f"its config cannot be read ({problem.strerror}). Where it is lost, an empty file in its place is enough,"
            " and `superqode doctor` tells what it should say",
        ) from problem
    for name, value in _EXTENSION.findall(settings):
        _refuse_extension(path, name.lower(), value.lower())
    found = _FORMAT.search(settings)
    if found is None:
        if not (path / "refs" / "heads" / RESERVED_BRANCH).is_file() and not _packed_reserved(path):
            raise NotAStore(path, f"it is a Git repository without the branch {RESERVED_BRANCH}")
    elif int(found[1]) > STORE_FORMAT:
        raise NewerFormat(f"The store {path}", found[1], STORE_FORMAT)


def _packed_reserved(path: Path) -> bool:
    from superqode.session.git import packed_refs

    return packed_refs.find(str(path / "packed-refs"), HEADS + RESERVED_BRANCH) is not None


def _check_owner(path: Path) -> None:
    found = path.stat()
    geteuid = getattr(os, "geteuid", None)
    if geteuid is None:  # Windows: access rights say more than an owner
        return
    if found.st_uid != geteuid():
        raise StoreNotOwned(path, found.st_uid, geteuid())
    if stat.S_IMODE(found.st_mode) & 0o077:
        path.chmod(0o700)  # sessions hold secrets; somebody's umask opened the folder


def _refuse_extension(path: Path, name: str, value: str) -> None:
    if name == "objectformat" and value != "sha1":
        raise UnsupportedStore(
            path,
            f"{value} object ids",
            "Make a store with sha1 ids (Git's default up to 2.x) and import the sessions",
        )
    if name == "refstorage" and value != "files":
        raise UnsupportedStore(
            path,
            f"the ref storage {value}",
            f"Turn it back with: git -C {path} refs migrate --ref-format=files",
        )


def _initialise(path: Path, user: tuple[str, str] | None, finish: Callable[[Path], object] | None) -> None:
    marker = path / "superqode" / "unfinished"
    if is_repository(path) and not marker.exists():
        raise NotAStore(path, "another Git repository stands here")
    marker.touch(mode=0o600)
    lay_out(path)
    path.chmod(0o700)
    repository = Repository(path, user=user)
    if repository.refs.read(HEADS + RESERVED_BRANCH) is None:
        write_readme(repository)
    if finish is not None:
        finish(path)
    repository.flush([str(path / "config"), str(path / "HEAD")])
    marker.unlink()
    repository.flush([str(path / "config")])
