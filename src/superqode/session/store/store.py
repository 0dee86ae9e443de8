"""`SessionStore`: the facade over everything a store can do. Each method is one call to the module that knows how."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from superqode.session import clock
from superqode.session.errors import CorruptObject, CorruptSession, SessionNotFound, StoreNotFound
from superqode.session.git.project import read_project
from superqode.session.git.repository import Repository
from superqode.session.models import Entry, Session
from superqode.session.models.findings import Severity
from superqode.session.store import history, lookup, maintenance, sources_refs, trash, undo
from superqode.session.store.branches import branch_ref, is_session_branch, not_found
from superqode.session.store.handle import DEFAULT_STORE, StoreHandle
from superqode.session.store.hooks import install_hooks
from superqode.session.store.index.catalogue import Filter, Progress
from superqode.session.store.index.search import search
from superqode.session.store.loading import load_commit, load_ending, load_session, tip_of
from superqode.session.store.renaming import rename
from superqode.session.store.results import (
    MaintenanceReport,
    PurgeResult,
    RepairReport,
    SaveRecord,
    SaveResult,
    ScrubResult,
    SearchHit,
    SecretPlace,
    SessionDiff,
    SessionSummary,
    TrashItem,
    VerifyReport,
)
from superqode.session.store.saving import Saver
from superqode.session.store.verify import Depth, Level, verify

if TYPE_CHECKING:
    from superqode.session.agents import FoundPlace
    from superqode.session.store.handing_over import HandedOver, Runner, Target
    from superqode.session.store.imports import ImportReport
    from superqode.session.store.rescue import RescueReport
    from superqode.session.store.sources import Original
    from superqode.session.store.stats import StoreStats, Unit

__all__ = ["DEFAULT_STORE", "SessionStore"]


class SessionStore(StoreHandle):
    """Sessions in a bare Git repository: each a branch, each save a commit.

    Safe to use from several threads and processes. Use it as a context manager, or call `close`.

    Args:
        storage_dir: the store's folder; `~/.superqode/sessions` without one.
        durability: `"full"`: a save is on the disk before it is acknowledged; `"fast"`: for bulk loads, at `close`.
        user: name and address of the committer; Git's configuration, or login name and host, without them.
        create: make the store with the first save; without it, a folder that is no store is an error at once.

    Raises:
        StoreNotFound: `create=False`, and there is none.
    """

    # -- saving and loading ---------------------------------------------------------------------------------------

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
            SessionDeleted: it was deleted while it was open here.
            NewerFormat: it was written by a newer superqode.
            SaveFailed: the disk said no; `outcome` says whether it is saved.
            StoreLocked: other processes held it all the time.
        """
        branch_ref(session.id)
        repository = self._made()
        result = Saver(repository, durable=self._durable).save(session, replace=replace)
        self._after_save(repository, result)
        return result

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

    def load(self, session_id: str) -> Session:
        """Load a session by its id.

        Raises:
            SessionNotFound: there is none, with ids that look alike.
            CorruptSession: it is damaged; the others stay usable.
        """
        return load_session(self._existing(session_id), session_id)

    def ending(self, session_id: str, number: int) -> list[Entry]:
        """Load only the last so many messages and tool executions, for a preview; raises as `load`."""
        return load_ending(self._existing(session_id), session_id, number)

    def load_latest(self, project_path: str | Path | None = None) -> Session | None:
        """Load the session that changed last (in a project); `None` where there is none."""
        latest = self.list_sessions(project_path=project_path, limit=1)
        return self.load(latest[0].id) if latest else None

    def exists(self, session_id: str) -> bool:
        """Whether there is a session of this id."""
        ref = branch_ref(session_id)
        repository = self._open()
        try:
            return repository is not None and repository.refs.read(ref) is not None
        except CorruptObject as problem:
            raise CorruptSession(session_id, problem.reason) from problem

    def resolve(self, text: str, *, progress: Progress | None = None) -> str:
        """The id that a text names: an id, the beginning of exactly one, the whole title of exactly one, or `@latest`.

        Args:
            text: what was typed.
            progress: told while many changed sessions are read, as a title and `@latest` may need.

        Raises:
            SessionNotFound, AmbiguousId.
        """
        repository = self._open()
        if repository is None:
            raise SessionNotFound(text)
        if text == "@latest":
            latest = self.list_sessions(limit=1, progress=progress)
            if not latest:
                raise SessionNotFound(text, hint=" There are no sessions yet")
            return latest[0].id
        if is_session_branch(text) and self.exists(text):
            return text
        try:
            return lookup.match_id(repository, text)
        except SessionNotFound as missing:
            titled = self.list_sessions(text=text, progress=progress) if text else []
            return lookup.match_title(text, titled, missing)

    # -- finding --------------------------------------------------------------------------------------------------

    def list_sessions(
        self,
        project_path: str | Path | None = None,
        tags: Iterable[str] | None = None,
        agent: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        parent: str | None = None,
        text: str | None = None,
        limit: int | None = None,
        *,
        finding: Severity | str | None = None,
        progress: Progress | None = None,
    ) -> list[SessionSummary]:
        """List sessions, newest first; right also after plain git changed branches behind our back.

        Args:
            project_path: only those of this project: of this folder, and of any folder that is or was the same place
                in a clone of the same repository.
            tags: only those with all of these tags.
            agent: only those this agent took part in.
            since: only those changed at or after this time.
            until: only those changed at or before this time.
            parent: only forks of this session.
            text: only those with this text in title or tags, whatever the case.
            limit: at most so many.
            finding: only those of quality runs with a finding as bad as this, or worse.
            progress: told while many changed sessions are read.
        """
        repository = self._open()
        if repository is None:
            return []
        wanted = Filter(
            **self._project(repository, project_path, progress),
            tags=tags,
            agent=agent,
            since=since,
            until=until,
            parent=parent,
            text=text,
            finding=None if finding is None else Severity(finding),
        )
        return self._index(repository).summaries(wanted, limit, progress)

    def generation(self) -> int:
        """A number that is another one whenever sessions changed, here or by others; for asking again and again.

        It costs a few file times while nothing changes, and means nothing beyond this store's being open.
        """
        repository = self._open()
        if repository is None:
            return 0
        index = self._index(repository)
        index.refresh()
        return index.generation

    def search(
        self,
        query: str,
        *,
        project_path: str | Path | None = None,
        tags: Iterable[str] | None = None,
        agent: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 20,
        progress: Progress | None = None,
    ) -> list[SearchHit]:
        """Search titles, tags, messages and tool text; any text is a valid query.

        All words must be there; `"quoted words"` are a phrase, `begin*` a beginning. Filters as `list_sessions`.
        """
        repository = self._open()
        if repository is None:
            return []
        project = self._project(repository, project_path, progress)
        wanted = Filter(**project, tags=tags, agent=agent, since=since, until=until)
        return search(repository, self._index(repository), query, wanted, limit, progress)

    def stats(
        self,
        *,
        project_path: str | Path | None = None,
        tags: Iterable[str] | None = None,
        agent: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        unit: Unit | None = None,
        biggest: int = 10,
        progress: Progress | None = None,
    ) -> StoreStats:
        """Count what is in the store: by period, agent, project, tool and tag; tokens and cost; the disk.

        Args:
            project_path: only sessions of this project.
            tags: only those with all of these tags.
            agent: only those this agent took part in.
            since: only those changed since then, and of them only entries since then.
            until: likewise, up to then.
            unit: what a period is: `day`, `week` or `month`; without one, what suits the time they span.
            biggest: how many of the biggest sessions to name.
            progress: told while the index is made, which happens once.
        """
        from superqode.session.store.stats import StoreStats, stats

        repository = self._open()
        if repository is None:
            return StoreStats(unit=unit or "day")
        wanted = Filter(
            **self._project(repository, project_path, progress), tags=tags, agent=agent, since=since, until=until
        )
        return stats(repository, self._index(repository), wanted, unit=unit, biggest=biggest, progress=progress)

    def _project(
        self, repository: Repository, project_path: str | Path | None, progress: Progress | None
    ) -> dict[str, Any]:
        """What a project's folder means for `Filter`: what is there now, else what was there when it was noted."""
        if project_path is None:
            return {}
        path = str(project_path)
        identity = read_project(path) or self._index(repository).project_at(path, progress)
        return {"project_path": path, "project": identity}

    # -- history --------------------------------------------------------------------------------------------------

    def history(self, session_id: str, limit: int | None = None) -> list[SaveRecord]:
        """Give a session's saves, newest first."""
        return history.history(self._existing(session_id), session_id, limit)

    def at(self, session_id: str, revision: str | None) -> Session:
        """Load a session as it was: `revision` is a snapshot's id, `~2`, or a commit. Saving it makes no change there.

        Raises:
            RevisionNotFound: it is none of this session's.
        """
        repository = self._existing(session_id)
        commit = lookup.resolve_revision(repository, session_id, revision)
        return load_commit(repository, session_id, commit, branch=None)

    def diff(self, a: str, b: str | None = None, *, a_rev: str | None = None, b_rev: str | None = None) -> SessionDiff:
        """Give what turns session `a` (at `a_rev`) into `b` (at `b_rev`); `b` is `a` without one."""
        repository = self._existing(a)
        other = b if b is not None else a
        left = lookup.resolve_revision(repository, a, a_rev)
        return history.diff_commits(repository, (a, left), (other, lookup.resolve_revision(repository, other, b_rev)))

    def fork(
        self, session_id: str, *, title: str | None = None, at: str | None = None, new_id: str | None = None
    ) -> Session:
        """Make a branch off a session (as it was `at` a revision); gives the new session, saved.

        Raises:
            SessionExists: `new_id` is taken.
        """
        repository = self._existing(session_id)
        commit = lookup.resolve_revision(repository, session_id, at)
        forked = load_commit(repository, session_id, commit, branch=session_id).fork(title or "")
        if new_id is not None:
            forked.id = new_id
        self.save(forked)
        return forked

    def restore(self, session_id: str, revision: str) -> SaveResult:
        """Go back to a snapshot or a save (`revision` as in `at`) with a new commit; title, tags and metadata stay."""
        repository = self._existing(session_id)
        commit = lookup.resolve_revision(repository, session_id, revision)
        session = load_session(repository, session_id)
        named = next((snapshot for snapshot in session.snapshots if snapshot.id == revision), None)
        if named is not None:
            session.restore_snapshot(named.id)
        else:
            undo.prepare_restore(repository, session, commit)
        return self.save(session)

    def undo(self, session_id: str) -> SaveResult:
        """Go back to the save before, with a new commit; raises NothingToUndo at the first."""
        return self._move(session_id, undo.prepare_undo)

    def redo(self, session_id: str) -> SaveResult:
        """Take back the last undo, with a new commit; raises NothingToRedo where nothing was undone since."""
        return self._move(session_id, undo.prepare_redo)

    def _move(self, session_id: str, prepare: Callable[[Repository, Session, str], None]) -> SaveResult:
        repository = self._existing(session_id)
        session = load_session(repository, session_id)
        prepare(repository, session, session._saved.commit)
        return self.save(session)

    # -- moving and removing --------------------------------------------------------------------------------------

    def rename(self, session_id: str, new_id: str) -> None:
        """Give a session another id; snapshots, trash and children follow.

        Raises:
            SessionNotFound, SessionExists, InvalidSessionId.
        """
        repository = self._existing(session_id)
        children = [child.id for child in self.list_sessions(parent=session_id)]
        with self._told():
            rename(repository, self._index(repository), Saver(repository, durable=self._durable), session_id, new_id)
        for child in children:
            forked = self.load(child)
            forked.parent_session_id = new_id
            self.save(forked)

    def delete(self, session_id: str) -> bool:
        """Move a session into the trash; says whether there was one."""
        repository = self._open()
        if repository is None or not self.exists(session_id):
            return False
        with self._told(), repository.writing(session_id):
            deleted = trash.move_to_trash(repository, session_id)
        self._index(repository).forget(session_id)
        return deleted

    def trash(self) -> list[TrashItem]:
        """List deleted sessions, newest first; those that plain git deleted are in it."""
        repository = self._open()
        if repository is None:
            return []
        self._index(repository).refresh()
        return trash.list_trash(repository)

    def undelete(self, name: str, *, new_id: str | None = None) -> str:
        """Bring a session back from the trash (`name`: its id, or a trash item's key); gives its id.

        Raises:
            SessionNotFound: the trash has no such session.
            SessionExists: its id was taken meanwhile; give another with `new_id`.
        """
        repository = self._open()
        if repository is None:
            raise StoreNotFound(self.path)
        self._index(repository).refresh()
        item = trash.find_item(repository, name)
        chosen = new_id or item.session_id
        with self._told(), repository.writing(item.session_id, chosen):
            trash.take_out(repository, item, chosen)
            sources_refs.follow_to(repository, item.session_id, chosen)
        with self._told():
            sources_refs.forget_original(repository, item.session_id)
        return chosen

    def purge(self, name: str | None = None, *, older_than: timedelta | None = None, now: bool = False) -> PurgeResult:
        """Forget deleted sessions for ever: one item, or all (older than an age).

        Args:
            name: a deleted session's id or a trash item's key; without one, the whole trash.
            older_than: only items deleted longer ago.
            now: free the bytes at once, while no save runs; else `maintain` does when they are old enough.

        Raises:
            SessionNotFound: the trash has no such session.
        """
        repository = self._open()
        if repository is None:
            return PurgeResult(())
        index = self._index(repository)
        index.refresh()
        items = [trash.find_item(repository, name)] if name is not None else trash.list_trash(repository)
        if older_than is not None:
            limit = clock.now() - older_than
            items = [item for item in items if item.deleted_at < limit]
        for item in items:
            with self._told(), repository.writing(item.session_id):
                trash.throw_away(repository, item)
                there = repository.refs.read(branch_ref(item.session_id)) is not None
            with self._told():
                sources_refs.forget_purged(repository, item)
            if not there:  # not under the session's lock, which a listing that rescues takes while it holds the index
                index.forget(item.session_id)
        if items:
            from superqode.session.store import secrets as scrubbing

            index.discard()  # the words of what was purged go with it
            scrubbing.forget_verdicts(repository)
        return PurgeResult(tuple(item.key for item in items), maintenance.free_now(repository) if now else 0)

    def cleanup_old_sessions(self, days: float = 30, *, dry_run: bool = False) -> list[SessionSummary]:
        """Move sessions into the trash that did not change for so many days; gives them. Never done by itself."""
        if days < 0:
            raise ValueError("days must not be negative: every session would go into the trash")
        try:
            limit = clock.now() - timedelta(days=days)
        except OverflowError:
            return []  # nothing is that old
        # What cannot be read has no age.
        old = [summary for summary in self.list_sessions(until=limit) if not summary.problem]
        if not dry_run:
            for summary in old:
                self.delete(summary.id)
        return old

    # -- care -----------------------------------------------------------------------------------------------------

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
            level: `quick` (last saves), `structure` (all commits and trees, files have to be there) or `data` (all).
            part: of `data` the n-th of so many parts, to read an enormous store a part a day.
            progress: told how many sessions were looked at.

        Raises:
            SessionNotFound: one of them is not there.
            ValueError: such a part is none.
        """
        depth = Depth(level, part)
        repository = self._open()
        if repository is None:
            return VerifyReport(0, 0, 0)
        wanted = list(session_ids) if session_ids is not None else None
        for session_id in wanted or ():
            if repository.refs.names(branch_ref(session_id) + "/") or not self.exists(session_id):
                raise not_found(repository, session_id)
        # A repository opened anew: what this one remembers would hide damage on the disk.
        return verify(Repository(repository.path), wanted, progress, depth)

    def repair(
        self, places: Iterable[str | Path] = (), *, dry_run: bool = False, progress: Progress | None = None
    ) -> RepairReport:
        """Make whole what is damaged, from packs, the journal, and the places named; destroys nothing.

        What no whole copy is found of stays as it is, and what can be read of its session becomes another one.

        Args:
            places: other stores' folders, and backups.
            dry_run: only tell.
            progress: told how many sessions were looked at.

        Raises:
            BackupError: a place is neither a store nor a backup.
            GitMissing: a backup cannot be looked into without git.
        """
        from superqode.session.store.repair import repair

        repository = self._open()
        if repository is None:
            return RepairReport(dry_run=dry_run)
        # A repository opened anew: what this one remembers would hide damage on the disk.
        fresh = Repository(repository.path, user=self._user)
        with self._told():
            return repair(fresh, [Path(place) for place in places], dry_run=dry_run, progress=progress)

    def maintain(
        self, *, prune_older_than: timedelta | None = maintenance.GRACE, progress: Progress | None = None
    ) -> MaintenanceReport:
        """Pack refs and objects, sweep leftovers, prune what nothing reaches and is older than an age."""
        repository = self._open()
        if repository is None:
            return MaintenanceReport()
        return maintenance.maintain(repository, prune_older_than=prune_older_than, progress=progress)

    def backup(self, path: str | Path, *, progress: Progress | None = None) -> Path:
        """Write everything into one verified file, a Git bundle; gives its path.

        Raises:
            BackupError: it is there already, or cannot be written.
        """
        from superqode.session.store import backup

        repository = self._open()
        if repository is None:
            raise StoreNotFound(self.path)
        return backup.backup(repository, Path(path), progress)

    @classmethod
    def restore_backup(cls, path: str | Path, storage_dir: str | Path) -> SessionStore:
        """Make a store out of a backup in a new folder: sessions, snapshots, trash, ledger, settings, mode.

        Raises:
            BackupError: the file is no backup, or damaged, or the folder is in use.
        """
        from superqode.session.store import backup

        backup.restore(Path(path), Path(storage_dir))
        install_hooks(Path(storage_dir))
        return cls(storage_dir)

    # -- secrets --------------------------------------------------------------------------------------------------

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
            SessionNotFound, CorruptSession: as loading one.
        """
        from superqode.session.store import secrets as scrubbing

        repository = self._open()
        if repository is None:
            return []
        with self._told():
            return scrubbing.scan(repository, session_ids, progress, damaged)

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
            SessionNotFound, CorruptSession: as loading it.
            InvalidSession: nothing was named, or a text so short that it would be found everywhere.
            GitMissing: only `git` can free the old bytes; nothing was changed then.
        """
        from superqode.session.store import secrets as scrubbing

        repository = self._existing(session_id)
        wanted = scrubbing.Wanted(tuple(secrets), tuple(rules))
        with self._told():
            result = scrubbing.scrub(repository, session_id, wanted, dry_run=dry_run, progress=progress)
        if not dry_run:
            self._index(repository).discard()  # its words are in there, too
        return result

    # -- handing over ---------------------------------------------------------------------------------------------

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
            SessionNotFound, CorruptSession: as loading it.
            HandoffError: it cannot go over, or the agent's files changed meanwhile.
        """
        from superqode.session.store.handing_over import hand_over

        return hand_over(self, session_id, target, run=run, dry_run=dry_run)

    # -- importing ------------------------------------------------------------------------------------------------

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

    def project_folders(self) -> list[str]:
        """Every project path that sessions name, sorted; many are of other machines, or gone."""
        repository = self._open()
        return [] if repository is None else self._index(repository).project_folders()

    def original(self, session_id: str) -> Original | None:
        """The kept original of an imported session: its files as they were; `None` where none was ever kept.

        Raises:
            SessionNotFound: there is no such session.
            CorruptSession: it is damaged; the session itself is not.
        """
        repository = self._existing(session_id)
        tip_of(repository, session_id)
        return sources_refs.open_original(repository, session_id)

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
            SessionNotFound: one that was named is not there.
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
