"""`save`: what changed in memory becomes commits, and the branch moves by compare-and-swap.

    entries → blobs → trees → commits → journal → ref → tags → acknowledged

Anything can stop between two arrows without harm: what is not referenced yet is only left over.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from superqode.session import clock, ids
from superqode.session.codec import layout, message
from superqode.session.codec.meta import Meta, encode_meta
from superqode.session.errors import (
    CorruptObject,
    CorruptSession,
    Outcome,
    RefConflict,
    SaveFailed,
    SessionDeleted,
    SessionExists,
    StoreLocked,
)
from superqode.session.git.gathering import Kept
from superqode.session.git.journal_record import RefMove
from superqode.session.git.journalled import moving
from superqode.session.git.object_codec import BLOB, TREE, Ident, TreeEntry
from superqode.session.git.project import NOTE
from superqode.session.git.repository import JOURNAL_MOST, Repository
from superqode.session.models import Entry, Message, Session, Snapshot, Step, thaw
from superqode.session.store import snapshots
from superqode.session.store.branches import branch_ref, check_new_id, parent_of
from superqode.session.store.drafts import MOVES, Draft, Line, drafts
from superqode.session.store.lines import just_after
from superqode.session.store.noting import note_project
from superqode.session.store.rebase import drop_done_steps, rebase
from superqode.session.store.results import SaveResult
from superqode.session.store.speakers import author_of, speaker
from superqode.session.store.state import Saved, Tree, read_entries, read_tree, times
from superqode.session.store.timeline_tree import write_timeline

__all__ = ["Saver"]

# How often a save tries again: plain git can take the branch between our reading and writing.
_ATTEMPTS: Final = 20
# A change and its save this close together are one moment; only an import's differ.
_ONE_MOMENT: Final = timedelta(seconds=1)


@dataclass(slots=True)
class _Made:
    commits: list[str] = field(default_factory=list)
    subject: str = ""
    tags: list[tuple[Snapshot, str]] = field(default_factory=list)


class Saver:
    """Saves sessions into one repository.

    Args:
        repository: the store.
        durable: whether a save is flushed to disk before it is acknowledged.
    """

    def __init__(self, repository: Repository, *, durable: bool) -> None:
        self._repository = repository
        self._objects = repository.objects
        self._durable = durable

    def save(self, session: Session, *, replace: bool = False) -> SaveResult:
        """Save a session; see `SessionStore.save`."""
        session._order()
        if any(step.kind == "snapshot" for step in session._steps):
            ids.validate_session_id(session.id)  # a branch that plain git named can be saved, but not tagged
        if self._known(session) is None:
            _carry_snapshots(session)
        try:
            with self._repository.writing(session.id, journalled=self._durable):
                return self._save(session, replace=replace)
        except CorruptObject as problem:
            raise CorruptSession(session.id, str(problem)) from problem
        except OSError as problem:
            if isinstance(problem, SaveFailed | StoreLocked):
                raise
            raise SaveFailed(session.id, "not saved", _plainly(problem)) from problem

    def save_locked(self, session: Session, *, subject: str) -> SaveResult:
        """Save under a new name with a subject of its own; the caller holds the locks. Raises as `save`."""
        return self._save(session, replace=False, subject=subject)

    def commit_next(self, session: Session, draft: Draft, line: Line) -> Line:
        """Write the commit of a state on top of another; no ref moves, and the session remembers it as its last save.

        Args:
            session: the session, of which only the fields and not the entries are looked at.
            draft: the state.
            line: what it goes on top of.

        Raises:
            InvalidSession: something in it cannot be stored.
            OSError: the disk said no.
        """
        line = self._commit(session, draft, line, _Made())
        self._remember(session, line)
        return line

    def _save(self, session: Session, *, replace: bool, subject: str = "") -> SaveResult:
        ref = branch_ref(session.id)
        merged = 0
        conflict: RefConflict | None = None
        for _ in range(_ATTEMPTS):
            tip = self._repository.refs.read(ref)
            line, taken = self._line(session, tip, replace=replace)
            merged += taken
            try:
                with self._objects.keeping(JOURNAL_MOST if self._durable else 0) as kept:
                    with self._objects.packing() if line.is_much else self._objects.gathering():
                        made, last = self._write(session, line, subject)
                    # A save on top of the last one needs no reflog: its parent says where the branch was.
                    reason = made.subject or "save" if tip is None else ""
                    kept.on = () if line.commit is None else (line.commit,)
                    self.move_branch(session.id, last.commit, tip, kept, reason)
            except RefConflict as problem:
                conflict = problem
                continue
            self._publish_tags(session, made, line)
            return self._acknowledge(session, line, made, last, merged)
        raise SaveFailed(session.id, "not saved", f"other writers were faster {_ATTEMPTS} times") from conflict

    # -- where it goes --------------------------------------------------------------------------------------------

    def _line(self, session: Session, tip: str | None, *, replace: bool) -> tuple[Line, int]:
        """What the new commits go on top of, and how many entries of other writers were taken in on the way."""
        saved = self._known(session)
        order = session._order()
        if saved is None or saved.branch != session.id:
            if tip is None:
                check_new_id(self._repository, session.id)
                note_project(session)
                drop_done_steps(self._repository, session, session.id, complete=False)
                # What it was forked off may have been purged meanwhile: then all of it is written.
                there = saved is not None and self._objects.has(saved.commit)
                return (self._from(saved, session) if saved and there else Line(None, None, order, 0, 0)), 0
            return self._onto_existing(session, tip, replace=replace), 0
        if tip is None:
            raise SessionDeleted(session.id)
        taken = 0
        if tip != saved.commit:
            saved, taken = rebase(self._repository, session, saved, tip)
        elif session._steps:  # a tag needs no save, so somebody may have made one all the same
            drop_done_steps(self._repository, session, saved.tree.meta.id, complete=False)
        return self._from(saved, session), taken

    def _known(self, session: Session) -> Saved | None:
        saved = session._saved
        return saved if isinstance(saved, Saved) and saved.store == str(self._repository.path) else None

    def _from(self, saved: Saved, session: Session) -> Line:
        if saved.tree.newer:
            raise saved.tree.newer_format(saved.branch or session.parent_session_id or session.id)
        timeline = session._timeline
        return Line(
            saved.commit,
            saved.tree,
            timeline.entries,
            timeline.untouched,
            saved.entries,
            saved.messages,
            saved.saved_at,
            saved.updated_at,
        )

    def _onto_existing(self, session: Session, tip: str, *, replace: bool) -> Line:
        """A session made anew over one that is there: the same content is fine, other content needs a word."""
        commit = self._objects.commit(tip)
        tree = read_tree(self._objects, commit, session.id)
        stored, order = read_entries(self._objects, tree, session.id), session.timeline
        # What was noted of the project is the store's, not the caller's.
        if NOTE in tree.meta.metadata and NOTE not in session.metadata:
            session.metadata = {**session.metadata, NOTE: thaw(tree.meta.metadata[NOTE])}
        # A branch that plain git named still says its old id; loaded, it says the new one.
        parent = parent_of(self._repository, session.id, tree.meta.id, tree.meta.parent_session_id)
        told = tree.meta.model_copy(update={"id": session.id, "parent_session_id": parent})
        if not replace and (stored != order or told != Meta.of(session)):
            raise SessionExists(session.id)
        pairs = enumerate(zip(stored, order, strict=False))
        same = next((number for number, (there, here) in pairs if there != here), min(len(stored), len(order)))
        saved_at, updated_at = times(commit)
        spoken = sum(1 for entry in stored if isinstance(entry, Message))
        saved = Saved(str(self._repository.path), session.id, tip, tree, len(stored), spoken, saved_at, updated_at)
        session._timeline.untouched = same
        drop_done_steps(self._repository, session, tree.meta.id, complete=same == len(stored) == len(order))
        return self._from(saved, session)

    # -- what is written ------------------------------------------------------------------------------------------

    def _write(self, session: Session, line: Line, subject: str) -> tuple[_Made, Line]:
        made = _Made()
        for draft in drafts(session, line, subject):
            line = self._commit(session, draft, line, made)
        return made, line

    def _commit(self, session: Session, draft: Draft, line: Line, made: _Made) -> Line:
        keep = line.shared(draft.entries)
        tree = self._tree(draft, line, keep)
        unchanged = line.tree is not None and tree.oid == line.tree.oid
        commit, saved_at, updated_at = line.commit, line.saved_at, line.updated_at
        if commit is None or not unchanged:
            commit, saved_at, updated_at = self._write_commit(session, draft, line, keep, tree, made)
        if draft.kind == "snapshot" and draft.snapshot is not None:
            made.tags.append((draft.snapshot, commit))
            draft.snapshot.commit = commit
        count = len(draft.entries)
        return Line(commit, tree, draft.entries, count, count, draft.messages, saved_at, updated_at)

    def _tree(self, draft: Draft, line: Line, keep: int) -> Tree:
        objects = self._objects
        old = line.tree
        timeline = old.timeline if old is not None else None
        if keep != line.count or keep != len(draft.entries):
            timeline = write_timeline(objects, timeline, keep, draft.entries[keep:])
        format_oid = old.format_oid if old is not None else objects.write("blob", layout.format_bytes())
        if old is not None and (old.meta is draft.meta or old.meta == draft.meta):
            meta_oid = old.meta_oid
        else:
            meta_oid = objects.write("blob", encode_meta(draft.meta))
        root = [TreeEntry(BLOB, layout.FORMAT_FILE, format_oid), TreeEntry(BLOB, layout.META_FILE, meta_oid)]
        if timeline is not None:
            root.append(TreeEntry(TREE, layout.TIMELINE, timeline))
        oid = objects.write_tree(root)
        return Tree(
            oid,
            format_oid,
            meta_oid,
            timeline,
            draft.meta,
            newer=False,
            format_text=str(layout.FORMAT_NUMBER),
        )

    def _write_commit(
        self, session: Session, draft: Draft, line: Line, keep: int, tree: Tree, made: _Made
    ) -> tuple[str, datetime, datetime]:
        saved_at = clock.now()
        if line.saved_at is not None:  # a clock that goes backwards does not turn history round
            saved_at = max(saved_at, just_after(line.saved_at))
        added = draft.entries[keep:]
        updated_at = self._updated_at(session, draft, saved_at, added)
        grown = len(draft.entries) - line.count
        spoken = draft.messages - line.messages
        story = message.Story(
            subject=draft.subject or message.save_subject(added, changed=grown != 0 or keep != line.count),
            session_id=session.id,
            saved_at=saved_at,
            updated_at=None if updated_at == saved_at else updated_at,
            messages=(draft.messages, spoken),
            executions=(len(draft.entries) - draft.messages, grown - spoken),
            agent=speaker(added),
            # Asked for only now: a snapshot of this very save has its commit since a moment ago.
            restores=draft.snapshot.commit if draft.snapshot is not None and draft.kind in MOVES else "",
            action=draft.kind,
        )
        user = self._repository.user()
        author = author_of(added if draft.kind in ("save", "snapshot") else (), updated_at, user)
        committer = Ident(*user, max(0, int(saved_at.timestamp())))
        parents = () if line.commit is None else (line.commit,)
        commit = self._objects.write_commit(tree.oid, parents, author, committer, message.compose(story))
        made.commits.append(commit)
        made.subject = story.subject
        return commit, saved_at, updated_at

    def _updated_at(self, session: Session, draft: Draft, saved_at: datetime, added: Sequence[Entry]) -> datetime:
        saved = self._known(session)
        # What was added tells its time, which in an import may be that of the save before.
        untold = not added and saved is not None and draft.updated_at <= saved.updated_at
        near = abs(saved_at - draft.updated_at) < _ONE_MOMENT
        return saved_at if draft.kind in MOVES or untold or near else draft.updated_at

    # -- making it so ---------------------------------------------------------------------------------------------

    def move_branch(self, session_id: str, target: str | None, tip: str | None, kept: Kept, reason: str) -> None:
        """Move a session's branch from `tip` to a commit, under its lock; raises RefConflict, SaveFailed."""
        repository, ref = self._repository, branch_ref(session_id)
        if target is not None and target != tip:  # without a commit where the branch alone is missing
            moves = [RefMove(ref, tip or "", target)]
            try:
                with moving(repository, session_id, moves, kept) if self._durable else nullcontext(False) as journalled:
                    ident = repository.committer()
                    repository.refs.update(ref, target, tip, ident=ident, reason=reason, journalled=journalled)
            except (RefConflict, StoreLocked, SaveFailed):
                raise
            except OSError as problem:
                outcome = self._outcome(ref, target)
                if outcome == "unknown":
                    repository.unsure.add(ref)
                raise SaveFailed(session_id, outcome, _plainly(problem)) from problem
        elif ref in repository.unsure:
            repository.flush([str(repository.path / ref)])
        repository.unsure.discard(ref)

    def _outcome(self, ref: str, target: str) -> Outcome:
        """What became of a save whose ref's update failed: an error can come after the ref moved."""
        try:
            moved = self._repository.refs.read(ref) == target
        except (OSError, CorruptObject):
            moved = True  # nobody can tell
        return "unknown" if moved else "not saved"

    def _publish_tags(self, session: Session, made: _Made, line: Line) -> None:
        tags = list(made.tags)
        if session.snapshots and self._brings_snapshots(session, line):
            # The first save under a new name takes the snapshots along.
            known = [snapshot for snapshot in session.snapshots if snapshot.commit]
            tags += [(snapshot, snapshot.commit) for snapshot in known if self._objects.has(snapshot.commit)]
        self.put_tags(session.id, tags)

    def put_tags(
        self,
        session_id: str,
        tags: Sequence[tuple[Snapshot, str]],
        made: Callable[[str, str], object] = lambda _name, _oid: None,
    ) -> None:
        """Tag commits as snapshots of a session, under its lock; `made` hears of each ref. Raises SaveFailed."""
        if not tags:
            return
        repository = self._repository
        try:
            with self._objects.keeping(JOURNAL_MOST if self._durable else 0) as kept:
                moves = [snapshots.write_tag(repository, session_id, snapshot, commit) for snapshot, commit in tags]
                kept.on = [commit for _, commit in tags]
                with moving(repository, session_id, moves, kept) if self._durable else nullcontext():
                    for move, (_, commit) in zip(moves, tags, strict=True):
                        if snapshots.put_tag(repository, session_id, move, commit):
                            made(move.name, move.new)
        except SaveFailed:
            raise
        except OSError as problem:
            raise SaveFailed(session_id, "saved", f"its snapshots were not ({_plainly(problem)})") from problem

    def _brings_snapshots(self, session: Session, line: Line) -> bool:
        """Whether what the save goes on top of has snapshots that stand under another name, or in its message only."""
        if line.tree is None or line.commit is None:
            return False
        if line.tree.meta.id != session.id:
            return True
        with suppress(CorruptObject):  # damaged since it was read: `verify` tells, and this save is whole
            return bool(message.shared_snapshots(self._objects.commit(line.commit).message))
        return False

    def _acknowledge(self, session: Session, begun: Line, made: _Made, last: Line, merged: int) -> SaveResult:
        tip = self._remember(session, last)
        session._timeline.mark()
        session._steps.clear()
        spoken = last.messages - begun.messages
        return SaveResult(
            session_id=session.id,
            commits=tuple(made.commits),
            tip=tip,
            messages_added=spoken,
            executions_added=last.count - begun.count - spoken,
            merged=merged,
            snapshots=tuple(snapshot.id for snapshot, _ in made.tags),
            notice=f"merged {merged} {'entry' if merged == 1 else 'entries'} from another process" if merged else "",
        )

    def _remember(self, session: Session, last: Line) -> str:
        """Let a session know the commit it is saved in; gives that."""
        tip, tree, saved_at, updated_at = last.commit, last.tree, last.saved_at, last.updated_at
        if tip is None or tree is None or saved_at is None or updated_at is None:
            raise AssertionError("a line that was written has a commit")
        if session.updated_at != updated_at:
            session.updated_at = updated_at
        store = str(self._repository.path)
        session._saved = Saved(store, session.id, tip, tree, last.count, last.messages, saved_at, updated_at)
        return tip


def _carry_snapshots(session: Session) -> None:
    """Let a session that another store gave bring its snapshots along."""
    told = {step.snapshot.id for step in session._steps if step.kind == "snapshot" and step.snapshot is not None}
    session._steps[:0] = [
        Step("snapshot", snapshot.state, snapshot) for snapshot in session.snapshots if snapshot.id not in told
    ]


def _plainly(problem: OSError) -> str:
    if problem.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full. Free some space"
    if problem.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{problem.filename or 'the store'} cannot be written"
    place = f"{problem.filename}: " if problem.filename else ""
    return f"{place}{problem.strerror or problem}"
