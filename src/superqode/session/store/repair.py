"""`repair`: what is damaged is made whole from a copy; where there is none, what can be read is saved.

Nothing is destroyed: a damaged file goes to the quarantine, and a session that stays damaged keeps its branch; what can
be read of it becomes another session beside it.

1. Files of the store's own that cannot be read are set aside: the journal's, and `packed-refs`, of which all lines that
   can be read are kept.
2. Refs that are damaged, or vanished, point again at what the journal, the newest of their saves, or the reflog says;
   copies that shares masked, and what a scrub replaced, are no saves of theirs. Then what `packed-refs` says of one
   whose own file is damaged is taken. Where `packed-refs` itself was, the ledger, the log of operations, shares and
   kept originals are found by what they hold, or named as lost. A share's ref of which nothing is known is set aside,
   so that others go on.
3. Objects that are damaged or missing are taken from a pack, the journal, another store or a backup, checked by hash.
   The trash, kept originals and all else that a ref reaches are looked at as well.
4. What plain git merged file by file, so that two entries stand at one place, is merged entry by entry, on top.
5. Of a session that is damaged still, or whose last save is none though its objects are whole (somebody wrote it by
   hand), a fork is made off its last whole save, with all later entries that can be read. Where the last save itself
   cannot be read, the reflog, snapshots and the session's commits tell of those before it.
6. Saves of a session that nothing reaches any more become another session beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from superqode.session.codec import layout
from superqode.session.errors import CorruptObject, CorruptSession, InvalidEntry, NewerFormat
from superqode.session.git.history import ancestors
from superqode.session.git.object_codec import TREE, TreeEntry, parse_commit, parse_tag, parse_tree
from superqode.session.git.repository import HEADS, JOURNAL_MOST, TAGS, Repository
from superqode.session.models import Entry, Session
from superqode.session.store.branches import is_session_branch
from superqode.session.store.copies import Copies
from superqode.session.store.index.catalogue import Progress
from superqode.session.store.lines import ticks
from superqode.session.store.loading import load_commit
from superqode.session.store.merging import mend_merge, write_mended
from superqode.session.store.operations.recording import recording
from superqode.session.store.own_saves import OwnSaves
from superqode.session.store.repair_files import repair_files
from superqode.session.store.repair_refs import RefRepair
from superqode.session.store.results import RepairReport, RepairStep
from superqode.session.store.saving import Saver
from superqode.session.store.state import read_entry, read_state
from superqode.session.store.timeline_files import EntryFiles, walk_timeline
from superqode.session.store.unreached import unreached

__all__ = ["repair"]

_ENDING = "-recovered"


def repair(
    repository: Repository,
    places: Sequence[Path] = (),
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> RepairReport:
    """Repair a store; see `SessionStore.repair`."""
    with ExitStack() as held:
        scratch = Path(held.enter_context(TemporaryDirectory(prefix="superqode-"))) if dry_run else None
        files = repair_files(repository, scratch)
        copies = held.enter_context(Copies(repository, places))
        saves = OwnSaves(repository)
        refs = RefRepair(repository, copies, saves, dry_run=dry_run)
        refs.run(is_cut=any(step.name == "packed-refs" for step in files))
        work = _Work(repository, copies, saves, dry_run=dry_run, steps=[*files, *refs.steps], lost=refs.lost)
        names = [name.removeprefix(HEADS) for name in repository.refs.names(HEADS)]
        sessions = [name for name in names if is_session_branch(name)]
        for number, session_id in enumerate(sessions):
            work.session(session_id)
            if progress is not None:
                progress(number + 1, len(sessions), "repairing sessions")
        work.others()
        work.unreached()
    return RepairReport(tuple(work.steps), tuple(work.lost), dry_run=dry_run)


@dataclass(slots=True)
class _Work:
    repository: Repository
    copies: Copies
    saves: OwnSaves
    dry_run: bool
    steps: list[RepairStep] = field(default_factory=list)
    lost: list[RepairStep] = field(default_factory=list)
    # Objects looked at, and what is wrong with them; nothing where they are whole (or would be, in a dry run).
    seen: dict[str, str] = field(default_factory=dict)
    # Objects of a dry run that a copy would bring, by id.
    found: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    # Saves of which a session beside was made.
    bases: set[str] = field(default_factory=set)

    # -- objects ----------------------------------------------------------------------------------------------------

    def session(self, session_id: str) -> None:
        """Repair a session's objects; what stays damaged becomes another session, as far as it can be read."""
        try:
            tip = self.repository.refs.read(HEADS + session_id)
        except CorruptObject:
            return  # told already
        if tip is None:
            return
        lost = len(self.lost)
        tags = self.repository.refs.items(f"{TAGS}{session_id}/")
        self._walk(session_id, [("commit", tip, ""), *(("", oid, name) for name, oid in tags)])
        if len(self.lost) > lost or not self._mend(session_id, tip):
            self._recover(session_id, tip)

    def _mend(self, session_id: str, tip: str) -> bool:
        """Merge what plain git merged into something unreadable; what only stands in there is put at the end.

        Gives whether the session can be read after that.
        """
        objects, merged = self.repository.objects, None
        try:
            read_state(objects, tip, session_id)
        except NewerFormat:
            return True  # whole, for who can read it
        except CorruptSession as problem:
            with suppress(CorruptSession):
                merged = mend_merge(objects, session_id, tip)
            if merged is None and not self.found:  # in a dry run, what a copy would bring back is not there yet
                self.lost.append(RepairStep(session_id, "session", tip, "", problem.reason))
                return False
        if merged is None:
            return True
        kept = islice(walk_timeline(objects, merged.timeline), merged.keep)
        known = {entry.id for entry in (*merged.entries, *(read_entry(objects, files) for files in kept))}
        for entry in self._entries(tip):
            if entry.id not in known:
                known.add(entry.id)
                merged = merged.followed_by(entry)
        told = f"{merged.messages + merged.executions} entries of both sides"
        self.steps.append(RepairStep(session_id, "merge", tip, "its parents", told))
        if not self.dry_run:
            saver = Saver(self.repository, durable=True)
            with (
                # Final: what the branch said before is a session that nothing can read.
                recording(self.repository, "repair", {session_id: ""}, final=True),
                self.repository.writing(session_id, journalled=True),
                objects.keeping(JOURNAL_MOST) as kept_bytes,
            ):
                mended = write_mended(objects, session_id, tip, merged)
                kept_bytes.on = (tip,)
                saver.move_branch(session_id, mended, tip, kept_bytes, "repair")
        return True

    def others(self) -> None:
        """Repair what no session's branch or snapshot reaches: the trash, kept originals, shares, and so on."""
        self._walk("", [("", oid, name) for name, oid in self.repository.refs.items("refs/")])

    def _walk(self, session_id: str, waiting: list[tuple[str, str, str]]) -> None:
        """Look at every object that these reach, and bring back those that are damaged.

        Args:
            session_id: whose they are.
            waiting: kind (any, where it is empty), id and path of each.
        """
        # What another session has as well is looked at again while anything is lost: that may lie below it.
        again = bool(self.lost and session_id)
        passed: set[str] = set()
        while waiting:
            kind, oid, path = waiting.pop()
            if oid in passed or (oid in self.seen and not again):
                continue
            passed.add(oid)
            if not self._whole(session_id, oid, path or oid):
                continue
            try:
                waiting += self._named_by(kind, oid, path)
            except CorruptObject as problem:  # whole, and still none of its kind
                self._lose(session_id, oid, path or oid, problem.reason)

    def _named_by(self, kind: str, oid: str, path: str) -> list[tuple[str, str, str]]:
        """What an object names: kind, id and path of each."""
        # One that a dry run would bring back is not in the store.
        found, content = self.found[oid] if oid in self.found else self.repository.objects.read(oid)
        if kind not in ("", found):
            raise CorruptObject(oid, f"it is a {found}, and should be a {kind}")
        if found == "tag":
            return [("", parse_tag(oid, content).target, "")]
        if found == "commit":
            commit = parse_commit(oid, content)
            return [("tree", commit.tree, ""), *(("commit", parent, "") for parent in commit.parents)]
        if found == "tree":
            return [
                ("tree" if entry.mode == TREE else "blob", entry.oid, f"{path}/{entry.name}".lstrip("/"))
                for entry in parse_tree(oid, content)
            ]
        return []

    def _whole(self, session_id: str, oid: str, name: str) -> bool:
        """Whether an object is whole, or was made so."""
        if oid in self.seen:
            if self.seen[oid]:
                self._lose(session_id, oid, name, self.seen[oid])
            return not self.seen[oid]
        self.seen[oid] = ""
        objects = self.repository.objects
        try:
            if objects.loose.read(oid) is None:
                objects.read(oid)
        except CorruptObject as problem:
            return self._bring_back(session_id, oid, name, problem)
        return True

    def _bring_back(self, session_id: str, oid: str, name: str, problem: CorruptObject) -> bool:
        copy = self._packed(oid) or self.copies.find(oid)
        if copy is None:
            self._lose(session_id, oid, name, problem.reason)
            return False
        how, kind, content = copy
        self.steps.append(RepairStep(session_id, "object", oid, how, f"{name}: {problem.reason}"))
        if self.dry_run:
            self.found[oid] = (kind, content)
        else:
            # Writing sets the damaged file aside, if there is one.
            self.repository.objects.write(kind, content)
            self.repository.flush()
        return True

    def _lose(self, session_id: str, oid: str, name: str, reason: str) -> None:
        self.seen[oid] = reason
        self.lost.append(RepairStep(session_id, "object", oid, "", f"{name}: {reason}"))

    def _packed(self, oid: str) -> tuple[str, str, bytes] | None:
        """A whole copy in a pack, where the loose file hides it."""
        try:
            return ("a pack", *self.repository.objects.read_packed(oid))
        except CorruptObject:
            return None

    # -- what nothing reaches -----------------------------------------------------------------------------------------

    def unreached(self) -> None:
        """Make sessions of saves that lost their branch to a synchroniser or an old copy."""
        whole = {oid for oid, problem in self.seen.items() if not problem}
        for session_id, commit, entries in unreached(self.repository, whole):
            if commit in self.bases:  # a dry run has made no session of it yet
                continue
            # With its lock, so that no save which is just coming to its end is taken for one.
            with self.repository.writing(session_id):
                if commit not in {one.commit for one in unreached(self.repository, whole)}:
                    continue
            with suppress(CorruptSession):
                session = load_commit(self.repository, session_id, commit, branch=None)
                self._save_beside(
                    session, session_id, commit, f"{entries} entries of {session_id} that nothing reached"
                )

    # -- what stays damaged -----------------------------------------------------------------------------------------

    def _recover(self, session_id: str, tip: str) -> None:
        """Save what can be read of a session as another one beside it, once."""
        if any(self._recovered_from(name, tip) for name in self.repository.refs.names(HEADS)):
            return
        base = self._last_whole(session_id, tip)
        if base is not None and base._saved is not None:
            self.bases.add(base._saved.commit)
        session = base if base is not None else Session(title=session_id)
        known = {entry.id for entry in session.timeline}
        later = [entry for entry in self._entries(tip) if entry.id not in known]
        if base is None and not later:
            return
        for entry in later:
            session.add(entry)
        self._save_beside(session, session_id, tip, f"{len(session.timeline)} entries of {session_id}")

    def _save_beside(self, session: Session, session_id: str, tip: str, told: str) -> None:
        """Save what was recovered of a session's commit as another session."""
        session.id = self._free_name(session_id)
        session.parent_session_id = session_id
        session.metadata = session.metadata | {"recovered": {"from": session_id, "tip": tip}}
        self.steps.append(RepairStep(session_id, "session", session.id, "what can be read", told))
        if not self.dry_run:
            with recording(self.repository, "repair", {session.id: session.title}):
                Saver(self.repository, durable=True).save(session)

    def _recovered_from(self, name: str, tip: str) -> bool:
        if _ENDING not in name:
            return False
        try:
            session_id = name.removeprefix(HEADS)
            session = load_commit(self.repository, session_id, self.repository.refs.read(name) or "", branch=session_id)
        except (CorruptObject, CorruptSession):
            return False
        told = session.metadata.get("recovered")
        return isinstance(told, dict) and told.get("tip") == tip

    def _last_whole(self, session_id: str, tip: str) -> Session | None:
        """The session as its newest save that can be read has it; `None` where none can."""
        for oid in self._saves_before(session_id, tip):
            with suppress(CorruptSession, CorruptObject):
                return load_commit(self.repository, session_id, oid, branch=None)
        return None

    def _saves_before(self, session_id: str, tip: str) -> Iterator[str]:
        """A session's saves, newest first: what lies behind its tip, and what else is known where that has damage."""
        with suppress(CorruptObject):
            yield from (oid for oid, _ in ancestors(self.repository.objects, tip, when=ticks, readable=True))
        yield from (oid for _, oid in self.saves.places(session_id))
        for _, tag in self.repository.refs.items(f"{TAGS}{session_id}/"):
            yield self.repository.objects.peeled(tag) or tag

    def _entries(self, tip: str) -> Iterator[Entry]:
        """Every entry of a commit that can be read, whatever lies between."""
        objects = self.repository.objects
        try:
            root = {entry.name: entry.oid for entry in objects.tree(objects.commit(tip).tree)}
        except CorruptObject:
            return
        for top in self._below(root.get(layout.TIMELINE, "")):
            for middle in self._below(top):
                with suppress(CorruptObject):
                    for files in _any_files(objects.tree(middle)):
                        with suppress(CorruptObject, InvalidEntry):
                            yield read_entry(objects, files)

    def _below(self, oid: str) -> list[str]:
        try:
            return [entry.oid for entry in self.repository.objects.tree(oid)] if oid else []
        except CorruptObject:
            return []

    def _free_name(self, session_id: str) -> str:
        base = f"{session_id[:100]}{_ENDING}"
        names = {name.removeprefix(HEADS).lower() for name in self.repository.refs.names(HEADS)}
        candidates = (base, *(f"{base}-{number}" for number in range(2, len(names) + 3)))
        return next(name for name in candidates if name.lower() not in names)


def _any_files(entries: Sequence[TreeEntry]) -> list[EntryFiles]:
    """The files of each entry in a directory of a timeline, also where several stand at one place."""
    found: dict[str, EntryFiles] = {}
    for entry in entries:
        stem, _, ending = entry.name.partition(".")
        files = found.setdefault(stem, EntryFiles(stem.partition("-")[2], "", []))
        if ending == "json":
            files.json = entry.oid
        else:
            files.sides.append(entry.oid)
    return list(found.values())
