"""Which session has which kept original: refs that follow the session wherever it goes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from superqode.session.codec.jsontext import dump_text
from superqode.session.codec.layout import PART_MAX
from superqode.session.errors import CorruptObject, CorruptSession
from superqode.session.git.repository import HEADS
from superqode.session.store.sources import KEPT, Original, forgotten, read_original
from superqode.session.store.state import read_tree
from superqode.session.store.trash import TRASH

if TYPE_CHECKING:
    from superqode.session.git.repository import Repository
    from superqode.session.store.results import TrashItem

__all__ = [
    "drop_original",
    "follow_to",
    "forget_original",
    "forget_purged",
    "holds",
    "kept_ids",
    "open_original",
    "point_at",
]

_SCRUBBED: Final = "scrubbed"


def kept_ids(repository: Repository) -> list[str]:
    """The ids of the sessions that have an original, sorted."""
    return [name.removeprefix(KEPT) for name in repository.refs.names(KEPT)]


def open_original(repository: Repository, session_id: str) -> Original | None:
    """The original of a session, also of one that plain git renamed; `None` where none was ever kept.

    Raises:
        CorruptSession, NewerFormat: as `read_original`.
    """
    found = read_original(repository, session_id)
    if found is not None:
        return found
    told = _id_in(repository, repository.refs.read(HEADS + session_id), session_id)
    # A fork says its parent's id until its first save: the parent's original is not its own.
    if told in ("", session_id) or repository.refs.read(HEADS + told) is not None:
        return None
    return read_original(repository, told)


def _id_in(repository: Repository, tip: str | None, session_id: str) -> str:
    """The id that a session's tree says; empty where it cannot be read."""
    try:
        return "" if tip is None else read_tree(repository.objects, repository.objects.commit(tip), session_id).meta.id
    except (CorruptObject, CorruptSession):
        return ""


def point_at(repository: Repository, session_ids: Iterable[str], commit: str) -> None:
    """Let sessions have the original in a commit; those whose original was dropped are left alone."""
    for session_id in session_ids:
        with repository.writing(session_id):
            before = repository.refs.read(KEPT + session_id)
            if before != commit and not (before is not None and _is_dropped(repository, session_id)):
                repository.refs.update(KEPT + session_id, commit, before, ident=repository.committer(), reason="")


def _is_dropped(repository: Repository, session_id: str) -> bool:
    try:
        original = read_original(repository, session_id)
    except CorruptSession:
        return False  # a whole one heals it
    return original is not None and bool(original.dropped)


def follow_to(repository: Repository, old: str, new: str) -> None:
    """Let a session have its original under another id, too. The caller holds that id's lock."""
    commit = repository.refs.read(KEPT + old)
    before = repository.refs.read(KEPT + new)
    if commit not in (None, before):
        repository.refs.update(KEPT + new, commit, before, ident=repository.committer(), reason="")


def forget_original(repository: Repository, session_id: str) -> None:
    """Forget the original of a session that is neither there nor in the trash any more; the caller holds no lock."""
    refs = repository.refs
    with repository.writing(session_id):
        commit = refs.read(KEPT + session_id)
        there = refs.read(HEADS + session_id) is not None or bool(refs.names(f"{TRASH}{session_id}/"))
        if commit is not None and not there:
            refs.delete(KEPT + session_id, commit)


def forget_purged(repository: Repository, item: TrashItem) -> None:
    """Forget the original of a session that was purged, also where plain git had renamed it."""
    for session_id in {item.session_id, _id_in(repository, item.tip, item.session_id)} - {""}:
        forget_original(repository, session_id)


def drop_original(repository: Repository, session_id: str) -> tuple[str, ...]:
    """Drop the original of a session that was scrubbed, and of all sessions it may hold; gives the ids of these.

    All originals go that share the commit, or have a file of the same name: another state of it holds the secret, too.
    """
    own = _names(repository, session_id)
    if own is None:
        return ()
    commit = repository.refs.read(KEPT + session_id)
    dropped: list[str] = []
    for name, oid in repository.refs.items(KEPT):
        other = name.removeprefix(KEPT)
        if oid != commit and own.isdisjoint(_names(repository, other) or ()):
            continue
        with repository.writing(other):
            stone = forgotten(repository.objects, _SCRUBBED)
            repository.flush()
            before = repository.refs.read(name)
            if before is not None and before != stone:
                repository.refs.update(name, stone, before, ident=repository.committer(), reason="")
                dropped.append(other)
    repository.flush([str(repository.path / KEPT / other) for other in dropped])
    return tuple(dropped)


def _names(repository: Repository, session_id: str) -> frozenset[str] | None:
    """The names of an original's files; `None` where there is none, and nothing to drop."""
    try:
        original = read_original(repository, session_id)
    except CorruptSession:
        return frozenset()
    return None if original is None or original.dropped else frozenset(file.name for file in original.files)


def holds(repository: Repository, session_id: str, secrets: Sequence[str]) -> bool:
    """Whether an original has one of these texts in its bytes, as it is or as JSON escapes it."""
    original = open_original(repository, session_id)
    spellings = {text.encode("utf-8", "surrogatepass") for secret in secrets for text in (secret, *_in_json(secret))}
    if original is None or not spellings:
        return False
    overlap = max(map(len, spellings)) - 1
    for file in original.files:
        tail = b""
        with original.open_file(file.name) as stream:
            while block := stream.read(PART_MAX):
                if any(spelling in tail + block for spelling in spellings):
                    return True
                tail = (tail + block)[-overlap:] if overlap else b""
    return False


def _in_json(text: str) -> tuple[str, str]:
    return dump_text(text)[1:-1], json.dumps(text)[1:-1]
