"""Renaming a session: a commit that writes the new id down, and everything under the old name moves along."""

from __future__ import annotations

from contextlib import suppress

from superqode.session import ids
from superqode.session.codec import message
from superqode.session.errors import InvalidSession, SessionError, SessionExists
from superqode.session.git.history import first_parents, is_ancestor
from superqode.session.git.repository import HEADS, TAGS, Repository
from superqode.session.models import Session
from superqode.session.store.branches import check_new_id, check_taggable, is_gone
from superqode.session.store.index.catalogue import Catalogue
from superqode.session.store.ledger import SHARES, Ledger
from superqode.session.store.loading import load_meta, load_session, tip_of
from superqode.session.store.results import SaveResult
from superqode.session.store.saving import Saver
from superqode.session.store.sources_refs import follow_to, forget_original
from superqode.session.store.state import read_tree
from superqode.session.store.trash import move_trash

__all__ = ["adopt", "adopt_orphans", "is_family", "rename"]


def rename(repository: Repository, catalogue: Catalogue, saver: Saver, old: str, new: str) -> None:
    """Rename a session; new refs are made before old ones go, so a crash between leaves both.

    Raises:
        SessionNotFound, SessionExists, InvalidSessionId.
        InvalidSession: a tag stands where one of its snapshots would.
    """
    ids.validate_session_id(new)
    with repository.writing(old, new):
        if repository.refs.read(HEADS + new) is not None:
            raise SessionExists(new, f"Session {new} has that id already") if new == old else SessionExists.taken(new)
        check_new_id(repository, new)
        check_taggable(repository, new)
        Ledger(repository).names(SHARES)  # damage shows before anything was changed
        session = load_session(repository, old)
        tip = session._saved.commit
        _check_snapshots(repository, session, new)
        session.id = new
        saver.save_locked(session, subject=f"rename: {old} to {new}")
        _move_tags(repository, old, new)
        move_trash(repository, old, new)
        Ledger(repository).rename_session(old, new)
        follow_to(repository, old, new)
        repository.refs.delete(HEADS + old, tip)
        repository.flush([str(repository.path / HEADS / new)])
    forget_original(repository, old)
    catalogue.forget(old)


def adopt(repository: Repository, saver: Saver, child: str, parent: str) -> SaveResult:
    """Let a fork of a session know its new id; raises as loading and saving it."""
    forked = load_session(repository, child)
    forked.parent_session_id = parent
    return saver.save(forked)


def is_family(repository: Repository, child: str, parent: str) -> bool:
    """Whether a session that names another as its parent means this one, and no earlier one that had the same id.

    One that was never forked off a save, an agent's own sub-session say, can only be told by the name.

    Raises:
        SessionNotFound, CorruptSession, CorruptObject.
    """
    objects = repository.objects
    origin = _origin(repository, child)
    if not origin:
        return True
    tip = tip_of(repository, parent)
    begun = [read_tree(objects, objects.commit(oid), parent).meta.created_at for oid in (origin, tip)]
    # A scrub writes all saves anew, and leaves the time; a person may change the time.
    return begun[0] == begun[1] or is_ancestor(objects, origin, tip)


def _origin(repository: Repository, session_id: str) -> str:
    """The last save of another session in a session's history; empty where there is none."""
    own, before = {session_id}, ("", session_id)
    for oid, commit in first_parents(repository.objects, tip_of(repository, session_id)):
        story = message.parse(commit.message)
        if story.session_id and story.session_id not in own:
            if before[0] != message.subject_line(f"rename: {story.session_id} to {before[1]}"):
                return oid
            own.add(story.session_id)
        before = story.subject, story.session_id
    return ""


def adopt_orphans(repository: Repository, old: str, new: str) -> None:
    """Do what a renaming that was cut short left undone: forks of the session hear of its new id.

    Those that cannot be read or saved now stay as they are.
    """
    if not is_gone(repository, old) or is_gone(repository, new):
        return
    saver = Saver(repository, durable=True)
    for name in repository.refs.names(HEADS):
        child = name.removeprefix(HEADS)
        with suppress(SessionError, OSError):
            if load_meta(repository, child).parent_session_id == old and is_family(repository, child, new):
                adopt(repository, saver, child, new)


def _check_snapshots(repository: Repository, session: Session, new: str) -> None:
    """Check that no snapshot meets one that a session left behind which had the new id and was moved by plain git.

    Raises:
        InvalidSession: one does.
    """
    own = _commits(repository, session.id) | {snapshot.id: snapshot.commit for snapshot in session.snapshots}
    there = _commits(repository, new)
    taken = next((name for name, commit in sorted(own.items()) if there.get(name, commit) != commit), None)
    if taken is not None:
        raise InvalidSession(
            f"The tag {new}/{taken}, which `git branch -m` left behind, stands where the snapshot {taken} would;"
            f" nothing was changed. Save the session that it is of, and `git tag -d {new}/{taken}` takes it away"
        )


def _commits(repository: Repository, session_id: str) -> dict[str, str]:
    """What the tags under a session's id name, by what stands behind it."""
    tags = repository.refs.items(f"{TAGS}{session_id}/")
    return {name.removeprefix(f"{TAGS}{session_id}/"): repository.objects.peeled(oid) or oid for name, oid in tags}


def _move_tags(repository: Repository, old: str, new: str) -> None:
    """Let every tag follow: the snapshots have, those that plain git made have not."""
    refs, ident = repository.refs, repository.committer()
    there = refs.items(f"{TAGS}{old}/")
    for name, oid in there:
        target = name.replace(f"{TAGS}{old}/", f"{TAGS}{new}/", 1)
        if refs.read(target) is None:
            refs.update(target, oid, None, ident=ident, reason="renamed")
    refs.delete_all(dict(there))
