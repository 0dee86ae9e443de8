"""What keeps a store whole: checks, repairs, maintenance, backups, and secrets taken out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self

from superqode.session.errors import CorruptSession, StoreNotFound
from superqode.session.git.making import GRACE
from superqode.session.git.repository import Repository
from superqode.session.lazy import lazy_modules
from superqode.session.store.branches import branch_ref, is_gone, not_found
from superqode.session.store.index.catalogue import Progress
from superqode.session.store.reads import StoreReads

if TYPE_CHECKING:
    from superqode.session.store import hooks, maintenance, results, verify
    from superqode.session.store.results import MaintenanceReport, RepairReport, ScrubResult, SecretPlace, VerifyReport
    from superqode.session.store.verify import Level
else:
    hooks, maintenance, results, verify = lazy_modules(
        "superqode.session.store", "hooks", "maintenance", "results", "verify"
    )

__all__ = ["StoreCare"]


class StoreCare(StoreReads):
    """The verbs of `SessionStore` that look after all of it."""

    # -- wholeness ----------------------------------------------------------------------------------------------------

    def verify(
        self,
        session_ids: Iterable[str] | None = None,
        *,
        level: Level = "data",
        part: tuple[int, int] = (1, 1),
        progress: Progress | None = None,
    ) -> VerifyReport:
        """Read and check everything (or some sessions); changes nothing, and reports damage instead of raising it.

        Args:
            session_ids: the sessions; all without them.
            level: `quick` (each last save is there, and what is new is whole), `structure` (all commits and trees,
                files have to be there) or `data` (all).
            part: of `data` the n-th of so many parts, to read an enormous store a part a day.
            progress: told how many sessions were looked at.

        Raises:
            SessionNotFound, InvalidSessionId: one of them is not there, or cannot be.
            ValueError: there is no such level or part.
        """
        depth = verify.Depth(level, part)
        wanted = list(session_ids) if session_ids is not None else None
        repository = self._holding(wanted or ())
        if repository is None:
            return results.VerifyReport(0, 0, 0)
        for session_id in wanted or ():
            if repository.refs.names(branch_ref(session_id) + "/") or is_gone(repository, session_id):
                raise not_found(repository, session_id)
        # A repository opened anew: what this one remembers would hide damage on the disk.
        return verify.verify(Repository(repository.path), wanted, progress, depth)

    def repair(
        self, places: Iterable[str | Path] = (), *, dry_run: bool = False, progress: Progress | None = None
    ) -> RepairReport:
        """Make whole what is damaged, from packs, the journal, and the places named; destroys nothing.

        What no whole copy is found of stays as it is, and what can be read of its session becomes another one. The
        trash, kept originals and whatever else a ref reaches are made whole from copies alike.

        Args:
            places: other stores' folders, and backups.
            dry_run: only tell.
            progress: told how many sessions were looked at.

        Raises:
            BackupError: a place is neither a store nor a backup.
            GitMissing: a backup cannot be looked into without git.
        """
        from superqode.session.store.copies import check_copy
        from superqode.session.store.repair import repair

        copies = [Path(place) for place in places]
        for place in copies:
            check_copy(place)
        repository = self._open()
        if repository is None:
            return results.RepairReport(dry_run=dry_run)
        # A repository opened anew: what this one remembers would hide damage on the disk.
        fresh = Repository(repository.path, user=self._user)
        with self._told():
            return repair(fresh, copies, dry_run=dry_run, progress=progress)

    def maintain(
        self, *, prune_older_than: timedelta | None = GRACE, progress: Progress | None = None
    ) -> MaintenanceReport:
        """Pack refs and objects, sweep leftovers, prune what nothing reaches and is older than an age."""
        repository = self._open()
        if repository is None:
            return results.MaintenanceReport()
        with self._told():
            return maintenance.maintain(repository, prune_older_than=prune_older_than, progress=progress)

    # -- backups ------------------------------------------------------------------------------------------------------

    def backup(
        self,
        path: str | Path,
        *,
        progress: Progress | None = None,
        damaged: Callable[[str, str], object] | None = None,
    ) -> Path:
        """Write everything into one verified file, a Git bundle; gives its path.

        Args:
            path: the file, which is not there yet.
            progress: told what is done.
            damaged: told of each ref that reaches something damaged, and of the first of that; all else is written.
                Without it that is raised, and nothing is written.

        Raises:
            StoreNotFound: there is no store.
            BackupError: it is there already, cannot be written, or would not be whole.
            GitMissing, GitFailed: `git` is missing, or said no.
        """
        from superqode.session.store import backup

        repository = self._open()
        if repository is None:
            raise StoreNotFound(self.path)
        return backup.backup(repository, Path(path), progress, damaged)

    @classmethod
    def restore_backup(cls, path: str | Path, storage_dir: str | Path) -> Self:
        """Make a store out of a backup in a new folder: sessions, snapshots, trash, ledger, settings, mode.

        Raises:
            BackupError: the file is no backup, or damaged, or the folder is in use.
            GitMissing: only `git` can read it.
        """
        from superqode.session.store import backup

        backup.restore(Path(path), Path(storage_dir))
        hooks.install_hooks(Path(storage_dir))
        return cls(storage_dir)

    # -- secrets ------------------------------------------------------------------------------------------------------

    def scan(
        self,
        session_ids: Iterable[str] | None = None,
        *,
        progress: Progress | None = None,
        damaged: Callable[[CorruptSession], None] | None = None,
    ) -> list[SecretPlace]:
        """Find passwords, keys and tokens in sessions (all without `session_ids`), in every save; changes no session.

        Kept originals are not looked through: what stands in a session stands in its original, too.

        Args:
            session_ids: the sessions to look through.
            progress: told how many commits were looked through.
            damaged: told of each damaged session, and the others are looked through; without it that is raised.

        Raises:
            SessionNotFound, InvalidSessionId, CorruptSession: as `load`.
        """
        from superqode.session.store import secrets as scrubbing

        wanted = list(session_ids) if session_ids is not None else None
        repository = self._holding(wanted or ())
        if repository is None:
            return []
        with self._told():
            return scrubbing.scan(repository, wanted, progress, damaged)

    def scrub(
        self,
        session_id: str,
        *,
        secrets: Sequence[str] = (),
        rules: Sequence[str] = (),
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> ScrubResult:
        """Take secrets out of a session's whole history, for ever: new commits, the old ones purged.

        Its kept original goes as a whole.

        Args:
            session_id: the session.
            secrets: the texts that are to go.
            rules: rules or marks that `scan` named: what they found is to go.
            dry_run: only tell.
            progress: told how many commits were looked through.

        Raises:
            SessionNotFound, InvalidSessionId, CorruptSession: as `load`.
            InvalidSession: nothing was named, or a text so short that it would be found everywhere.
            UnknownRule: one of the rules is none, and no mark either.
            GitMissing: only `git` can free the old bytes; nothing was changed then.
            GitFailed: it could not; the text is in nothing but the old bytes any more.
        """
        from superqode.session.store import secrets as scrubbing

        repository = self._existing(session_id)
        wanted = scrubbing.Wanted(tuple(secrets), tuple(rules))
        with self._told():
            return scrubbing.scrub(
                repository,
                session_id,
                wanted,
                self._index(repository).discard,  # its words are in there, too
                dry_run=dry_run,
                progress=progress,
            )
