"""`SessionStore`: the facade over everything a store can do; each method is one call to the module that knows how.

What changes sessions is here, what moves and removes them in `moving`, what looks after the whole of them in `care`,
what reads them in `reads`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from superqode.session.errors import SessionExists
from superqode.session.git.repository import Repository
from superqode.session.lazy import lazy_modules
from superqode.session.store.branches import branch_ref
from superqode.session.store.handle import DEFAULT_STORE
from superqode.session.store.index.catalogue import Progress
from superqode.session.store.moving import StoreMoves

if TYPE_CHECKING:
    from superqode.session.agents import FoundPlace
    from superqode.session.models import Session
    from superqode.session.store import loading, lookup, state, undo
    from superqode.session.store.handing_over import HandedOver, Runner, Target
    from superqode.session.store.imports import ImportReport
    from superqode.session.store.rescue import RescueReport
    from superqode.session.store.results import MergeResult, SaveResult
else:
    loading, lookup, state, undo = lazy_modules("superqode.session.store", "loading", "lookup", "state", "undo")

__all__ = ["DEFAULT_STORE", "SessionStore"]


class SessionStore(StoreMoves):
    """Sessions in a bare Git repository: each a branch, each save a commit.

    Safe to use from several threads and processes. Use it as a context manager, or call `close`.

    Args:
        storage_dir: the store's folder; `~/.superqode/sessions` without one.
        durability: `"full"`: a save is on the disk before it is acknowledged; `"fast"`: for bulk loads, at `close`.
        user: name and address of the committer; Git's configuration, or login name and host, without them.
        create: make the store with the first save; without it, a folder that is no store is an error at once.

    Raises:
        StoreNotFound: `create=False`, and there is none.
        NotAStore: the folder holds something else, or is, or is below, a file: with `create=False` at once, else when
            the store is to be made.
        ValueError: `durability` is another word.
        UnsupportedStore, StoreNotOwned, NewerFormat: from the first call that needs the store, which this superqode, or
            this user, is not to read.
        StoreClosed: from any call after `close`.
    """

    # -- saving -------------------------------------------------------------------------------------------------------

    def save(self, session: Session, *, replace: bool = False) -> SaveResult:
        """Save a session; only what changed is written, and nothing when nothing did.

        When another process saved the same session meanwhile, both lives are merged, into the session in memory too,
        and the result's `notice` says so.

        Args:
            session: the session.
            replace: put it on top of another session that has the same id already.

        Raises:
            InvalidSession: the id or something in the session cannot be stored.
            SessionExists: the id belongs to a session with other content.
            SessionDeleted: it was deleted or renamed while it was open here; another may have its id by now.
            NewerFormat: it was written by a newer superqode.
            SaveFailed: the disk said no; `outcome` says whether it is saved.
            StoreLocked: other processes held it all the time.
        """
        branch_ref(session.id)
        repository = self._made()
        told = (
            self._recorded(repository, "replace", session.id) if replace and self._replaces(session) else nullcontext()
        )
        with told as recorded:
            result = self._saver(repository).save(session, replace=replace)
            if recorded is not None:
                recorded.saved(repository, result)
        self._after_save(repository, result)
        return result

    def _replaces(self, session: Session) -> bool:
        """Whether saving a session would put it on top of one that is another's."""
        saved = session._saved
        own = isinstance(saved, state.Saved) and (saved.store, saved.branch) == (str(self.path), session.id)
        return not own and self.exists(session.id)

    @contextmanager
    def autosave(self, session: Session) -> Iterator[Session]:
        """Save after each message or execution that is added inside the block, and at its end."""
        before = session._on_add

        def save() -> None:
            self.save(session)

        session._on_add = save
        try:
            yield session
        finally:
            session._on_add = before
            self.save(session)

    # -- history ------------------------------------------------------------------------------------------------------

    def fork(
        self, session_id: str, *, title: str | None = None, at: str | None = None, new_id: str | None = None
    ) -> Session:
        """Make a branch off a session (as it was `at` a revision); gives the new session, saved.

        Raises:
            SessionNotFound, InvalidSessionId, CorruptSession, NewerFormat: as `load`.
            RevisionNotFound, AmbiguousId: as `at`.
            InvalidSessionId: `new_id` is none, or differs from a taken one only in upper and lower case.
            SessionExists: `new_id` is taken.
            SaveFailed, StoreLocked: as `save`.
        """
        repository = self._existing(session_id)
        commit = lookup.resolve_revision(repository, session_id, at)
        forked = loading.load_commit(repository, session_id, commit, branch=session_id).fork(title or "")
        if new_id is not None:
            if repository.refs.read(branch_ref(new_id)) is not None:
                raise SessionExists.taken(new_id)
            forked.id = new_id
        self.save(forked)
        return forked

    def restore(self, session_id: str, revision: str) -> SaveResult:
        """Go back to a snapshot or a save (`revision` as in `at`) with a new commit; title, tags and metadata stay.

        Raises:
            SessionNotFound, InvalidSessionId, CorruptSession, NewerFormat: as `load`.
            RevisionNotFound, AmbiguousId: as `at`.
            SaveFailed, StoreLocked: as `save`.
        """
        repository = self._existing(session_id)
        commit = lookup.resolve_revision(repository, session_id, revision)
        with self._recorded(repository, "restore", session_id) as recorded:
            session = loading.load_session(repository, session_id)
            named = next((snapshot for snapshot in session.snapshots if snapshot.id == revision), None)
            if named is not None:
                session.restore_snapshot(named.id)
            else:
                undo.prepare_restore(repository, session, commit)
            result = self.save(session)
            recorded.saved(repository, result)
        return result

    def undo(self, session_id: str) -> SaveResult:
        """Go back to the save before, with a new commit.

        Raises:
            NothingToUndo: it is at its first save.
            SessionNotFound, InvalidSessionId, CorruptSession, NewerFormat: as `load`.
            SaveFailed, StoreLocked: as `save`.
        """
        return self._move("undo", session_id, undo.prepare_undo)

    def redo(self, session_id: str) -> SaveResult:
        """Take back the last undo, with a new commit.

        Raises:
            NothingToRedo: nothing was undone since its last save.
            SessionNotFound, InvalidSessionId, CorruptSession, NewerFormat: as `load`.
            SaveFailed, StoreLocked: as `save`.
        """
        return self._move("redo", session_id, undo.prepare_redo)

    def merge(self, session_id: str, other: str, *, unrelated: bool = False, dry_run: bool = False) -> MergeResult:
        """Take in what another session, or another life of this one, has since both were one; that one stays as it is.

        Both conversations are in it afterwards, one after the other, and what either took back stays taken back. The
        session keeps its id, and of a fork its title; of fields that both changed the last change counts. Every save of
        both stays in the history. Merging again what is in already changes nothing, also what was taken back since:
        `undo_operation` of the taking back brings that in again.

        Args:
            session_id: the session that takes it in.
            other: a session's id, the whole name of a ref (`refs/remotes/origin/work`), or a commit's id (40 digits).
            unrelated: also where the two have no save in common.
            dry_run: only tell.

        Raises:
            SessionNotFound: there is no such session, ref or commit, or it is none of a session.
            InvalidSessionId: no session can have such an id.
            UnrelatedSessions: they have no save in common; or entries that are not the same have one id.
            CorruptSession: something that has to be read is damaged.
            NewerFormat: a newer superqode wrote it.
            SaveFailed, StoreLocked: as `save`.
        """
        from superqode.session.store.joining import merge_into

        repository = self._existing(session_id)
        told = loading.load_meta(repository, session_id)
        real = loading.real_id(repository, session_id)
        durable = self._durable
        if not dry_run and told.id != real:
            # A branch that plain git made says whose it is before it takes something in, where that is not refused.
            with repository.writing(real, journalled=durable):
                merge_into(repository, real, other, durable=durable, unrelated=unrelated, recorded=None)
            self.save(loading.load_session(repository, real))
        telling = nullcontext() if dry_run else self._recorded(repository, "merge", real)
        with self._told(), telling as recorded, repository.writing(real, journalled=durable):
            result = merge_into(repository, real, other, durable=durable, unrelated=unrelated, recorded=recorded)
        self._after_save(repository, result)
        return result

    def _move(self, verb: str, session_id: str, prepare: Callable[[Repository, Session, str], None]) -> SaveResult:
        repository = self._existing(session_id)
        with self._recorded(repository, verb, session_id) as recorded:
            session = loading.load_session(repository, session_id)
            prepare(repository, session, session._saved.commit)
            result = self.save(session)
            recorded.saved(repository, result)
        return result

    # -- handing over -------------------------------------------------------------------------------------------------

    def hand_over(
        self, session_id: str, target: Target, *, run: Runner | None = None, dry_run: bool = False
    ) -> HandedOver:
        """Write a session into an agent's own folder, so that the agent goes on with it; the same again writes nothing.

        Args:
            session_id: the session.
            target: which agent, its folder, the project's (`store.handing_over.Target`).
            run: runs a command in the project, for agents that take sessions by one; raises where that fails.
            dry_run: only tell.

        Raises:
            SessionNotFound, InvalidSessionId, CorruptSession, NewerFormat: as `load`.
            HandoffError: it cannot go over, or the agent's files changed meanwhile.
        """
        from superqode.session.store.handing_over import hand_over

        return hand_over(self, session_id, target, run=run, dry_run=dry_run)

    # -- importing ----------------------------------------------------------------------------------------------------

    def import_sources(
        self,
        paths: Iterable[str | Path],
        *,
        dry_run: bool = False,
        progress: Progress | None = None,
        wanted: Callable[[str], bool] | None = None,
    ) -> ImportReport:
        """Import the transcripts among files and folders; gives an `ImportReport`. The same again changes nothing.

        Args:
            paths: files and folders.
            dry_run: only tell what would be done.
            progress: told after each file.
            wanted: says by a file's name whether to import it; the others are only there for those that need them.

        Raises:
            TranscriptError: one of the paths is not there; a file that cannot be used is reported.
        """
        from superqode.session.store.imports import import_sources

        with type(self)(self.path, durability="fast", user=self._user) as bulk:  # made durable once, at its close
            files = [Path(path) for path in paths]
            return import_sources(bulk, files, dry_run=dry_run, progress=progress, wanted=wanted)

    def rescue(
        self,
        places: Iterable[FoundPlace],
        *,
        dry_run: bool = False,
        only: Callable[[str], bool] | None = None,
        progress: Progress | None = None,
    ) -> RescueReport:
        """Import what agents wrote since the last time; gives a `RescueReport`. Nothing of theirs is changed.

        Args:
            places: where to look; each is asked for when the one before is done.
            dry_run: only tell what would be done.
            only: says by a file's path whether to look at it; the others are only there for those that need them.
            progress: told after each file that is imported.
        """
        from superqode.session.store import rescue

        return rescue.rescue(self, places, dry_run=dry_run, only=only, progress=progress)

    def reimport(
        self,
        session_ids: Iterable[str] | None = None,
        *,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> ImportReport:
        """Map the kept originals of sessions (all without `session_ids`) again; gives an `ImportReport`.

        Ids stay, people's own changes stay, and there is a new save only where something changed. A session without a
        kept original is reported as failed where it was named.

        Raises:
            SessionNotFound, InvalidSessionId, CorruptSession: one that was named is not there, cannot be, or be read.
        """
        from superqode.session.store.reimports import reimport

        with type(self)(self.path, durability="fast", user=self._user) as bulk:
            return reimport(bulk, session_ids, dry_run=dry_run, progress=progress)

    def import_old_store(self, *, progress: Progress | None = None) -> ImportReport:
        """Import the sessions that superqode 2.25 kept in this very folder; its files stay. Gives an `ImportReport`."""
        from superqode.session.store import old_store

        with type(self)(self.path, durability="fast", user=self._user) as bulk:
            return old_store.import_old_store(bulk, progress)

    def old_store_notice(self) -> str:
        """One line for people where sessions of superqode 2.25 wait to be imported, else empty."""
        from superqode.session.store.old_files import notice

        return notice(self.path)
