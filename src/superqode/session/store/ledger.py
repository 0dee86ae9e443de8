"""The ledger: what a store must remember beyond its sessions, and never hands out. `refs/superqode/ledger`.

    format                      superqode-ledger 1
    marks.json                  the key of redaction marks
    shares/<share id>.json      what this store shared, with the keys that updating needs
    seen/<share id>.json        the newest state of others' shares that was seen here
    handoffs/<agent>.<id>.json  which session an agent has under that id, and what it was handed of it

Each change is a commit without parents: what was removed or scrubbed is not kept in a history. It travels with backups.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from superqode.session import entropy
from superqode.session.codec import jsontext
from superqode.session.errors import CorruptLedger, CorruptObject, NewerFormat
from superqode.session.git.object_codec import BLOB, TREE, TreeEntry
from superqode.session.git.repository import Repository

__all__ = ["HANDOFFS", "LEDGER", "MARKS", "SEEN", "SHARES", "Document", "Ledger", "is_format", "share_alone"]

LEDGER: Final = "refs/superqode/ledger"
SHARES: Final = "shares"
SEEN: Final = "seen"
HANDOFFS: Final = "handoffs"
_FORMAT: Final = 1
MARKS: Final = "marks.json"
_ENDING: Final = ".json"
_KEY_SIZE: Final = 32
_FORMAT_LINE: Final = re.compile(r"superqode-ledger ([0-9]{1,9})\n")

Document = dict[str, Any]


def is_format(data: bytes) -> bool:
    """Whether this is the file `format` of a ledger, of whatever version."""
    return _FORMAT_LINE.fullmatch(data.decode("utf-8", "replace")) is not None


@contextmanager
def share_alone(repository: Repository, *share_ids: str) -> Iterator[None]:
    """Keep others from changing these shares meanwhile; taken before any other lock.

    Raises:
        StoreLocked: another process was at one all that time.
    """
    with ExitStack() as held:
        # One of 32 locks for each: two shares rarely wait for each other, and no lock is left for each. In one order,
        # so that two who want several do not wait for each other for ever.
        for letter in sorted({share_id[0] for share_id in share_ids}):
            held.enter_context(repository.alone(f"share-{letter}"))
        yield


class Ledger:
    """The ledger of one store; safe beside other processes.

    Args:
        repository: the store.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    # -- reading --------------------------------------------------------------------------------------------------

    def documents(self, folder: str) -> dict[str, Document]:
        """All documents of a folder, by name.

        Raises:
            CorruptLedger: the ledger is damaged.
            NewerFormat: a newer superqode wrote it.
        """
        root = self._root()
        return {
            entry.name.removesuffix(_ENDING): self._document(entry)
            for entry in self._entries(root.get(folder))
            if entry.name.endswith(_ENDING)
        }

    def names(self, folder: str) -> list[str]:
        """The names of a folder's documents, sorted."""
        found = self._entries(self._root().get(folder))
        return [entry.name.removesuffix(_ENDING) for entry in found if entry.name.endswith(_ENDING)]

    def document(self, folder: str, name: str) -> Document | None:
        """One document, or `None` where there is none; raises as `documents`."""
        for entry in self._entries(self._root().get(folder)):
            if entry.name == name + _ENDING:
                return self._document(entry)
        return None

    def files(self) -> dict[str, str]:
        """The blobs of all documents, by their path in the ledger's tree; raises as `documents`."""
        found: dict[str, str] = {}
        for entry in self._root().values():
            if entry.mode == TREE:
                found |= {f"{entry.name}/{below.name}": below.oid for below in self._entries(entry)}
            else:
                found[entry.name] = entry.oid
        return found

    def mark_key(self) -> bytes:
        """The key of redaction marks, 32 bytes; made when it is first asked for."""
        entry = self._root().get(MARKS)
        if entry is None:
            made = {"key": base64.b64encode(entropy.random_bytes(_KEY_SIZE)).decode()}
            self._change(lambda root: self._with_marks(root, made), "ledger: a key for redaction marks")
            entry = self._root()[MARKS]
        try:
            key = base64.b64decode(self._document(entry)["key"], validate=True)
        except (KeyError, TypeError, ValueError) as problem:  # b64decode tells of other than ASCII with ValueError
            raise _damaged(MARKS) from problem
        if len(key) != _KEY_SIZE:
            raise _damaged(MARKS)
        return key

    # -- writing --------------------------------------------------------------------------------------------------

    def put(self, folder: str, documents: Mapping[str, Document | None], reason: str) -> None:
        """Write documents, or remove those that are `None`, in one durable commit.

        Args:
            folder: the folder they are in.
            documents: by name.
            reason: the commit's subject.
        """

        def change(root: dict[str, TreeEntry]) -> dict[str, TreeEntry]:
            files = {entry.name: entry for entry in self._entries(root.get(folder))}
            for name, document in documents.items():
                files.pop(name + _ENDING, None)
                if document is not None:
                    files[name + _ENDING] = self._written(name + _ENDING, document)
            kept = {name: entry for name, entry in root.items() if name != folder}
            if files:
                kept[folder] = TreeEntry(TREE, folder, self._repository.objects.write_tree(files.values()))
            return kept

        self._change(change, reason)

    def adopt(self, changes: Mapping[str, tuple[str | None, str | None]], reason: str) -> None:
        """Put blobs that are in the store in the place of documents, each only where nobody changed it meanwhile.

        Args:
            changes: by path: the blob that is there (`None` for none), and the one that shall be (`None` to remove it).
            reason: the commit's subject.
        """

        def change(root: dict[str, TreeEntry]) -> dict[str, TreeEntry]:
            folders = {
                name: {e.name: e for e in self._entries(entry)} for name, entry in root.items() if _is_tree(entry)
            }
            top = {name: entry for name, entry in root.items() if not _is_tree(entry)}
            for path, (before, after) in changes.items():
                folder, _, name = path.rpartition("/")
                place = folders.setdefault(folder, {}) if folder else top
                found = place.pop(name, None)
                if (found.oid if found is not None else None) != before:
                    place |= {name: found} if found is not None else {}
                elif after is not None:
                    place[name] = TreeEntry(BLOB, name, after)
            trees = {
                name: self._repository.objects.write_tree(files.values()) for name, files in folders.items() if files
            }
            return top | {name: TreeEntry(TREE, name, oid) for name, oid in trees.items()}

        self._change(change, reason)

    def rename_session(self, old: str, new: str) -> None:
        """Let the shares and hand-offs of a session follow its renaming."""
        for folder in (SHARES, HANDOFFS):
            self._change_documents(
                folder, old, lambda document: {**document, "session_id": new}, "ledger: a session was renamed"
            )

    def change_shares(self, session_id: str, change: Callable[[Document], Document], reason: str) -> None:
        """Change what is remembered of each share of a session.

        Args:
            session_id: the session.
            change: gives a document as it shall be.
            reason: the commit's subject.
        """
        self._change_documents(SHARES, session_id, change, reason)

    def _change_documents(
        self, folder: str, session_id: str, change: Callable[[Document], Document], reason: str
    ) -> None:
        def change_all(root: dict[str, TreeEntry]) -> dict[str, TreeEntry]:
            files = {entry.name: entry for entry in self._entries(root.get(folder))}
            for name, entry in list(files.items()):
                document = self._document(entry) if name.endswith(_ENDING) else {}
                if document.get("session_id") == session_id:
                    files[name] = self._written(name, change(document))
            return {**root, folder: TreeEntry(TREE, folder, self._repository.objects.write_tree(files.values()))}

        if self.names(folder):
            # Read under the lock: what another process writes to a document meanwhile must not be written over.
            self._change(change_all, reason)

    def _with_marks(self, root: dict[str, TreeEntry], made: Document) -> dict[str, TreeEntry]:
        # Another process may have made one meanwhile: then that one counts.
        return root if MARKS in root else {**root, MARKS: self._written(MARKS, made)}

    def _change(self, change: Callable[[dict[str, TreeEntry]], dict[str, TreeEntry]], reason: str) -> None:
        repository = self._repository
        objects, refs = repository.objects, repository.refs
        with repository.alone("ledger"), repository.writing():
            root = change(self._root())
            old = refs.read(LEDGER)
            root["format"] = TreeEntry(BLOB, "format", objects.write("blob", f"superqode-ledger {_FORMAT}\n".encode()))
            tree = objects.write_tree(root.values())
            if old is not None and objects.commit(old).tree == tree:
                return
            ident = repository.committer()
            commit = objects.write_commit(tree, (), ident, ident, f"{reason}\n".encode())
            repository.flush()
            refs.update(LEDGER, commit, old, ident=ident, reason="")
            repository.flush([str(repository.path / LEDGER)])

    def _written(self, name: str, document: Document) -> TreeEntry:
        return TreeEntry(BLOB, name, self._repository.objects.write("blob", jsontext.dump_document(document)))

    # -- trees ----------------------------------------------------------------------------------------------------

    def _root(self) -> dict[str, TreeEntry]:
        found = self._newest()
        if found is None:
            return {}
        root, told = found
        number = _FORMAT_LINE.fullmatch(told)
        if number is None:
            raise _damaged("format")
        if int(number[1]) > _FORMAT:
            raise NewerFormat("The store's ledger", number[1], _FORMAT)
        return root

    def _newest(self) -> tuple[dict[str, TreeEntry], str] | None:
        """What the ledger's tree has now, and what its `format` says; `None` where there is no ledger."""
        refs, objects = self._repository.refs, self._repository.objects
        try:
            tip = refs.read(LEDGER)
            while tip is not None:
                try:
                    root = {entry.name: entry for entry in objects.tree(objects.commit(tip).tree)}
                    told = objects.blob(root["format"].oid) if "format" in root else b""
                except CorruptObject:
                    # What it was at before may be freed as soon as it has moved.
                    before, tip = tip, refs.read(LEDGER)
                    if before == tip:
                        raise
                else:
                    return root, told.decode("ascii", "replace")
        except CorruptObject as problem:
            raise _damaged(LEDGER) from problem
        return None

    def _entries(self, folder: TreeEntry | None) -> tuple[TreeEntry, ...]:
        if folder is None:
            return ()
        try:
            return self._repository.objects.tree(folder.oid)
        except CorruptObject as problem:
            raise _damaged(folder.name) from problem

    def _document(self, entry: TreeEntry) -> Document:
        try:
            found = jsontext.load(self._repository.objects.blob(entry.oid))
        except (CorruptObject, ValueError) as problem:
            raise _damaged(entry.name) from problem
        if not isinstance(found, dict):
            raise _damaged(entry.name)
        return found


def _is_tree(entry: TreeEntry) -> bool:
    return entry.mode == TREE


def _damaged(what: str) -> CorruptLedger:
    return CorruptLedger(
        f"The store's ledger of shares is damaged at {what}. Sessions are not touched by that;"
        f" take it from a backup: `git fetch --force BACKUP {LEDGER}:{LEDGER}` in the store"
    )
