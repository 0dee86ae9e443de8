"""Snapshots ⇄ annotated tags `refs/tags/<session-id>/<snapshot-id>`; the tag's message is the description."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from itertools import chain, count
from types import MappingProxyType

from superqode.session import ids
from superqode.session.codec import message
from superqode.session.errors import CorruptObject, RefConflict, SaveFailed
from superqode.session.git.history import ancestors_among
from superqode.session.git.journal_record import RefMove
from superqode.session.git.object_codec import Ident, Tag
from superqode.session.git.refs import is_ref_name
from superqode.session.git.repository import TAGS, Repository
from superqode.session.models import Snapshot, SnapshotState

__all__ = ["free_id", "list_snapshots", "put_tag", "session_tags", "tag_ref", "tagged", "write_tag"]


def tag_ref(session_id: str, snapshot_id: str) -> str:
    """The ref of a snapshot; raises InvalidSessionId where a name cannot be one."""
    if not is_ref_name(TAGS + session_id):
        ids.validate_session_id(session_id)
    return f"{TAGS}{session_id}/{ids.validate_session_id(snapshot_id)}"


def write_tag(repository: Repository, session_id: str, snapshot: Snapshot, commit: str) -> RefMove:
    """Write the tag of a commit as a snapshot; gives how its ref has to move."""
    name = tag_ref(session_id, snapshot.id)
    who, email = repository.user()
    tagger = Ident(who, email, max(0, int(snapshot.created_at.timestamp())))
    tag = repository.objects.write_tag(commit, name.removeprefix(TAGS), tagger, snapshot.description)
    return RefMove(name, "", tag)


def put_tag(repository: Repository, session_id: str, move: RefMove, commit: str) -> bool:
    """Make the ref of a tag; one that is there already and names the same commit is as good. Says whether it was made.

    Raises:
        SaveFailed: it names another commit.
    """
    try:
        repository.refs.update(move.name, move.new, None, ident=repository.committer(), reason="snapshot")
    except RefConflict as problem:
        if tagged(repository, move.name) != commit:
            told = f"its snapshot {move.name.rpartition('/')[2]} was not"
            in_way = repository.refs.read(TAGS + session_id) is not None
            why = (
                f"refs/tags/{session_id} is in its way, `git tag -d {session_id}` removes it"
                if in_way
                else str(problem)
            )
            raise SaveFailed(session_id, "saved", f"{told}: {why}") from problem
        return False
    return True


def tagged(repository: Repository, name: str, description: str | None = None) -> str | None:
    """The commit that an annotated tag names; `None` where there is none, or none of that description."""
    try:
        oid = repository.refs.read(name)
        tag = repository.objects.tag(oid) if oid is not None else None
    except CorruptObject:
        return None
    return tag.target if tag is not None and description in (None, tag.message) else None


def free_id(snapshot_id: str, is_taken: Callable[[str], bool]) -> str:
    """The id, or where it is taken the first one with a number behind that is not."""
    candidates = (f"{snapshot_id[:120]}-{number}" for number in count(2))
    return next(name for name in chain((snapshot_id,), candidates) if not is_taken(name))


def _tags(repository: Repository, owners: Iterable[str]) -> dict[str, Tag]:
    found: dict[str, Tag] = {}
    for owner in owners:
        if not is_ref_name(TAGS + owner):
            continue
        for name, oid in repository.refs.items(f"{TAGS}{owner}/"):
            snapshot_id = name.removeprefix(f"{TAGS}{owner}/")
            if not ids.is_session_id(snapshot_id) or snapshot_id in found:
                continue
            try:
                tag = repository.objects.tag(oid)
            except CorruptObject:
                continue  # a plain tag, or damage that `verify` reports
            if tag.kind == "commit":
                found[snapshot_id] = tag
    return found


def session_tags(repository: Repository, owners: Iterable[str], tip: str) -> dict[str, Tag]:
    """The tags that may be a session's snapshots, by snapshot id: those under its names, and what a share tells."""
    told = message.shared_snapshots(repository.objects.commit(tip).message)
    return {shared.id: _tag_of(shared) for shared in told} | _tags(repository, dict.fromkeys(owners))


def _tag_of(shared: message.SharedSnapshot) -> Tag:
    """A snapshot that the commit of a public share tells of, until the first save tags it."""
    tagger = Ident("", "", max(0, int(shared.created_at.timestamp())))
    return Tag(shared.commit, "commit", shared.id, tagger, shared.description)


def list_snapshots(
    repository: Repository,
    owners: Iterable[str],
    tip: str,
    load: Callable[[str], SnapshotState],
    came: Mapping[str, Tag] = MappingProxyType({}),
) -> list[Snapshot]:
    """Give the snapshots of a session, oldest first.

    Args:
        repository: the store.
        owners: ids under which tags may stand: the branch's, and the one recorded in its tree.
        tip: the session's commit; only its ancestors count.
        load: reads the state of a commit, when asked for.
        came: tags that came with the commit, and stand nowhere yet.
    """
    tags = {**came, **session_tags(repository, owners, tip)}
    if not tags:
        return []
    reachable = ancestors_among(repository.objects, tip, {tag.target for tag in tags.values()})
    return sorted(
        (_snapshot(name, tag, load) for name, tag in tags.items() if tag.target in reachable),
        key=Snapshot.place,
    )


def _snapshot(snapshot_id: str, tag: Tag, load: Callable[[str], SnapshotState]) -> Snapshot:
    try:
        created_at = datetime.fromtimestamp(tag.tagger.seconds, UTC)
    except (OverflowError, ValueError, OSError):
        created_at = datetime.fromtimestamp(0, UTC)
    return Snapshot(snapshot_id, tag.message, created_at, commit=tag.target, load=lambda: load(tag.target))
