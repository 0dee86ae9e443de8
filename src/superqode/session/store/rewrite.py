"""A session's history without its secrets: new commits from the first one on where something changes.

    commit → message, tree → session.json, timeline → directories → entries

What does not change keeps its id, so clean history is the same history. Verdicts are cached for each object, and a
walk stops at commits that have one: what was looked through once costs nothing again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final

from superqode.session.codec import layout
from superqode.session.errors import CorruptObject, CorruptSession
from superqode.session.git.object_codec import TREE, Commit, Ident, TreeEntry
from superqode.session.git.repository import Repository
from superqode.session.redaction import Masked, Redactor
from superqode.session.store.index.catalogue import Progress
from superqode.session.store.index.verdicts import CLEAN, Verdicts
from superqode.session.store.results import SecretPlace
from superqode.session.store.rewrite_files import CleanFiles, Hit, grouped

__all__ = ["Rewriter"]

_RESTORES: Final = re.compile(rb"^(Superqode-Restores: )([0-9a-f]{40})", re.MULTILINE)
# A subject that was cut may have cut a secret, too, which nothing recognises then.
_CUT: Final = re.compile(r"\A((?:[a-z]+(?: \([^)]*\))?: )?)[^\n]*…")
_LINK: Final = "120000"
# How many trees, and hits in them, are remembered: every tree lists all that is below it.
_WEIGHT_MAX: Final = 100_000


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
        self._files = CleanFiles(repository.objects, redactor, verdicts)
        # By id and place: the same tree means another thing elsewhere.
        self._trees: dict[tuple[str, str], tuple[str, list[Hit]]] = {}
        self._weight = 0
        # This walk's own memory: the cache may be thrown away beside us at any moment.
        self._commits: dict[str, str] = {}
        self._idents: dict[Ident, Ident] = {}

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

    def replaced(self, tip: str) -> dict[str, str]:
        """The commits of a history that was looked through that are new ones, old ids to new ones."""
        return {oid: new for oid in self._changed(tip) if (new := self._known(oid)) is not None}

    def _known(self, oid: str) -> str | None:
        verdict = self._commits.get(oid)
        if verdict is None:
            verdict = self._verdicts.get("c:" + oid)
            if verdict is None or not self._stands(verdict):
                return None  # not looked at, or pruned since: made again
            self._commits[oid] = verdict
        return oid if verdict == CLEAN else str(json.loads(verdict)["to"])

    def _stands(self, verdict: str) -> bool:
        return verdict == CLEAN or self._objects.has(json.loads(verdict)["to"])

    def _judged(self, oid: str, verdict: str) -> None:
        self._commits[oid] = verdict
        self._verdicts.put("c:" + oid, verdict)

    def _hits(self, oid: str) -> list[Hit]:
        verdict = self._commits.get(oid, CLEAN)
        return [] if verdict == CLEAN else [Hit(*hit) for hit in json.loads(verdict)["hits"]]

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
        if self._weight > _WEIGHT_MAX:
            self._trees.clear()
            self._weight = 0
        # Parents stand before their children, so each has its verdict: an unknown one must never pass as clean.
        parents = [self._parent(parent) for parent in commit.parents]
        tree, hits = self._root(commit.tree)
        news = self._news(commit, hits) if hits else []
        text, said = self._message(commit.message, cut=bool(news) or any(hit.where == layout.META_FILE for hit in hits))
        author, committer = self._ident(commit.author), self._ident(commit.committer)
        made_of = (tree, tuple(parents), author, committer, text)
        if made_of == (commit.tree, commit.parents, commit.author, commit.committer, commit.message):
            self._judged(oid, CLEAN)
            return
        made = self._objects.write_commit(tree, parents, author, committer, text)
        news += [Hit("commit message", "", -1, masked.rule, masked.mark, 1) for masked in said]
        self._judged(oid, json.dumps({"to": made, "hits": news}))
        self._judged(made, CLEAN)

    def _news(self, commit: Commit, hits: list[Hit]) -> list[Hit]:
        """What no parent holds."""
        before = {hit for parent in commit.parents for hit in self._root(self._objects.commit(parent).tree)[1]}
        return [hit for hit in hits if hit not in before]

    def _parent(self, oid: str) -> str:
        known = self._known(oid)
        if known is None:
            raise AssertionError("a parent was looked through before its child")
        return known

    def _ident(self, ident: Ident) -> Ident:
        """Who, without secrets: an agent's name is its author's."""
        if ident not in self._idents:
            name, email = self._redactor.text(ident.name).value, self._redactor.text(ident.email).value
            self._idents[ident] = ident._replace(name=name, email=email)
        return self._idents[ident]

    def _message(self, message: bytes, *, cut: bool) -> tuple[bytes, Sequence[Masked]]:
        def restored(found: re.Match[bytes]) -> bytes:
            oid = found[2].decode()
            return found[1] + (self._known(oid) or oid).encode()

        whole = message.decode("utf-8", "surrogateescape")
        redacted = self._redactor.text(_CUT.sub(r"\1…", whole) if cut else whole)
        text = message if redacted.value == whole else redacted.value.encode("utf-8", "surrogateescape")
        return _RESTORES.sub(restored, text), redacted.masked

    # -- trees ----------------------------------------------------------------------------------------------------

    def _root(self, oid: str) -> tuple[str, list[Hit]]:
        known = self._trees.get((oid, ""))
        if known is not None:
            return known
        entries = self._objects.tree(oid)
        told = [
            layout.parse_format(self._objects.blob(entry.oid)) for entry in entries if entry.name == layout.FORMAT_FILE
        ]
        number = told[0] if told else None
        made: list[TreeEntry] = []
        hits: list[Hit] = []
        for entry in entries:
            changed, found = self._top(entry, number)
            made.append(changed)
            hits += found
        return self._keep((oid, ""), entries, made, hits)

    def _top(self, entry: TreeEntry, number: int | None) -> tuple[TreeEntry, list[Hit]]:
        if number is not None and entry.name == layout.FORMAT_FILE:
            return entry, []  # it says a number and nothing else
        if number is not None and entry.name == layout.TIMELINE and entry.mode == TREE:
            newer = number != layout.FORMAT_NUMBER
            return self._mapped(entry, self._folders(entry.oid, ("newer",) if newer else (), 2, newer=newer))
        if number == layout.FORMAT_NUMBER and entry.name == layout.META_FILE:
            return self._mapped(entry, self._files.meta(entry))
        return self._any(entry, entry.name)

    def _folders(self, oid: str, above: tuple[str, ...], depth: int, *, newer: bool) -> tuple[str, list[Hit]]:
        place = (oid, "/".join([layout.TIMELINE, *above]))
        known = self._trees.get(place)
        if known is not None:
            return known
        entries = self._objects.tree(oid)
        if depth == 0:
            made, hits = self._directory(entries, above, newer=newer)
        else:
            made, hits = [], []
            for entry in entries:
                if entry.mode != TREE:
                    changed, found = self._any(entry, "/".join([layout.TIMELINE, *above, entry.name]))
                else:
                    changed, found = self._mapped(
                        entry, self._folders(entry.oid, (*above, entry.name), depth - 1, newer=newer)
                    )
                made.append(changed)
                hits += found
        return self._keep(place, entries, made, hits)

    def _directory(
        self, entries: Sequence[TreeEntry], above: tuple[str, ...], *, newer: bool
    ) -> tuple[list[TreeEntry], list[Hit]]:
        made: list[TreeEntry] = []
        hits: list[Hit] = []
        groups, strange = grouped(entries, newer=newer)
        above = above[newer:]
        for entry in strange:
            changed, found = self._any(entry, "/".join([layout.TIMELINE, *above, entry.name]))
            made.append(changed)
            hits += found
        for digits, files in groups.items():
            position = int("".join(above) + digits) if all(name.isdigit() for name in above) else -1
            changed_files, found = self._files.entry(digits, files, position)
            made += changed_files
            hits += found
        return made, hits

    def _keep(
        self, place: tuple[str, str], entries: Sequence[TreeEntry], made: list[TreeEntry], hits: list[Hit]
    ) -> tuple[str, list[Hit]]:
        same = sorted(entries) == sorted(made)
        self._weight += 1 + len(hits)
        self._trees[place] = (place[0] if same else self._objects.write_tree(made), hits)
        return self._trees[place]

    @staticmethod
    def _mapped(entry: TreeEntry, result: tuple[str, list[Hit]]) -> tuple[TreeEntry, list[Hit]]:
        return entry._replace(oid=result[0]), result[1]

    def _any(self, entry: TreeEntry, path: str) -> tuple[TreeEntry, list[Hit]]:
        """A file or folder that is none of the format's, or of a newer one: whatever is text in it."""
        named = self._redactor.text(entry.name)
        said = [Hit(path, "", -1, masked.rule, masked.mark, 1) for masked in named.masked]
        if entry.mode == TREE:
            told = self._any_folder(entry.oid, path)
        elif entry.mode.startswith("100") or entry.mode == _LINK:
            told = self._files.plain(entry, path)
        else:
            told = (entry.oid, [])
        changed, hits = self._mapped(entry, told)
        return changed._replace(name=named.value), said + hits

    def _any_folder(self, oid: str, path: str) -> tuple[str, list[Hit]]:
        place = (oid, "any:" + path)
        known = self._trees.get(place)
        if known is not None:
            return known
        entries = self._objects.tree(oid)
        parts = [self._any(below, f"{path}/{below.name}") for below in entries]
        # Two names may become one: the first stays, which has no less of the secret taken out.
        made = list({part.name: part for part, _ in reversed(parts)}.values())
        return self._keep(place, entries, made, [hit for _, found in parts for hit in found])
