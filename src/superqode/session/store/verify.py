"""`verify`: reachable objects read and checked, sessions decoded, damage named by session, save and place.

| level | what is looked at |
|---|---|
| `quick` | each session's last save is there, and packs have their ends; what is new or in no pack is read |
| `structure` | every commit and tree of the history is read; files have to be there |
| `data` | every file is read as well (or of many runs one part each), each session is decoded, and encoded again |

Quick is what does not read again what the index has read when it was new: its commit, its tree, its `session.json`.
Damage that comes to the inside of a pack later, by a disk that forgets, the two others find.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final, Literal, get_args

from superqode.session.choices import check_word
from superqode.session.codec import layout
from superqode.session.codec.entry import encode_entry
from superqode.session.codec.meta import encode_meta
from superqode.session.errors import CorruptObject, CorruptSession
from superqode.session.git.object_codec import parse_tag
from superqode.session.git.repository import HEADS, TAGS, Repository
from superqode.session.models import Entry, Message, ToolExecution
from superqode.session.store.branches import is_session_branch
from superqode.session.store.index.catalogue import Progress
from superqode.session.store.index.remembered import Remembered
from superqode.session.store.reached import Reached
from superqode.session.store.results import Finding, VerifyReport
from superqode.session.store.state import Tree, check_names, merged_by_git, read_entries, read_tree
from superqode.session.store.timeline_files import walk_timeline
from superqode.session.store.verify_rest import check_rest

__all__ = ["Check", "Depth", "Level", "verify"]


Level = Literal["quick", "structure", "data"]


@dataclass(frozen=True, slots=True)
class Depth:
    """How much is looked at.

    Attributes:
        level: see above.
        part: of `data` the n-th of so many parts, from 1; files belong to a part by their id.
    """

    level: Level = "data"
    part: tuple[int, int] = (1, 1)

    def __post_init__(self) -> None:
        check_word(self.level, "level", get_args(Level))
        number, of = self.part
        if not 1 <= number <= of:
            raise ValueError(f"part {number} of {of} is none: count from 1")

    def reads(self, oid: str) -> bool:
        """Whether a file's content is read."""
        number, of = self.part
        return self.level == "data" and int(oid[:8], 16) % of == number - 1


_WHOLE: Final = Depth()
# Names and ids of the tags of each session.
_Tags = dict[str, list[tuple[str, str]]]


class Check:
    """What is known so far of the store that is looked at.

    Attributes:
        findings: what was found.
        reached: what was read of it.
        sessions: ids of the sessions that are looked at.
    """

    def __init__(self, repository: Repository, depth: Depth, remembered: Remembered | None) -> None:
        self.repository = repository
        self.depth = depth
        self.findings: list[Finding] = []
        self.sessions: frozenset[str] = frozenset()
        self.reached = Reached(repository.objects, depth.reads, self.error)
        self._remembered = remembered

    @property
    def reads_all(self) -> bool:
        """Whether every file is read in this run."""
        return self.depth == Depth()

    def error(self, session_id: str, commit: str, path: str, text: str) -> None:
        """Tell of damage: whose it is, in which commit, at which path, and what."""
        self.findings.append(Finding("error", session_id, commit, path, text))

    def warn(self, session_id: str, text: str, path: str = "") -> None:
        """Tell of what is no damage."""
        self.findings.append(Finding("warning", session_id, "", path, text))

    def has_errors(self, begun: int) -> bool:
        """Whether damage was found since there were so many findings."""
        return any(finding.severity == "error" for finding in self.findings[begun:])

    def take_back(self, begun: int, session_id: str) -> None:
        """Forget what was found of a session, which was not where it is by now."""
        del self.findings[begun:]
        self.reached.tell_again(session_id)
        self.repository.objects.reopen()

    def is_known(self, session_id: str, tip: str) -> bool:
        """Whether a last save need not be read: it was when it was new, and stands in a pack."""
        if self._remembered is None or self._remembered.changed_at(session_id, tip) is None:
            return False
        self.reached.saw(tip)
        return True

    def history(self, owner: str, tip: str, *, again: bool = True) -> None:
        """Look at a commit with all behind it; at the quick level at it alone. See `Reached.history`."""
        if self.depth.level != "quick":
            self.reached.history(owner, tip, again=again)
        else:
            self.reached.commit(owner, tip)

    def ref(self, owner: str, name: str) -> None:
        """Look at what a ref reaches; again where it moved meanwhile: what it was at may have been freed.

        Args:
            owner: who reaches it by that.
            name: the ref.
        """
        begun = len(self.findings)
        try:
            oid = self.repository.refs.read(name)
            while oid is not None:
                self.named(owner, name, oid)
                before, oid = oid, self.repository.refs.read(name)
                if before == oid or not self.has_errors(begun):
                    break
                self.take_back(begun, owner)
        except CorruptObject as problem:
            self.error("", "", name, str(problem))

    def named(self, owner: str, name: str, oid: str) -> None:
        """Look at what a ref is at, of whatever kind, with all behind it.

        Args:
            owner: who reaches it by that.
            name: the ref.
            oid: where it is.
        """
        objects = self.repository.objects
        try:
            kind, content = objects.read(oid)
            while kind == "tag":
                oid = parse_tag(oid, content).target
                kind, content = objects.read(oid)
        except CorruptObject as problem:
            self.error(owner, "", name, str(problem))
            return
        if kind == "commit":
            self.history(owner, oid)
        elif kind == "tree" and self.depth.level != "quick":
            self.reached.tree(owner, oid)

    def bytes(self, session_id: str, tree: Tree, entries: Sequence[Entry]) -> None:
        """What is decoded and encoded again are the same bytes; others are somebody else's, and still good to read."""
        if tree.newer:
            return
        objects = self.repository.objects
        if encode_meta(tree.meta) != objects.blob(tree.meta_oid):
            self.warn(session_id, "it is not as superqode writes it", layout.META_FILE)
        for number, (entry, files) in enumerate(zip(entries, walk_timeline(objects, tree.timeline), strict=True)):
            place = layout.Place.of(number)
            told = [data for _, data in encode_entry(entry, place.digits)]
            if told != [objects.blob(oid) for oid in (*files.sides, files.json)]:
                path = f"{layout.TIMELINE}/{place.top}/{place.middle}/{place.digits}"
                self.warn(session_id, "it is not as superqode writes it", path)

    def _read(self, session_id: str, tip: str) -> tuple[Tree, list[Entry] | None]:
        """A save's tree, and its entries where every file is to be read; else at least their names are checked."""
        objects = self.repository.objects
        commit = objects.commit(tip)
        if self.depth.level == "quick":
            self.reached.saw(tip)
        try:
            tree = read_tree(objects, commit, session_id)
            if self.reads_all:
                return tree, read_entries(objects, tree, session_id)
            if self.depth.level != "quick":
                check_names(objects, tree, session_id)
        except CorruptSession as problem:
            raise merged_by_git(commit, problem) from problem
        return tree, None

    def content(self, session_id: str, tip: str) -> None:
        """Decode the session at its tip."""
        try:
            tree, entries = self._read(session_id, tip)
        except (CorruptObject, CorruptSession) as problem:
            path = problem.path if isinstance(problem, CorruptSession) else ""
            if not any(found.session_id == session_id for found in self.findings):
                self.error(session_id, tip, path, str(problem))
            return
        if entries is None:
            return
        self.bytes(session_id, tree, entries)
        known: set[str] = set()
        for entry in entries:
            if entry.id in known:
                self.error(session_id, tip, "", f"two entries have the id {entry.id}")
            known.add(entry.id)
        asked = {
            call.get("id")
            for entry in entries
            if isinstance(entry, Message)
            for call in entry.tool_calls or ()
            if isinstance(call, dict)
        }
        answered = {entry.id for entry in entries if isinstance(entry, ToolExecution)}
        answered |= {entry.tool_call_id for entry in entries if isinstance(entry, Message) and entry.tool_call_id}
        missing = len([call for call in asked if isinstance(call, str) and call not in answered])
        if missing:
            self.warn(session_id, f"{missing} tool calls have no result")


def verify(
    repository: Repository,
    wanted: Iterable[str] | None = None,
    progress: Progress | None = None,
    depth: Depth = _WHOLE,
) -> VerifyReport:
    """Check sessions (all of them without a list): objects, history, content, snapshots; and the store's folders.

    Nothing is changed. Damage is reported, never raised.
    """
    chosen = list(wanted) if wanted is not None else None
    trusted = Remembered(repository) if chosen is None and depth.level == "quick" else None
    check = Check(repository, depth, trusted)
    names = _all_branches(check) if chosen is None else chosen
    sessions = [name for name in names if is_session_branch(name)]
    check.sessions = frozenset(sessions)
    # Where all of them are, from one look: what they are at was written before, and stays for a grace time.
    tips, tags = ({}, None) if chosen is not None else (_items(check, HEADS), _tags_by_session(check))
    done = count(1)

    def look_at(session_id: str) -> None:
        if tags is None:
            _session(check, session_id, None)
        else:
            _listed(check, session_id, tips.get(session_id), tags)
        if progress is not None:
            progress(next(done), len(sessions), "checking sessions")

    with repository.objects.reading_many():
        for session_id in sessions:
            if session_id in tips:
                look_at(session_id)
    for session_id in sessions:
        if session_id not in tips:
            look_at(session_id)
    for look in (_order, check_rest) if chosen is None else ():
        try:
            look(check)
        except CorruptObject as problem:
            _tell_packed(check, problem)
    return VerifyReport(len(sessions), check.reached.commits, len(check.reached.seen), tuple(check.findings))


def _order(check: Check) -> None:
    check.repository.refs.check_packed()


def _tell_packed(check: Check, problem: CorruptObject) -> None:
    """Report damage of `packed-refs`, once."""
    if not any(finding.path == "packed-refs" and finding.message == str(problem) for finding in check.findings):
        check.error("", "", "packed-refs", str(problem))


def _all_branches(check: Check) -> list[str]:
    refs = check.repository.refs
    try:
        names = refs.names(HEADS)
    except CorruptObject as problem:
        _tell_packed(check, problem)
        names = list(refs.loose_names(HEADS))
    return [name.removeprefix(HEADS) for name in names]


def _listed(check: Check, session_id: str, tip: str | None, tags: _Tags) -> None:
    """Look at one of all that were listed; again where its refs moved meanwhile: a scrub frees what they were at."""
    begun = len(check.findings)
    if tip is not None:
        _content(check, session_id, tip, tags)
    else:
        _session(check, session_id, tags, there=False)
    if check.has_errors(begun) and _has_moved(check, session_id, tip, tags):
        check.take_back(begun, session_id)
        _session(check, session_id, None, there=False)


def _has_moved(check: Check, session_id: str, tip: str | None, tags: _Tags) -> bool:
    try:
        now = check.repository.refs.read(HEADS + session_id)
    except CorruptObject:
        return False
    return now != tip or sorted(_items(check, f"{TAGS}{session_id}/").items()) != sorted(tags.get(session_id, ()))


def _session(check: Check, session_id: str, tags: _Tags | None, *, there: bool = True) -> None:
    """Look at one whose branch has to be looked for; unless it has to be `there`, one that is gone is fine."""
    try:
        tip = check.repository.refs.read(HEADS + session_id)
    except CorruptObject as problem:
        check.error(session_id, "", HEADS + session_id, str(problem))
        return
    if tip is None:
        if there:
            check.error(session_id, "", HEADS + session_id, "there is no such session")
        return
    _content(check, session_id, tip, tags)


def _content(check: Check, session_id: str, tip: str, tags: _Tags | None) -> None:
    if not check.is_known(session_id, tip):
        if check.depth.level != "quick":  # of the history it looks at nothing but what the content begins with
            check.history(session_id, tip)
        check.content(session_id, tip)
    own = _items(check, f"{TAGS}{session_id}/").items() if tags is None else tags.get(session_id, ())
    for name, oid in own:
        check.named(session_id, name, oid)


def _items(check: Check, prefix: str) -> dict[str, str]:
    """Where the readable refs below a prefix are; of sessions by their id."""
    try:
        found = check.repository.refs.items(prefix)
    except CorruptObject:
        return {}  # packed-refs, which is reported once
    return {name.removeprefix(HEADS): oid for name, oid in found}


def _tags_by_session(check: Check) -> _Tags:
    found: _Tags = {}
    for name, oid in _items(check, TAGS).items():
        found.setdefault(name.removeprefix(TAGS).rpartition("/")[0], []).append((name, oid))
    return found
