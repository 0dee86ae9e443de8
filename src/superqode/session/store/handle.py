"""A store being held open: found or made, indexed, kept in shape in the background, closed."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, get_args

from superqode.session import clock
from superqode.session.choices import check_word
from superqode.session.errors import (
    NewerFormat,
    NotAStore,
    SessionError,
    SessionNotFound,
    StoreClosed,
    StoreLocked,
    StoreNotFound,
    StoreUnwritable,
)
from superqode.session.git.durability import Durability
from superqode.session.git.making import check_place, mend_head
from superqode.session.git.repository import JOURNAL_DUE, Repository, is_store
from superqode.session.lazy import lazy_modules
from superqode.session.store.branches import branch_ref
from superqode.session.store.index.catalogue import Catalogue

if TYPE_CHECKING:
    from superqode.session.store import hooks, maintenance, trash
    from superqode.session.store.results import MergeResult, SaveResult
else:
    hooks, maintenance, trash = lazy_modules("superqode.session.store", "hooks", "maintenance", "trash")

__all__ = ["DEFAULT_STORE", "StoreHandle"]

DEFAULT_STORE: Final = Path(".superqode") / "sessions"
# How many saves of a fast store are made durable together.
_FAST_FLUSH: Final = 500
# How long records wait for a checkpoint in a process that goes on saving, in seconds.
_CHECKPOINT_EVERY: Final = 300.0


class StoreHandle:
    """What every verb of `SessionStore` stands on; see there for the arguments."""

    def __init__(
        self,
        storage_dir: str | Path | None = None,
        *,
        durability: Durability = "full",
        user: tuple[str, str] | None = None,
        create: bool = True,
    ) -> None:
        check_word(durability, "durability", get_args(Durability))
        default = Path.home() / DEFAULT_STORE
        self.path = (Path(storage_dir) if storage_dir is not None else default).absolute()
        self._durable = durability == "full"
        self._user = user
        self._lock = threading.RLock()
        self._closed = False
        self._repository: Repository | None = None
        self._catalogue: Catalogue | None = None
        self._unflushed = 0
        self._maintainer: threading.Thread | None = None
        self._checkpointer: threading.Thread | None = None
        self._checkpointed = clock.monotonic()
        with suppress(OSError):  # where it cannot be mended, opening says what the place is
            mend_head(self.path)
        if not create and self.path != default.absolute() and not is_store(self.path):
            below = self.path / DEFAULT_STORE.name
            if not is_store(below):
                check_place(self.path)
                raise StoreNotFound(self.path)
            raise StoreNotFound(self.path, nearer=below)

    # -- opening and closing --------------------------------------------------------------------------------------

    def _open(self) -> Repository | None:
        """The repository, or `None` where there is no store yet."""
        with self._lock:
            if self._closed:
                raise StoreClosed
            if self._repository is not None:
                return self._repository
            if self.path.is_file():
                raise NotAStore(self.path, "it is a file")
            if is_store(self.path):
                self._repository = _recovered(Repository(self.path, user=self._user))
            return self._repository

    def _existing(self, session_id: str) -> Repository:
        """The repository that must hold this session."""
        repository = self._open()
        branch_ref(session_id)
        if repository is None:
            raise SessionNotFound(session_id)
        return repository

    def _holding(self, named: Sequence[str], hint: str = "") -> Repository | None:
        """The repository, or `None` where there is no store yet and nothing was named that must be in it.

        Raises:
            SessionNotFound: something was; `hint` as there.
        """
        repository = self._open()
        if repository is None and named:
            raise SessionNotFound(named[0], hint=hint)
        return repository

    def _made(self) -> Repository:
        """The repository, made if there is none."""
        with self._lock:
            repository = self._open()
            if repository is None:
                # Hooks are part of the making: a store that could be pushed in clear is not finished.
                repository = _recovered(Repository.create(self.path, user=self._user, finish=hooks.install_hooks))
                self._repository = repository
            return repository

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what the file system says into our error."""
        try:
            yield
        except SessionError:
            raise
        except OSError as problem:
            raise StoreUnwritable(problem.filename or self.path, str(problem.strerror or problem)) from problem

    def _index(self, repository: Repository) -> Catalogue:
        with self._lock:
            if self._catalogue is None:
                self._catalogue = Catalogue(repository, lambda name, tip: trash.rescue(repository, name, tip))
            return self._catalogue

    def close(self) -> None:
        """Flush what a fast store has not, wait for maintenance, let go of the files; closing twice is fine."""
        with self._lock:
            if self._closed:
                return
            repository = self._repository
            if repository is not None and not self._durable:
                repository.flush([str(repository.path / "HEAD")])
            maintainer = self._maintainer
        for worker in (maintainer, self._checkpointer):
            if worker is not None:
                worker.join()
        if repository is not None and self._unflushed and repository.journal.total() >= JOURNAL_DUE:
            with suppress(StoreLocked, NewerFormat, OSError):  # the records stay, and the next one tries again
                repository.checkpoint()
        if repository is not None and self._unflushed and maintenance.is_due(repository):
            self._start_maintenance(repository).join()
        with self._lock:
            self._closed = True
            if self._catalogue is not None:
                self._catalogue.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _after_save(self, repository: Repository, result: SaveResult | MergeResult) -> None:
        with self._lock:
            self._unflushed += len(result.commits)
            count = self._unflushed
        if not self._durable and count % _FAST_FLUSH == 0 and result.commits:
            repository.flush()
        if (
            self._durable
            and result.commits
            and (
                repository.is_checkpoint_due(result.session_id)
                or clock.monotonic() - self._checkpointed > _CHECKPOINT_EVERY
            )
        ):
            self._start_checkpoint(repository)
        # The commit's id is as good as a dice: one look in 64 saves, whatever process they come from.
        if (
            result.commits
            and int(result.tip[:2], 16) < 4
            and self._maintainer is None
            and maintenance.is_due(repository)
        ):
            self._start_maintenance(repository)

    def _start_checkpoint(self, repository: Repository) -> None:
        """Let the journal go into Git's own files in the background, unless that is being done."""
        if self._checkpointer is not None and self._checkpointer.is_alive():
            return
        self._checkpointed = clock.monotonic()

        def work() -> None:
            with suppress(SessionError, OSError):  # the records stay, and the next one tries again
                repository.checkpoint()

        self._checkpointer = threading.Thread(target=work, name="superqode-checkpoint", daemon=True)
        self._checkpointer.start()

    def _start_maintenance(self, repository: Repository) -> threading.Thread:
        """Pack in the background; saves go on beside it."""

        def work() -> None:
            try:
                maintenance.maintain(Repository(repository.path, user=self._user), prune_older_than=None)
            except (SessionError, OSError):
                return  # another process does it, or the next one will
            finally:
                self._maintainer = None

        thread = threading.Thread(target=work, name="superqode-maintenance", daemon=True)
        self._maintainer = thread
        thread.start()
        return thread


def _recovered(repository: Repository) -> Repository:
    # What cannot be recovered now is read as the crash left it; the records stay, and whoever writes tries again.
    with suppress(StoreLocked, NewerFormat, OSError):
        repository.recover()
    return repository
