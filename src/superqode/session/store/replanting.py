"""Saves on a history that was scrubbed, written again on the one that replaced it.

    old ─ R ─ C          R was replaced by N: C becomes C', which has N's content where C has R's, and keeps its
    new ─ N ─ C'         message, author and times. Whoever does so, on whatever machine, gets the same commit.

Where two scrubs replaced one commit without knowing of each other, both are put together. Where nobody has what
replaced it any more, since that was purged, the commit goes with what only it had, and later saves keep what is theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Final

from superqode.session.git.object_codec import Commit, Ident
from superqode.session.git.objects import Objects
from superqode.session.store.combining import combine_text
from superqode.session.store.joined_trees import TreeJoiner
from superqode.session.store.scrubbed import Replaced
from superqode.session.store.substitution import Substitution

__all__ = ["Replanter"]

_RESTORES: Final = re.compile(rb"^(Superqode-Restores: )([0-9a-f]{40})", re.MULTILINE)
_COUNTS: Final = re.compile(rb"^(Superqode-(Messages|Tools): )[0-9]+", re.MULTILINE)
_SUBJECT: Final = re.compile(r"\A((?:[a-z]+(?: \([^)]*\))?: )?)[^\n]*")
_CUT: Final = "…"


class Replanter:
    """Gives what stands for commits and tags of histories that were scrubbed.

    Args:
        objects: where they are, and where new ones are written; the caller keeps pruning out.
        marks: what scrubs replaced.
        clean: commits that are known to be built on nothing that was replaced.
        purged: whether what replaced something may be gone on purpose. Where not, what is built on it stays as it is.
    """

    def __init__(
        self, objects: Objects, marks: Iterable[Replaced], *, clean: Iterable[str] = (), purged: bool = False
    ) -> None:
        self._objects = objects
        self._commits: dict[str, list[str]] = {}
        self._tags: dict[str, list[str]] = {}
        for mark in marks:
            for told, found in ((mark.commits, self._commits), (mark.tags, self._tags)):
                for old, new in told.items():
                    if new not in found.setdefault(old, []):
                        found[old].append(new)
        self._purged = purged
        self._made: dict[str, tuple[str, ...]] = {oid: (oid,) for oid in clean}
        self._substitution = Substitution(objects)
        self._trees = TreeJoiner(objects)
        self._twins = self._find_twins(self._commits)
        self._tag_twins = self._find_twins(self._tags)
        self._fresh = Replaced({}, {})
        self._told = False

    @property
    def fresh(self) -> Replaced:
        """What was written again, as far as no mark tells it: others have to know that it stands for the old."""
        told = ((self._fresh.commits, self._commits), (self._fresh.tags, self._tags))
        commits, tags = (
            {old: new for old, new in sorted(made.items()) if new not in known.get(old, ())} for made, known in told
        )
        return Replaced(commits, tags)

    def present(self) -> list[str]:
        """Which of the objects that were replaced are here; where none is, nothing can be built on one."""
        stands = self._objects.stands
        return [oid for found in (self._twins, self._commits, self._tags) for oid in found if stands(oid)]

    def kind(self, oid: str) -> str:
        """What an object was that was replaced, `commit` or `tag`; empty for any other."""
        return "commit" if oid in self._commits or oid in self._twins else "tag" if oid in self._tags else ""

    # -- commits --------------------------------------------------------------------------------------------------

    def commit(self, tip: str) -> str:
        """The commit that stands for one: itself where nothing it is built on was replaced, empty where it is gone.

        Raises:
            CorruptObject: its history is damaged.
        """
        waiting = [tip]
        begun: set[str] = set()
        while waiting:
            oid = waiting[-1]
            if oid in self._made:
                waiting.pop()
                continue
            needs = [] if oid in begun else [need for need in self._needs(oid) if need not in self._made]
            begun.add(oid)
            if needs:
                waiting += [need for need in needs if need not in begun]
                continue
            self._made[oid] = self._stands_for(oid)
            waiting.pop()
        return next(iter(self._made[tip]), "")

    def _needs(self, oid: str) -> list[str]:
        """What has to be known before a commit: what it is built on, and what replaced it."""
        news = self._ends(oid, self._commits) if oid in self._commits else []
        # Behind it are others that were replaced; what a later save brought back of them has to be known, too.
        alike = [oid] if self._objects.stands(oid) else []
        alike += [twin for twin in self._twins.get(oid, ()) if twin != oid]
        stands = self._objects.stands
        needs = [new for new in news if stands(new)]
        needs += [parent for twin in alike if stands(twin) for parent in self._objects.commit(twin).parents]
        return needs

    @staticmethod
    def _ends(oid: str, replaced: Mapping[str, Sequence[str]]) -> list[str]:
        """What replaced an object, and was not replaced itself; sorted."""
        ends, waiting, seen = set(), [oid], {oid}
        while waiting:
            for new in replaced.get(waiting.pop(), ()):
                if new not in replaced:
                    ends.add(new)
                elif new not in seen:
                    seen.add(new)
                    waiting.append(new)
        return sorted(ends)

    def _find_twins(self, replaced: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
        """Objects that replaced the same one, of scrubs that did not know of each other; sorted."""
        twins: dict[str, list[str]] = {}
        for oid in replaced:
            ends = self._ends(oid, replaced)
            if len(ends) > 1:
                group = sorted({*ends, *(twin for end in ends for twin in twins.get(end, ()))})
                twins |= dict.fromkeys(group, group)
        return twins

    def _stands_for(self, oid: str) -> tuple[str, ...]:
        if oid in self._twins:
            return self._united(oid)
        if oid not in self._commits:
            return (self._replant(oid),)
        made = {
            new for end in self._ends(oid, self._commits) for new in self._made.get(end, ()) if self._objects.has(new)
        }
        if len(made) != 1:
            return self._let_go(oid)
        (new,) = made
        self._learn(oid, new)
        return (new,)

    def _united(self, oid: str) -> tuple[str, ...]:
        """What two scrubs of one commit left, as one."""
        twins = self._twins[oid]
        if not all(self._objects.has(twin) for twin in twins):
            return self._let_go(oid)
        commits = [self._replanted(twin) for twin in twins]
        made = self._write(reduce(self._join, commits))
        for twin in twins:
            self._learn(twin, made)
            if twin != made:
                self._fresh.commits[twin] = made
                self._made[twin] = (made,)
        return (made,)

    def _learn(self, old: str, new: str) -> None:
        if not self._objects.has(old):
            return
        before, after = self._objects.commit(old), self._objects.commit(new)
        self._substitution.learn(before.tree, after.tree)
        for mine, theirs in ((before.author, after.author), (before.committer, after.committer)):
            self._substitution.learn_strings([mine.name, mine.email], [theirs.name, theirs.email])
        self._substitution.learn_strings(_subject(before.message), _subject(after.message))

    def _let_go(self, oid: str) -> tuple[str, ...]:
        """A commit whose replacement was purged: what is before it stands for it."""
        if not self._purged or not self._objects.has(oid):
            return (oid,)
        kept = self._parents(self._objects.commit(oid))
        self._substitution.drop(self._objects.commit(oid).tree, [self._objects.commit(parent).tree for parent in kept])
        return kept

    def _parents(self, commit: Commit) -> tuple[str, ...]:
        return tuple(dict.fromkeys(new for parent in commit.parents for new in self._made.get(parent, (parent,))))

    def _replant(self, oid: str) -> str:
        commit = self._objects.commit(oid)
        if self._parents(commit) == commit.parents:
            return oid
        made = self._fresh.commits[oid] = self._write(self._replanted(oid))
        return made

    def _replanted(self, oid: str) -> Commit:
        commit = self._objects.commit(oid)
        self._tell_tags()
        tree = self._substitution.tree(commit.tree)
        return Commit(
            tree,
            self._parents(commit),
            self._ident(commit.author),
            self._ident(commit.committer),
            self._message(commit.message, tree),
        )

    def _write(self, commit: Commit) -> str:
        return self._objects.write_commit(*commit)

    def _ident(self, ident: Ident) -> Ident:
        text = self._substitution.text
        return ident._replace(name=text(ident.name), email=text(ident.email))

    def _message(self, message: bytes, tree: str) -> bytes:
        def restored(found: re.Match[bytes]) -> bytes:
            stands = self._made.get(found[2].decode(), ())
            return found[1] + (stands[0].encode() if stands else found[2])

        whole = _RESTORES.sub(restored, message).decode("utf-8", "surrogateescape")
        subject, newline, rest = whole.partition("\n")
        told = (self._substitution.subject(subject) + newline + rest).encode("utf-8", "surrogateescape")
        if not self._substitution.drops:
            return told
        counts = dict(zip((b"Messages", b"Tools"), self._substitution.counts(tree), strict=True))
        return _COUNTS.sub(lambda found: found[1] + str(counts[found[2]]).encode(), told)

    # -- snapshots ------------------------------------------------------------------------------------------------

    def tag(self, oid: str) -> str:
        """The annotated tag that stands for one; empty where what it names is gone.

        Raises:
            CorruptObject: it is damaged, or the history it names.
        """
        ends = self._ends(oid, self._tags) or [oid]
        twins = sorted({twin for end in ends for twin in self._tag_twins.get(end, [end])})
        tags = [self._objects.tag(twin) for twin in twins if self._objects.has(twin)] or [self._objects.tag(oid)]
        self._tell_tags()
        tag = tags[0]
        target = self.commit(tag.target) if tag.kind == "commit" else tag.target
        text = self._substitution.text(reduce(combine_text, [tag.message for tag in tags]))
        if not target:
            return ""
        if len(tags) == 1 and (target, text) == (tag.target, tag.message):
            return twins[0] if self._objects.has(twins[0]) else oid
        made = self._objects.write_tag(target, tag.name, tag.tagger, text)
        self._fresh.tags.update({old: made for old in {oid, *twins} if old != made})
        return made

    def _tell_tags(self) -> None:
        """Learn the descriptions that are others now: a save that went back to a snapshot quotes its own."""
        if self._told:
            return
        self._told = True
        for old in sorted(oid for oid in self._tags if self._objects.has(oid)):
            before = self._objects.tag(old).message
            ends = [new for new in self._ends(old, self._tags) if self._objects.has(new)]
            if ends:
                after = reduce(combine_text, [self._objects.tag(new).message for new in ends])
                self._substitution.learn_strings(before, after)
            elif self._purged:
                self._substitution.drop_text(before)

    # -- two scrubs -----------------------------------------------------------------------------------------------

    def _join(self, one: Commit, other: Commit) -> Commit:
        """A commit that has neither what one scrub took out nor what the other did."""
        idents = [
            mine._replace(name=combine_text(mine.name, theirs.name), email=combine_text(mine.email, theirs.email))
            for mine, theirs in ((one.author, other.author), (one.committer, other.committer))
        ]
        return one._replace(
            tree=self._trees.join(one.tree, other.tree),
            parents=tuple(dict.fromkeys((*one.parents, *other.parents))),
            author=idents[0],
            committer=idents[1],
            message=self._join_messages(one.message, other.message),
        )

    @staticmethod
    def _join_messages(one: bytes, other: bytes) -> bytes:
        texts = [text.decode("utf-8", "surrogateescape") for text in (one, other)]
        lines = [text.split("\n") for text in texts]
        if len(lines[0]) != len(lines[1]):
            lines = [[part] for part in texts]
        made = [mine if mine == theirs else _join_lines(mine, theirs) for mine, theirs in zip(*lines, strict=True)]
        return "\n".join(made).encode("utf-8", "surrogateescape")


def _subject(message: bytes) -> str:
    """The first line of a message, which an undo quotes."""
    return message.partition(b"\n")[0].decode("utf-8", "surrogateescape")


def _join_lines(one: str, other: str) -> str:
    """A scrub leaves of a subject that was cut only who spoke."""
    for line in (one, other):
        begun = _SUBJECT.match(line)
        if begun is not None and line == begun[1] + _CUT and one.startswith(begun[1]) and other.startswith(begun[1]):
            return line
    return combine_text(one, other)
