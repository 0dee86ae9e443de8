"""One session as a Git bundle: its branch with every save, and its snapshots' tags, in a file that plain `git` reads.

git clone --branch session-123 session-123.bundle
git -C ~/.superqode/sessions fetch ~/session-123.bundle 'refs/*:refs/*'

The second command brings it, with its snapshots, into another store.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from superqode.session.errors import BackupError, CorruptObject, CorruptSession, GitFailed
from superqode.session.git import bundle
from superqode.session.git.history import ancestors_among
from superqode.session.git.landing import with_refs_alone
from superqode.session.git.repository import TAGS, Repository
from superqode.session.store.branches import branch_ref
from superqode.session.store.damaged import damaged_refs
from superqode.session.store.loading import tip_of
from superqode.session.store.snapshots import session_tags
from superqode.session.store.state import read_tree

if TYPE_CHECKING:
    from superqode.session.store.store import SessionStore

__all__ = ["bundle_session"]


def bundle_session(store: SessionStore, session_id: str, target: Path) -> Path:
    """Write a session's branch and snapshots into a file that is not there yet, readable by its owner alone.

    It holds the whole history in clear: sharing masks secrets, this does not.

    Args:
        store: where the session is.
        session_id: the session.
        target: the file.

    Raises:
        SessionNotFound, CorruptSession: as loading it.
        BackupError: the file is there already, or cannot be written.
        GitMissing, GitFailed: `git` is missing, or said no.
    """
    repository = store._existing(session_id)
    path = target.absolute()  # a relative path could begin like an option of git
    try:
        path.touch(mode=0o600, exist_ok=False)
    except OSError as problem:
        raise BackupError(f"{path} cannot be made: {problem.strerror}. Choose another name or folder") from problem
    whole = False
    try:
        with repository.writing():  # keeps pruning out
            names = _refs(repository, session_id)
            try:
                with with_refs_alone(repository, names) as alone:
                    bundle.write_bundle(alone.path, path, names, purpose="Exporting a session")
            except GitFailed as problem:
                for name, reason in damaged_refs(repository, names=names).items():
                    raise CorruptSession(session_id, reason, path=name) from problem
                raise
        path.chmod(0o600)
        whole = True
    finally:
        path.with_name(path.name + ".lock").unlink(missing_ok=True)
        if not whole:
            path.unlink(missing_ok=True)
    return path


def _refs(repository: Repository, session_id: str) -> list[str]:
    """The branch, and the tags of those snapshots that are its own: under its id or the one in its tree."""
    tip = tip_of(repository, session_id)
    objects = repository.objects
    try:
        owners = dict.fromkeys((session_id, read_tree(objects, objects.commit(tip), session_id).meta.id))
        tags = session_tags(repository, owners, tip)
        own = ancestors_among(objects, tip, {tag.target for tag in tags.values()})
    except CorruptObject as problem:
        raise CorruptSession(session_id, str(problem)) from problem
    known = {name for owner in owners for name in repository.refs.names(f"{TAGS}{owner}/")}
    wanted = (f"{TAGS}{owner}/{snapshot}" for owner in owners for snapshot, tag in tags.items() if tag.target in own)
    return [branch_ref(session_id), *(name for name in wanted if name in known)]
