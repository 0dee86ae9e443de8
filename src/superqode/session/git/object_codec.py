"""Trees, commits and tags as Git stores them: bytes ⇄ values (git-cat-file(1), Git's Documentation/technical).

Parsed and written here, so that the save path never waits for libgit2.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from superqode.session.errors import CorruptObject

__all__ = [
    "BLOB",
    "TREE",
    "Commit",
    "Ident",
    "Tag",
    "TreeEntry",
    "parse_commit",
    "parse_tag",
    "parse_tree",
    "tree_line",
    "tree_order",
]

TREE: Final = "40000"
BLOB: Final = "100644"
_OID: Final = re.compile(rb"[0-9a-f]{40}")


class TreeEntry(NamedTuple):
    """One line of a tree: mode as Git writes it (`40000`, `100644`, …), name, id."""

    mode: str
    name: str
    oid: str


class Ident(NamedTuple):
    """Who and when: name, address, seconds since 1970, offset as `+0000`."""

    name: str
    email: str
    seconds: int
    offset: str = "+0000"

    def encode(self) -> bytes:
        """As it stands in a commit or tag."""
        return f"{self.name} <{self.email}> {self.seconds} {self.offset}".encode("utf-8", "replace")


class Commit(NamedTuple):
    """A commit: its tree, its parents, who made it, and its message as bytes."""

    tree: str
    parents: tuple[str, ...]
    author: Ident
    committer: Ident
    message: bytes


class Tag(NamedTuple):
    """An annotated tag: what it names, its name, who made it, and its message."""

    target: str
    kind: str
    name: str
    tagger: Ident
    message: str


def tree_line(entry: TreeEntry) -> bytes:
    """What a tree's content has for one entry."""
    return f"{entry.mode} {entry.name}\0".encode() + bytes.fromhex(entry.oid)


def tree_order(entry: TreeEntry) -> bytes:
    """By what a tree's entries are sorted: a directory as if its name ended with a slash."""
    name = entry.name.encode()
    return name + b"/" if entry.mode == TREE else name


def parse_tree(oid: str, data: bytes) -> list[TreeEntry]:
    """Read a tree's content; raises CorruptObject where it is none."""
    entries: list[TreeEntry] = []
    start, length = 0, len(data)
    try:
        while start < length:
            space = data.index(b" ", start)
            end = data.index(b"\0", space)
            if end + 21 > length:
                raise CorruptObject(oid, "its last entry is cut")
            entries.append(
                TreeEntry(
                    data[start:space].decode("ascii"),
                    data[space + 1 : end].decode(),
                    data[end + 1 : end + 21].hex(),
                )
            )
            start = end + 21
    except ValueError as problem:
        if isinstance(problem, CorruptObject):
            raise
        raise CorruptObject(oid, "it is no tree") from problem
    return entries


def _parse_ident(oid: str, data: bytes) -> Ident:
    who, _, when = data.rpartition(b"> ")
    name, _, email = who.partition(b" <")
    seconds, _, offset = when.partition(b" ")
    try:
        return Ident(
            name.decode("utf-8", "replace"),
            email.decode("utf-8", "replace"),
            int(seconds),
            offset.decode("ascii"),
        )
    except ValueError as problem:
        raise CorruptObject(oid, "an ident in it cannot be read") from problem


def _headers(data: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
    head, _, message = data.partition(b"\n\n")
    pairs: list[tuple[bytes, bytes]] = []
    for line in head.split(b"\n"):
        if line.startswith(b" "):  # the continuation of a signature or the like
            continue
        key, _, value = line.partition(b" ")
        pairs.append((key, value))
    return pairs, message


def _oid_text(oid: str, value: bytes) -> str:
    if _OID.fullmatch(value) is None:
        raise CorruptObject(oid, "it names something that is no object id")
    return value.decode("ascii")


def parse_commit(oid: str, data: bytes) -> Commit:
    """Read a commit's content; raises CorruptObject where it is none."""
    pairs, message = _headers(data)
    fields = dict(reversed(pairs))
    if not {b"tree", b"author", b"committer"} <= fields.keys():
        raise CorruptObject(oid, "it is no commit")
    return Commit(
        tree=_oid_text(oid, fields[b"tree"]),
        parents=tuple([_oid_text(oid, value) for key, value in pairs if key == b"parent"]),
        author=_parse_ident(oid, fields[b"author"]),
        committer=_parse_ident(oid, fields[b"committer"]),
        message=message,
    )


def parse_tag(oid: str, data: bytes) -> Tag:
    """Read an annotated tag's content; raises CorruptObject where it is none."""
    pairs, message = _headers(data)
    fields = dict(reversed(pairs))
    if not {b"object", b"type", b"tag"} <= fields.keys():
        raise CorruptObject(oid, "it is no tag")
    tagger = _parse_ident(oid, fields[b"tagger"]) if b"tagger" in fields else Ident("", "", 0)
    return Tag(
        target=_oid_text(oid, fields[b"object"]),
        kind=fields[b"type"].decode("ascii", "replace"),
        name=fields[b"tag"].decode("utf-8", "replace"),
        tagger=tagger,
        message=message.decode("utf-8", "replace").rstrip("\n"),
    )
