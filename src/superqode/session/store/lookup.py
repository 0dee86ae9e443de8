"""Names people type → sessions, saves and commits: ids by prefix, `@latest`, revisions."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Final

from superqode.session.errors import (
    AmbiguousId,
    CorruptObject,
    CorruptSession,
    NewerFormat,
    RevisionNotFound,
    SessionNotFound,
)
from superqode.session.git.history import ancestors, first_parents
from superqode.session.git.repository import Repository
from superqode.session.lazy import lazy_modules
from superqode.session.store.branches import near_ids, session_ids

if TYPE_CHECKING:
    from superqode.session.store import loading, snapshots, state
    from superqode.session.store.results import SessionSummary
else:
    loading, snapshots, state = lazy_modules("superqode.session.store", "loading", "snapshots", "state")

__all__ = ["match_id", "resolve_revision"]

_OBJECT: Final = re.compile(r"[0-9a-f]{4,40}")
_SHOWN: Final = 3
_TITLE_SHOWN: Final = 60
# What people type for `@latest`.
_LATEST: Final = ("last", "latest", "newest")
_BACK: Final = re.compile(r"~(\d{1,9})")


def match_id(repository: Repository, text: str, titled: Callable[[], Sequence[SessionSummary]]) -> str:
    """The session a text names: its id, the beginning of exactly one, or, where no id is like it, a whole title.

    Args:
        repository: the store.
        text: what was asked for.
        titled: gives the sessions with the text somewhere in their title or tags.

    Raises:
        SessionNotFound, AmbiguousId: it names none, or several.
    """
    found = session_ids(repository, beginning=text) if text else []
    if text in found:
        return text
    if not found:
        return _match_title(repository, text, titled() if text else ())
    if len(found) > 1:
        raise AmbiguousId(text, found)
    return found[0]


def _match_title(repository: Repository, text: str, titled: Sequence[SessionSummary]) -> str:
    folded = text.casefold()
    whole = [item.id for item in titled if item.title.casefold() == folded]
    if len(whole) > 1:
        raise AmbiguousId(text, whole)
    if whole:
        return whole[0]
    if folded.strip("@") in _LATEST:
        raise SessionNotFound(text, hint=" Did you mean @latest?")
    near = near_ids(repository, text)
    within = [item for item in titled if folded in item.title.casefold()][:_SHOWN]
    if within and not near:
        told = "; ".join(f"{item.id} ({item.title[:_TITLE_SHOWN]})" for item in within)
        raise SessionNotFound(text, hint=f" These have it in their title: {told}")
    raise SessionNotFound(text, near)


def resolve_revision(repository: Repository, session_id: str, revision: str | None) -> str:
    """The commit that a revision of a session names; see `_resolve`.

    Raises:
        RevisionNotFound: it is none of this session's.
        AmbiguousId: several saves begin like that.
        CorruptSession: the way there is damaged.
    """
    try:
        try:
            return _resolve(repository, session_id, revision)
        except CorruptObject as problem:
            raise CorruptSession(session_id, str(problem)) from problem
    except NewerFormat:
        raise
    except CorruptSession:
        found = _resolve_beside(repository, session_id, revision) if revision else None
        if found is None:
            raise
        return found


def _resolve(repository: Repository, session_id: str, revision: str | None) -> str:
    """The commit that a revision of a session names.

    Args:
        repository: the store.
        session_id: the session.
        revision: a snapshot's id, `~2` for two saves back (of a merge along the first parent, as in Git), a commit's
            id or at least four digits of it; `None` or an empty text for the tip.

    Raises:
        RevisionNotFound: it is none of this session's.
        AmbiguousId: several saves begin like that.
    """
    tip = loading.tip_of(repository, session_id)
    if not revision:
        return tip
    back = _BACK.fullmatch(revision)
    if back is not None:
        found = next(islice(first_parents(repository.objects, tip), int(back[1]), None), None)
        if found is None:
            raise RevisionNotFound(session_id, revision)
        return found[0]
    target = _snapshot_commit(repository, session_id, tip, revision)
    if target is not None:
        return target
    if _OBJECT.fullmatch(revision):
        return _commit(repository, session_id, tip, revision)
    raise RevisionNotFound(session_id, revision)


def _resolve_beside(repository: Repository, session_id: str, revision: str) -> str | None:
    """The save that a snapshot's or a commit's id names, where the way to it from the newest one is damaged.

    Raises:
        AmbiguousId: several saves begin like that.
    """
    from superqode.session.store.own_saves import OwnSaves

    with suppress(ValueError):  # no id of ours, or a damaged ref or tag
        oid = repository.refs.read(snapshots.tag_ref(session_id, revision))
        if oid is not None:
            return repository.objects.tag(oid).target
    if not _OBJECT.fullmatch(revision):
        return None
    found = [oid for oid in OwnSaves(repository).history(session_id) if oid.startswith(revision)]
    if len(found) > 1:
        raise AmbiguousId(revision, found)
    return found[0] if found else None


def _snapshot_commit(repository: Repository, session_id: str, tip: str, snapshot_id: str) -> str | None:
    objects = repository.objects
    owners = dict.fromkeys((session_id, state.read_tree(objects, objects.commit(tip), session_id).meta.id))
    for owner in owners:
        try:
            oid = repository.refs.read(snapshots.tag_ref(owner, snapshot_id))
        except ValueError:  # no id of ours, so no snapshot of ours; or a damaged ref
            continue
        if oid is None:
            continue
        try:
            target = objects.tag(oid).target
        except CorruptObject as problem:
            raise RevisionNotFound(session_id, snapshot_id) from problem
        if any(before == target for before, _ in ancestors(objects, tip)):  # raises where damage lies between
            return target
    return None


def _commit(repository: Repository, session_id: str, tip: str, digits: str) -> str:
    found = [oid for oid, _ in ancestors(repository.objects, tip) if oid.startswith(digits)]
    if len(found) > 1:
        raise AmbiguousId(digits, found)
    if not found:
        raise RevisionNotFound(session_id, digits)
    return found[0]
