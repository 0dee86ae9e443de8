"""What a store can be asked: its sessions, their saves, and where something was said. Nothing here writes a session."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, get_args

from superqode.session.choices import check_word
from superqode.session.errors import CorruptObject, CorruptSession, SessionNotFound
from superqode.session.git.repository import Repository
from superqode.session.lazy import lazy_modules
from superqode.session.models.severity import Severity
from superqode.session.store.branches import branch_ref, is_session_branch
from superqode.session.store.handle import StoreHandle
from superqode.session.store.index.catalogue import Progress
from superqode.session.store.index.filters import Filter
from superqode.session.store.index.summaries import LABELS

if TYPE_CHECKING:
    from superqode.session.git import project
    from superqode.session.models import Entry, Session
    from superqode.session.store import history, loading, lookup, sources_refs
    from superqode.session.store.index import search
    from superqode.session.store.index.summaries import LabelKind
    from superqode.session.store.results import ListChanges, SaveRecord, SearchHit, SessionDiff, SessionSummary
    from superqode.session.store.sources import Original
    from superqode.session.store.stats import StoreStats, Unit
else:
    (project,) = lazy_modules("superqode.session.git", "project")
    (search,) = lazy_modules("superqode.session.store.index", "search")
    history, loading, lookup, sources_refs = lazy_modules(
        "superqode.session.store", "history", "loading", "lookup", "sources_refs"
    )

__all__ = ["StoreReads"]


class StoreReads(StoreHandle):
    """The verbs of `SessionStore` that read."""

    # -- loading ------------------------------------------------------------------------------------------------------

    def load(self, session_id: str, *, last: int | None = None) -> Session:
        """Load a session by its id.

        Args:
            session_id: the session.
            last: read only the last so many messages and tool executions now, at least one (`Session.ending` gives
                them): the end of an enormous session is there at once. It is a whole session all the same: it can be
                added to and saved, and whatever asks for an earlier entry, as `messages` does, reads the rest from
                where it was loaded.

        Raises:
            SessionNotFound: there is none, with ids that look alike.
            InvalidSessionId: no session can have such an id.
            CorruptSession: it is damaged; the others stay usable. With `last` also later, when the rest is read.
            NewerFormat: a newer superqode wrote something in it that this one does not know.
        """
        return loading.load_session(self._existing(session_id), session_id, last)

    def ending(self, session_id: str, number: int) -> list[Entry]:
        """Load only the last so many messages and tool executions, for a preview (0: none); raises as `load`."""
        return loading.load_ending(self._existing(session_id), session_id, number)

    def load_latest(self, project_path: str | Path | None = None, *, last: int | None = None) -> Session | None:
        """Load the session that changed last (in a project; `last` as in `load`); `None` where there is none.

        Raises:
            CorruptSession, NewerFormat: as `load`.
        """
        latest = self.list_sessions(project_path=project_path, limit=1)
        return self.load(latest[0].id, last=last) if latest else None

    def exists(self, session_id: str) -> bool:
        """Whether there is a session of this id.

        Raises:
            InvalidSessionId: no session can have such an id.
            CorruptSession: its branch cannot be read.
        """
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
        return lookup.match_id(repository, text, lambda: self.list_sessions(text=text, progress=progress))

    # -- finding ------------------------------------------------------------------------------------------------------

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
        beginning: str = "",
        finding: Severity | str | None = None,
        known: Mapping[str, SessionSummary] = MappingProxyType({}),
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
            beginning: only those whose id begins so.
            finding: only those of quality runs with a finding as bad as this, or worse.
            known: summaries of an earlier listing by id, which are given again where nothing changed: for asking often.
            progress: told while many changed sessions are read.

        Raises:
            ValueError: `finding` is no severity.
        """
        severity = None if finding is None else Severity(finding)
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
            beginning=beginning,
            finding=severity,
        )
        return self._index(repository).summaries(wanted, limit, progress, known=known)

    def generation(self) -> int:
        """A number that is another one whenever sessions changed, here or by others; for asking again and again.

        It costs a few file times while nothing changes, and means nothing beyond this store's being open.
        """
        repository = self._open()
        if repository is None:
            return 0
        return self._index(repository).generation()

    def list_changed(self, generation: int) -> ListChanges | None:
        """What changed since a listing; for keeping one of very many sessions up to date without making it anew.

        Args:
            generation: what `generation` gave before that listing was made, or the last `list_changed`.

        Returns:
            `None` where it cannot be told: another process wrote to the index, it is made anew, or it is too long ago.
        """
        repository = self._open()
        if repository is None:
            return None
        return self._index(repository).changes(generation)

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
        patience: float | None = None,
        progress: Progress | None = None,
    ) -> list[SearchHit]:
        """Search titles, tags, messages and tool text; any text is a valid query.

        All words must be there; `"quoted words"` are a phrase, `begin*` a beginning. Filters as `list_sessions`. The
        best hits are given; where more than a thousand fit, the best of the thousand that came last.

        Args:
            query: what to look for.
            project_path: as in `list_sessions`, and so are `tags`, `agent`, `since` and `until`.
            tags: see there.
            agent: see there.
            since: see there.
            until: see there.
            limit: at most so many.
            patience: how many seconds to read what is not in the index yet, the newest sessions first; then the answer
                is from what is, and `unread` says how many sessions are missing. Without one, until all is.
            progress: told while words are read, which happens once. Cut short, it goes on there the next time.
        """
        repository = self._open()
        if repository is None:
            return []
        in_project = self._project(repository, project_path, progress)
        wanted = Filter(**in_project, tags=tags, agent=agent, since=since, until=until)
        return search.search(repository, self._index(repository), query, wanted, limit, progress, patience)

    def unread(self) -> int:
        """How many sessions a search with little patience does not know the words of yet."""
        repository = self._open()
        return 0 if repository is None else self._index(repository).unread()

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

        Raises:
            ValueError: `unit` is another word.
        """
        from superqode.session.store.stats import StoreStats, Unit, stats

        if unit is not None:
            check_word(unit, "unit", get_args(Unit))
        repository = self._open()
        if repository is None:
            return StoreStats(unit=unit or "day")
        wanted = Filter(
            **self._project(repository, project_path, progress), tags=tags, agent=agent, since=since, until=until
        )
        return stats(repository, self._index(repository), wanted, unit=unit, biggest=biggest, progress=progress)

    def project_folders(self) -> list[str]:
        """Every project path that sessions name, sorted; many are of other machines, or gone."""
        return sorted(path for path, _ in self.labels("project"))

    def labels(self, kind: LabelKind) -> list[tuple[str, int]]:
        """Every `project`, `tag` or `agent` that sessions have, and how many have it, the most frequent first.

        Raises:
            ValueError: `kind` is another word.
        """
        check_word(kind, "kind of label", LABELS)
        repository = self._open()
        return [] if repository is None else self._index(repository).labels(kind)

    def _project(
        self, repository: Repository, project_path: str | Path | None, progress: Progress | None
    ) -> dict[str, Any]:
        """What a project's folder means for `Filter`: what is there now, else what was there when it was noted."""
        if project_path is None:
            return {}
        path = str(project_path)
        identity = project.read_project(path) or self._index(repository).project_at(path, progress)
        return {"project_path": path, "project": identity}

    # -- history ------------------------------------------------------------------------------------------------------

    def history(
        self,
        session_id: str,
        limit: int | None = None,
        *,
        damaged: Callable[[CorruptSession], None] | None = None,
    ) -> list[SaveRecord]:
        """Give a session's saves, newest first.

        Args:
            session_id: the session.
            limit: so many at most.
            damaged: told of damage on the way, and the saves that can be read are given; without it that is raised, as
                is damage of the newest save, from which all others are found.

        Raises:
            SessionNotFound, InvalidSessionId, CorruptSession: as `load`.
        """
        return history.history(self._existing(session_id), session_id, limit, damaged)

    def at(self, session_id: str, revision: str | None) -> Session:
        """Load a session as it was: `revision` is a snapshot's id, `~2`, or a commit. Saving it makes no change there.

        Raises:
            RevisionNotFound: it is none of this session's.
            AmbiguousId: several saves begin like that.
            SessionNotFound, InvalidSessionId, CorruptSession, NewerFormat: as `load`.
        """
        repository = self._existing(session_id)
        commit = lookup.resolve_revision(repository, session_id, revision)
        return loading.load_commit(repository, session_id, commit, branch=None)

    def diff(self, a: str, b: str | None = None, *, a_rev: str | None = None, b_rev: str | None = None) -> SessionDiff:
        """Give what turns session `a` (at `a_rev`) into `b` (at `b_rev`); `b` is `a` without one.

        Raises:
            RevisionNotFound, AmbiguousId: as `at`.
            SessionNotFound, InvalidSessionId, CorruptSession, NewerFormat: as `load`.
        """
        repository = self._existing(a)
        other = b if b is not None else a
        left = lookup.resolve_revision(repository, a, a_rev)
        return history.diff_commits(repository, (a, left), (other, lookup.resolve_revision(repository, other, b_rev)))

    def original(self, session_id: str) -> Original | None:
        """The kept original of an imported session: its files as they were; `None` where none was ever kept.

        Raises:
            SessionNotFound, InvalidSessionId: there is no such session, or cannot be.
            CorruptSession: it is damaged, and the session itself need not be.
        """
        repository = self._existing(session_id)
        loading.tip_of(repository, session_id)
        return sources_refs.open_original(repository, session_id)
