"""A session's history without its secrets: new commits from the first one on where something changes.

    commit → message, tree → session.json, timeline → directories → entries

What does not change keeps its id, so clean history is the same history. Verdicts are cached for each object, and a
walk stops at commits that have one: what was looked through once costs nothing again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from superqode.session.codec import jsontext, layout
from superqode.session.codec.entry import decode_entry, encode_entry
from superqode.session.codec.meta import Meta, decode_meta, encode_meta
from superqode.session.errors import CorruptObject, CorruptSession, InvalidEntry, InvalidSession
from superqode.session.git.objects import BLOB, TREE, Commit, TreeEntry
from superqode.session.git.repository import Repository
from superqode.session.redaction import Masked, Redactor
from superqode.session.store.index.catalogue import Progress
from superqode.session.store.index.verdicts import CLEAN, Verdicts
from superqode.session.store.results import SecretPlace

__all__ = ["Rewriter"]

_RESTORES: Final = re.compile(rb"^(Superqode-Restores: )([0-9a-f]{40})", re.MULTILINE)
# Ids say which entry or session it is; everything else in session.json may hold text that somebody wrote.
_META_KEPT: Final = frozenset(("id", "created_at", "parent_session_id"))


class _Hit(NamedTuple):
    """Secrets of one kind in one thing."""

    where: str
    entry_id: str
    position: int
    rule: str
    mark: str
    times: int


@dataclass(slots=True)
class _Files:
    """The files of one entry in a directory, as a tree lists them."""

    json: TreeEntry | None
    sides: list[TreeEntry]
    label: str

    @property
    def all(self) -> list[TreeEntry]:
        return [*self.sides, *([self.json] if self.json is not None else [])]

    @property
    def key(self) -> str:
        return ":".join(["e", *(entry.oid for entry in self.all)])


class Rewriter:
    """Rewrites histories of one store; the caller keeps pruning out while it works.

    Args:
        repository: the store.
        redactor: what is taken out.
        verdicts: where it remembers what it has seen.
        progress: told how many commits were looked through.
    """

    def __init__(
        self, repository: Repository, redactor: Redactor, verdicts: Verdicts, progress: Progress | None = None
    ) -> None:
        self._objects = repository.objects
        self._redactor = redactor
        self._verdicts = verdicts
        self._progress = progress
        self._trees: dict[str, tuple[str, list[_Hit]]] = {}

    # -- commits --------------------------------------------------------------------------------------------------

    def commit(self, tip: str, session_id: str) -> str:
        """The commit that stands for `tip`: itself where nothing in it or before it changes.

        Args:
            tip: a commit of a session.
            session_id: the session, for errors.

        Raises:
            CorruptSession: its history is damaged.
        """
        try:
            known = self._known(tip)
            if known is not None:
                return known
            waiting = self._waiting(tip)
            for number, (oid, commit) in enumerate(waiting):
                self._rewrite(oid, commit)
                if self._progress is not None:
                    self._progress(number + 1, len(waiting), "looking for secrets")
            self._verdicts.flush()
        except CorruptObject as problem:
            raise CorruptSession(session_id, str(problem)) from problem
        done = self._known(tip)
        if done is None:
            raise AssertionError("a commit that was rewritten has a verdict")
        return done

    def places(self, tip: str, session_id: str) -> list[SecretPlace]:
        """What is masked in a commit and before it, the earliest first, each secret once for each thing it is in."""
        self.commit(tip, session_id)
        found: dict[tuple[str, str, str, str], SecretPlace] = {}
        for oid in reversed(self._changed(tip)):
            for hit in self._hits(oid):
                key = (hit.where, hit.entry_id, hit.rule, hit.mark)
                if key not in found:
                    place = (hit.entry_id, hit.position, hit.where, hit.rule, hit.mark, hit.times)
                    found[key] = SecretPlace(session_id, oid, *place)
        return list(found.values())

    def rewritten(self, tip: str) -> int:
        """How many commits of a history that was looked through are new ones."""
        return len(self._changed(tip))

    def _known(self, oid: str) -> str | None:
        verdict = self._verdicts.get("c:" + oid)
        if verdict is None:
            return None
        if verdict == CLEAN:
            return oid
        made: str = json.loads(verdict)["to"]
        return made if self._objects.has(made) else None  # pruned since: made again

    def _hits(self, oid: str) -> list[_Hit]:
        verdict = self._verdicts.get("c:" + oid) or CLEAN
        return [] if verdict == CLEAN else [_Hit(*hit) for hit in json.loads(verdict)["hits"]]

    def _waiting(self, tip: str) -> list[tuple[str, Commit]]:
        """The commits without a verdict, parents before children."""
        ordered: list[tuple[str, Commit]] = []
        seen: set[str] = set()
        stack: list[tuple[str, Commit | None]] = [(tip, None)]
        while stack:
            oid, commit = stack.pop()
            if commit is not None:
                ordered.append((oid, commit))
            elif oid not in seen:
                seen.add(oid)
                if self._known(oid) is None:
                    commit = self._objects.commit(oid)
                    stack.append((oid, commit))
                    stack.extend((parent, None) for parent in commit.parents)
        return ordered

    def _changed(self, tip: str) -> list[str]:
        """The commits whose verdict is another commit, newest first: what lies before a clean one is clean."""
        found: list[str] = []
        seen = {tip}
        queue = [tip]
        for oid in queue:
            if self._known(oid) != oid:
                found.append(oid)
                for parent in self._objects.commit(oid).parents:
                    if parent not in seen:
                        seen.add(parent)
                        queue.append(parent)
        return found

    def _rewrite(self, oid: str, commit: Commit) -> None:
        parents = [self._known(parent) or parent for parent in commit.parents]
        tree, hits = self._root(commit.tree)
        text, said = self._message(commit.message)
        if tree == commit.tree and text == commit.message and tuple(parents) == commit.parents:
            self._verdicts.put("c:" + oid, CLEAN)
            return
        made = self._objects.write_commit(tree, parents, commit.author, commit.committer, text)
        before = {hit for parent in commit.parents for hit in self._root(self._objects.commit(parent).tree)[1]}
        news = [hit for hit in hits if hit not in before]
        news += [_Hit("commit message", "", -1, masked.rule, masked.mark, 1) for masked in said]
        self._verdicts.put("c:" + oid, json.dumps({"to": made, "hits": news}))
        self._verdicts.put("c:" + made, CLEAN)

    def _message(self, message: bytes) -> tuple[bytes, Sequence[Masked]]:
        def restored(found: re.Match[bytes]) -> bytes:
            oid = found[2].decode()
            return found[1] + (self._known(oid) or oid).encode()

        redacted = self._redactor.text(message.decode("utf-8", "surrogateescape"))
        text = redacted.value.encode("utf-8", "surrogateescape") if redacted.masked else message
        return _RESTORES.sub(restored, text), redacted.masked

    # -- trees ----------------------------------------------------------------------------------------------------

    def _root(self, oid: str) -> tuple[str, list[_Hit]]:
        known = self._trees.get(oid)
        if known is not None:
            return known
        entries = self._objects.tree(oid)
        ours = any(
            entry.name == layout.FORMAT_FILE and layout.parse_format(self._blob(entry)) == layout.FORMAT_NUMBER
            for entry in entries
        )
        made: list[TreeEntry] = []
        hits: list[_Hit] = []
        for entry in entries:
            changed, found = self._top(entry, ours=ours)
            made.append(changed)
            hits += found
        return self._keep(oid, entries, made, hits)

    def _top(self, entry: TreeEntry, *, ours: bool) -> tuple[TreeEntry, list[_Hit]]:
        if ours and entry.name == layout.TIMELINE and entry.mode == TREE:
            return self._mapped(entry, self._folders(entry.oid, (), 2))
        if ours and entry.name == layout.META_FILE:
            return self._mapped(entry, self._meta(entry))
        return self._any(entry, entry.name)

    def _folders(self, oid: str, above: tuple[str, ...], depth: int) -> tuple[str, list[_Hit]]:
        known = self._trees.get(oid)
        if known is not None:
            return known
        entries = self._objects.tree(oid)
        if depth == 0:
            made, hits = self._directory(entries, above)
        else:
            made, hits = [], []
            for entry in entries:
                if entry.mode != TREE:
                    changed, found = self._any(entry, "/".join([layout.TIMELINE, *above, entry.name]))
                else:
                    changed, found = self._mapped(entry, self._folders(entry.oid, (*above, entry.name), depth - 1))
                made.append(changed)
                hits += found
        return self._keep(oid, entries, made, hits)

    def _directory(self, entries: Sequence[TreeEntry], above: tuple[str, ...]) -> tuple[list[TreeEntry], list[_Hit]]:
        made: list[TreeEntry] = []
        hits: list[_Hit] = []
        groups, strange = _grouped(entries)
        for entry in strange:
            changed, found = self._any(entry, "/".join([layout.TIMELINE, *above, entry.name]))
            made.append(changed)
            hits += found
        for digits, files in groups.items():
            position = int("".join(above) + digits) if all(name.isdigit() for name in above) else -1
            changed_files, found = self._entry(digits, files, position)
            made += changed_files
            hits += found
        return made, hits

    def _keep(
        self, oid: str, entries: Sequence[TreeEntry], made: list[TreeEntry], hits: list[_Hit]
    ) -> tuple[str, list[_Hit]]:
        same = sorted(entries) == sorted(made)
        self._trees[oid] = (oid if same else self._objects.write_tree(made), hits)
        return self._trees[oid]

    @staticmethod
    def _mapped(entry: TreeEntry, result: tuple[str, list[_Hit]]) -> tuple[TreeEntry, list[_Hit]]:
        return entry._replace(oid=result[0]), result[1]

    # -- contents -------------------------------------------------------------------------------------------------

    def _entry(self, digits: str, files: _Files, position: int) -> tuple[list[TreeEntry], list[_Hit]]:
        verdict = self._verdicts.get(files.key)
        if verdict is None or not self._there(verdict):
            verdict = self._judge_entry(files)
            self._verdicts.put(files.key, verdict)
        if verdict == CLEAN:
            return files.all, []
        told = json.loads(verdict)
        made = [TreeEntry(BLOB, digits + name, oid) for name, oid in told["files"]]
        where = "call" if files.label == "call" else "message"
        return made, [_Hit(where, told["id"], position, rule, mark, count) for rule, mark, count in told["hits"]]

    def _judge_entry(self, files: _Files) -> str:
        side = b"".join([self._blob(entry) for entry in files.sides]) if files.sides else None
        if files.json is None:
            return self._judge_files(files)
        try:
            entry = decode_entry(self._blob(files.json), files.label, side)
        except InvalidEntry:
            return self._judge_files(files)
        redacted = self._redactor.entry(entry)
        if not redacted.masked:
            return CLEAN
        made = [(name[2:], self._objects.write("blob", data)) for name, data in encode_entry(redacted.value, "00")]
        return json.dumps({"id": entry.id, "files": made, "hits": _summed(redacted.masked)})

    def _judge_files(self, files: _Files) -> str:
        """An entry that cannot be read as one: each of its files is text."""
        made: list[tuple[str, str]] = []
        masked: list[Masked] = []
        for entry in files.all:
            oid, found = self._text(entry.oid)
            made.append((entry.name[2:], oid))
            masked += found
        return json.dumps({"id": "", "files": made, "hits": _summed(masked)}) if masked else CLEAN

    def _meta(self, entry: TreeEntry) -> tuple[str, list[_Hit]]:
        def judge() -> tuple[str, Sequence[Masked]]:
            try:
                meta = decode_meta(self._blob(entry))
            except InvalidSession:
                return self._text(entry.oid)
            values = {name: value for name, value in _plain(meta).items() if name not in _META_KEPT}
            redacted = self._redactor.value(values)
            if not redacted.masked:
                return entry.oid, ()
            changed = Meta.model_validate({**_plain(meta), **redacted.value})
            return self._objects.write("blob", encode_meta(changed)), redacted.masked

        return self._blob_verdict("m:" + entry.oid, entry.oid, layout.META_FILE, judge)

    def _any(self, entry: TreeEntry, path: str) -> tuple[TreeEntry, list[_Hit]]:
        """A file or folder that is none of the format's, or of a newer one: whatever is text in it."""
        if entry.mode == TREE:
            entries = self._objects.tree(entry.oid)
            parts = [self._any(below, f"{path}/{below.name}") for below in entries]
            made, hits = [part for part, _ in parts], [hit for _, found in parts for hit in found]
            return self._mapped(entry, self._keep(entry.oid, entries, made, hits))
        if not entry.mode.startswith("100"):
            return entry, []
        verdict = self._blob_verdict("b:" + entry.oid, entry.oid, path, lambda: self._text(entry.oid))
        return self._mapped(entry, verdict)

    def _blob_verdict(
        self, key: str, oid: str, where: str, judge: Callable[[], tuple[str, Sequence[Masked]]]
    ) -> tuple[str, list[_Hit]]:
        verdict = self._verdicts.get(key)
        if verdict is None or not self._there(verdict):
            made, masked = judge()
            verdict = json.dumps({"files": [("", made)], "hits": _summed(masked)}) if masked else CLEAN
            self._verdicts.put(key, verdict)
        if verdict == CLEAN:
            return oid, []
        told = json.loads(verdict)
        return told["files"][0][1], [_Hit(where, "", -1, rule, mark, count) for rule, mark, count in told["hits"]]

    def _there(self, verdict: str) -> bool:
        """Whether what a cached verdict names was not pruned since."""
        return verdict == CLEAN or all(self._objects.has(oid) for _, oid in json.loads(verdict)["files"])

    def _text(self, oid: str) -> tuple[str, Sequence[Masked]]:
        data = self._objects.blob(oid)
        if b"\0" in data[:8000]:  # what Git takes for binary (xdiff-interface.c)
            return oid, ()
        redacted = self._redactor.text(data.decode("utf-8", "surrogateescape"))
        if not redacted.masked:
            return oid, ()
        return self._objects.write("blob", redacted.value.encode("utf-8", "surrogateescape")), redacted.masked

    def _blob(self, entry: TreeEntry) -> bytes:
        return self._objects.blob(entry.oid)


def _grouped(entries: Sequence[TreeEntry]) -> tuple[dict[str, _Files], list[TreeEntry]]:
    """The entries of a directory by their two digits, and the files that are none of the format's."""
    groups: dict[str, _Files] = {}
    strange: list[TreeEntry] = []
    for entry in entries:
        name = layout.parse_name(entry.name)
        if name is None or entry.mode != BLOB:
            strange.append(entry)
            continue
        files = groups.setdefault(name.digits, _Files(None, [], name.label))
        if name.label != files.label or (not name.field and files.json is not None):
            strange.append(entry)
        elif name.field:
            files.sides.append(entry)
        else:
            files.json = entry
    return groups, strange


def _plain(meta: Meta) -> dict[str, Any]:
    plain: dict[str, Any] = jsontext.load(encode_meta(meta))
    return plain


def _summed(masked: Sequence[Masked]) -> list[tuple[str, str, int]]:
    counts: dict[tuple[str, str], int] = {}
    for found in masked:
        counts[found.rule, found.mark] = counts.get((found.rule, found.mark), 0) + 1
    return [(rule, mark, count) for (rule, mark), count in counts.items()]
