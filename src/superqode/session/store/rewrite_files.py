"""The files of a session's tree without their secrets: entries, `session.json`, and whatever else stands there.

Each verdict is cached by the ids of the objects it is about, so equal files are looked through once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from superqode.session.codec import jsontext, layout
from superqode.session.codec.entry import decode_entry, encode_entry, split_text
from superqode.session.codec.meta import Meta, decode_meta, encode_meta
from superqode.session.errors import InvalidEntry, InvalidSession
from superqode.session.git.object_codec import BLOB, TreeEntry
from superqode.session.git.objects import Objects
from superqode.session.redaction import Masked, Redactor
from superqode.session.store.index.verdicts import CLEAN, Verdicts

__all__ = ["META_KEPT", "CleanFiles", "EntryParts", "Hit", "grouped"]

# Ids say which entry or session it is; everything else in session.json may hold text that somebody wrote.
META_KEPT: Final = frozenset(("id", "created_at", "parent_session_id"))


class Hit(NamedTuple):
    """Secrets of one kind in one thing."""

    where: str
    entry_id: str
    position: int
    rule: str
    mark: str
    times: int


@dataclass(slots=True)
class EntryParts:
    """The files of one entry in a directory, as a tree lists them."""

    json: TreeEntry | None
    sides: list[TreeEntry]
    label: str
    newer: bool = False

    @property
    def all(self) -> list[TreeEntry]:
        """All of them, the side text first."""
        return [*self.sides, *([self.json] if self.json is not None else [])]

    @property
    def key(self) -> str:
        """Names their content, for the cache."""
        whole = "" if self.json is None else self.json.oid
        return ":".join(["n" if self.newer else "e", self.label, whole, *(entry.oid for entry in self.sides)])


class CleanFiles:
    """Gives files without their secrets.

    Args:
        objects: where they are, and where new ones are written.
        redactor: what is taken out.
        verdicts: where it remembers what it has seen.
    """

    def __init__(self, objects: Objects, redactor: Redactor, verdicts: Verdicts) -> None:
        self._objects = objects
        self._redactor = redactor
        self._verdicts = verdicts

    def entry(self, digits: str, files: EntryParts, position: int) -> tuple[list[TreeEntry], list[Hit]]:
        """The files of an entry as they shall be, and what was masked in them."""
        verdict = self._verdicts.get(files.key)
        if verdict is None or not self._there(verdict):
            verdict = self._judge_entry(files)
            self._verdicts.put(files.key, verdict)
        if verdict == CLEAN:
            return files.all, []
        told = json.loads(verdict)
        made = [TreeEntry(BLOB, digits + name, oid) for name, oid in told["files"]]
        where = "call" if files.label == "call" else "message"
        return made, [Hit(where, told["id"], position, rule, mark, count) for rule, mark, count in told["hits"]]

    def _judge_entry(self, files: EntryParts) -> str:
        side = b"".join([self._blob(entry) for entry in files.sides]) if files.sides else None
        if files.json is None or files.newer:
            return self._judge_files(files)
        data = self._blob(files.json)
        try:
            entry = decode_entry(data, files.label, side)
        except InvalidEntry:
            return self._judge_files(files)
        redacted = self._redactor.entry(entry)
        if not redacted.masked:
            # What somebody else wrote may say more than we read: the same key twice, say.
            *_, (_, told) = encode_entry(entry, "00")
            return CLEAN if told == data else self._judge_files(files)
        made = [(name[2:], self._objects.write("blob", data)) for name, data in encode_entry(redacted.value, "00")]
        return json.dumps({"id": entry.id, "files": made, "hits": _summed(redacted.masked)})

    def _judge_files(self, files: EntryParts) -> str:
        """An entry that cannot be read as one: its files are text, the parts of a side text one text."""
        made: list[tuple[str, str]] = []
        masked: list[Masked] = []
        lengths: list[tuple[str, int, int]] = []
        fields: dict[str, list[TreeEntry]] = {}
        for entry in files.sides:
            fields.setdefault(_field(entry), []).append(entry)
        for field, parts in fields.items():
            whole = b"".join([self._blob(part) for part in parts])
            told, found = self._redacted(whole)
            masked += found
            if not found:
                made += [(part.name[2:], part.oid) for part in parts]
                continue
            lengths.append((field, len(whole), len(told)))
            pieces = list(split_text(told))
            names = layout.side_names("-" + files.label, field, len(pieces))
            made += [(name, self._objects.write("blob", piece)) for name, piece in zip(names, pieces, strict=True)]
        if files.json is not None:
            data, found = self._redacted(self._blob(files.json))
            masked += found
            for field, old, new in lengths:
                data = re.sub(rb'("%s_bytes"\s*:\s*)%d\b' % (field.encode(), old), rb"\g<1>%d" % new, data)
            made.append((files.json.name[2:], self._objects.write("blob", data)))
        return json.dumps({"id": "", "files": made, "hits": _summed(masked)}) if masked else CLEAN

    def meta(self, entry: TreeEntry) -> tuple[str, list[Hit]]:
        """The blob of `session.json` as it shall be, and what was masked in it."""

        def judge() -> tuple[str, Sequence[Masked]]:
            try:
                meta = decode_meta(self._blob(entry))
            except InvalidSession:
                return self._text(entry.oid)
            values = _plain(meta)
            masked: list[Masked] = []
            # One by one: a secret that is called like a field must not change the field's name.
            for name in [name for name in values if name not in META_KEPT]:
                redacted = self._redactor.value(values[name])
                values[name] = redacted.value
                masked += redacted.masked
            if not masked:
                return self._text(entry.oid) if encode_meta(meta) != self._blob(entry) else (entry.oid, ())
            return self._objects.write("blob", encode_meta(Meta.model_validate(values))), masked

        return self._blob_verdict("m:" + entry.oid, entry.oid, layout.META_FILE, judge)

    def _blob_verdict(
        self, key: str, oid: str, where: str, judge: Callable[[], tuple[str, Sequence[Masked]]]
    ) -> tuple[str, list[Hit]]:
        verdict = self._verdicts.get(key)
        if verdict is None or not self._there(verdict):
            made, masked = judge()
            verdict = json.dumps({"files": [("", made)], "hits": _summed(masked)}) if masked else CLEAN
            self._verdicts.put(key, verdict)
        if verdict == CLEAN:
            return oid, []
        told = json.loads(verdict)
        return told["files"][0][1], [Hit(where, "", -1, rule, mark, count) for rule, mark, count in told["hits"]]

    def _there(self, verdict: str) -> bool:
        """Whether what a cached verdict names was not pruned since."""
        return verdict == CLEAN or all(self._objects.has(oid) for _, oid in json.loads(verdict)["files"])

    def plain(self, entry: TreeEntry, path: str) -> tuple[str, list[Hit]]:
        """The blob of a file that is none of the format's, or of a newer one: whatever is text in it."""
        return self._blob_verdict("b:" + entry.oid, entry.oid, path, lambda: self._text(entry.oid))

    def _text(self, oid: str) -> tuple[str, Sequence[Masked]]:
        data, masked = self._redacted(self._objects.blob(oid))
        return (self._objects.write("blob", data) if masked else oid), masked

    def _redacted(self, data: bytes) -> tuple[bytes, Sequence[Masked]]:
        redacted = self._redactor.text(data.decode("utf-8", "surrogateescape"))
        return (redacted.value.encode("utf-8", "surrogateescape") if redacted.masked else data), redacted.masked

    def _blob(self, entry: TreeEntry) -> bytes:
        return self._objects.blob(entry.oid)


def _field(entry: TreeEntry) -> str:
    name = layout.parse_name(entry.name)
    return name.field if name is not None else ""


def grouped(entries: Sequence[TreeEntry], *, newer: bool) -> tuple[dict[str, EntryParts], list[TreeEntry]]:
    """The entries of a directory by their two digits, and the files that are none of the format's."""
    groups: dict[str, EntryParts] = {}
    strange: list[TreeEntry] = []
    for entry in entries:
        name = layout.parse_name(entry.name)
        if name is None or entry.mode != BLOB:
            strange.append(entry)
            continue
        files = groups.setdefault(name.digits, EntryParts(None, [], name.label, newer))
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
