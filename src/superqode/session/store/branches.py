"""Session ids ⇄ branches: which names may be refs, which are taken, and what a branch under another's name is."""

from __future__ import annotations

import re
from itertools import islice
from typing import Final

from superqode.session import ids
from superqode.session.errors import CorruptObject, InvalidSession, InvalidSessionId, SessionExists, SessionNotFound
from superqode.session.git.refs import is_ref_name
from superqode.session.git.repository import HEADS, RESERVED_BRANCH, TAGS, Repository

__all__ = [
    "branch_ref",
    "check_new_id",
    "check_taggable",
    "is_gone",
    "is_session_branch",
    "near_ids",
    "not_found",
    "parent_of",
    "session_ids",
    "was_renamed",
]

_GENERATED: Final = re.compile(r"\d{8}-\d{6}-[0-9a-hjkmnp-tv-z]{8}")
_RENAMED: Final = re.compile(rf"Branch: renamed {HEADS}(\S+) to {HEADS}(\S+)")
# So many characters are no accident.
_TELLING: Final = 4
_NEAR: Final = 3
_MANY: Final = 5_000


def branch_ref(session_id: str) -> str:
    """The ref of a session; raises InvalidSessionId before a bad name gets near a path."""
    if not is_session_branch(session_id):
        ids.validate_session_id(session_id)
    return HEADS + session_id


def is_session_branch(name: str) -> bool:
    """Whether a branch of this name is a session: any of Git's names but the reserved ones."""
    if ids.is_session_id(name):
        return True
    if name == RESERVED_BRANCH or name.startswith(RESERVED_BRANCH + "-"):
        return False
    return bool(name) and not name.startswith("-") and is_ref_name(HEADS + name)


def is_gone(repository: Repository, session_id: str) -> bool:
    """Whether there is no branch of a session; one that cannot be read is there."""
    try:
        return repository.refs.read(HEADS + session_id) is None
    except CorruptObject:
        return False


def session_ids(repository: Repository, beginning: str = "") -> list[str]:
    """The ids of all sessions, or of those that begin like this; sorted."""
    names = [name.removeprefix(HEADS) for name in repository.refs.names(HEADS + beginning)]
    return [name for name in names if is_session_branch(name)]


def near_ids(repository: Repository, session_id: str) -> list[str]:
    """Up to three ids that look like this one: begin so, differ in case, have it in them, or are spelt nearly so."""
    if not session_id or "\n" in session_id:
        return []
    known = [name.removeprefix(HEADS) for name in repository.refs.names(HEADS)]
    # A pattern over all of them at once, a line each: a hundred thousand are looked through in no time.
    lines = "\n".join(known)
    wanted = re.escape(session_id)
    patterns = [f"^{wanted}.*$"]
    if len(session_id) >= _TELLING:  # an agent's own id of a session: ours has the agent's name before it
        patterns.append(f"^.*{wanted}.*$")
    for pattern in patterns:
        found = _some_sessions(pattern, lines, _NEAR)
        if found:
            return found
    return _spelt_nearly(session_id, known, lines)


def _some_sessions(pattern: str, lines: str, most: int) -> list[str]:
    found = (match[0] for match in re.finditer(pattern, lines, re.IGNORECASE | re.MULTILINE))
    return list(islice(filter(is_session_branch, found), most))


def _spelt_nearly(session_id: str, known: list[str], lines: str) -> list[str]:
    """A close look takes 10 µs each: of very many only at such as begin or end alike."""
    from difflib import get_close_matches

    if len(known) > _MANY:
        begin, end = re.escape(session_id[:_TELLING]), re.escape(session_id[-_TELLING:])
        known = _some_sessions(f"^(?:{begin}.*|.*{end})$", lines, _MANY)
    return list(filter(is_session_branch, get_close_matches(session_id, known, _NEAR)))


def not_found(repository: Repository, session_id: str) -> SessionNotFound:
    """The error for a session that is not there, with ids that look alike."""
    return SessionNotFound(session_id, near_ids(repository, session_id))


def check_new_id(repository: Repository, session_id: str) -> None:
    """Check that a session may be made under this id.

    Raises:
        InvalidSessionId: it is no id, or differs from a taken one only in case, which some disks cannot tell apart.
        SessionExists: it is taken.
    """
    ids.validate_session_id(session_id)
    below = repository.refs.names(f"{HEADS}{session_id}/")
    if below:
        raise InvalidSessionId(session_id, f"the branch {below[0].removeprefix(HEADS)} stands in its way")
    if _GENERATED.fullmatch(session_id):
        return  # lower case and random: no twin
    twin = repository.refs.find_folded(HEADS, session_id)
    if twin == session_id:
        raise SessionExists.taken(session_id)
    if twin is not None:
        raise InvalidSessionId(session_id, f"it differs from the session {twin} only in upper and lower case")


def check_taggable(repository: Repository, session_id: str) -> None:
    """Check that snapshots of a session can be made.

    Raises:
        InvalidSession: a tag that plain git made stands where they would.
    """
    if repository.refs.read(TAGS + session_id) is not None:
        raise InvalidSession(
            f"The tag {session_id} stands where snapshots of {session_id} would; nothing was changed."
            f" `git tag -d {session_id}` takes it away"
        )


def parent_of(repository: Repository, branch: str, told_id: str, told_parent: str | None) -> str | None:
    """The parent of a branch whose tree may say another id: a fork of that one, unless it was only renamed."""
    if told_id == branch:
        return told_parent
    if is_session_branch(told_id) and repository.refs.read(HEADS + told_id) is not None:
        return told_id
    return told_parent if was_renamed(repository, told_id, branch) else told_id


def was_renamed(repository: Repository, old: str, new: str) -> bool:
    """Whether the reflog of `new` tells of `git branch -m old new`, in one step or several."""
    names = {old}
    for line in repository.refs.log.reasons(HEADS + new):
        found = _RENAMED.fullmatch(line)
        if found is not None and found[1] in names:
            names.add(found[2])
    return new in names
