"""What `verify` looks at besides the sessions: all other refs with what they reach, and the store's own folders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from superqode.session.errors import CorruptObject, CorruptSession, NewerFormat, StoreError
from superqode.session.git.repository import HEADS, TAGS
from superqode.session.store.branches import is_session_branch
from superqode.session.store.operations.log import OPLOG, OperationLog
from superqode.session.store.results import Finding
from superqode.session.store.scrubbed import SCRUBBED, read_mark
from superqode.session.store.sources import KEPT, read_original
from superqode.session.store.trash import TRASH
from superqode.session.store.unreached import unreached
from superqode.session.store.vanished import vanished

if TYPE_CHECKING:
    from superqode.session.store.verify import Check

__all__ = ["check_rest"]

_OWN: Final = "refs/superqode/"


def check_rest(check: Check) -> None:
    """Look at refs that are no sessions, and at what lies about in the store's folder.

    Raises:
        CorruptObject: `packed-refs` is damaged.
    """
    repository = check.repository
    for name in repository.refs.names("refs/"):
        if name.startswith(HEADS) and is_session_branch(name.removeprefix(HEADS)):
            continue
        commits = check.reached.commits
        _ref(check, name)
        if not name.startswith(TRASH):
            check.reached.commits = commits  # they are no saves
    _originals(check)
    _marks(check)
    _operations(check)
    _strange(check)
    _unreached(check)
    kept = sorted(path.name for path in repository.quarantine.glob("*") if path.name != "locks")
    if kept:
        check.warn("", f"{len(kept)} damaged files were set aside earlier", str(repository.quarantine))


def _is_of_session(check: Check, name: str) -> bool:
    """Whether what a ref reaches was looked at with a session."""
    return name.startswith(TAGS) and name.removeprefix(TAGS).rpartition("/")[0] in check.sessions


def _ref(check: Check, name: str) -> None:
    if name != OPLOG and not _is_of_session(check, name):
        check.ref(_owner(name), name)
        return
    try:
        check.repository.refs.read(name)  # what it reaches is looked at elsewhere
    except CorruptObject as problem:
        check.error("", "", name, str(problem))


def _owner(name: str) -> str:
    """Under which name damage is told of what a ref reaches; an item of the trash is one."""
    if name.startswith(TRASH):
        name = name.partition("/tags/")[0].removesuffix("/branch")
    return name.removeprefix(_OWN)


def _originals(check: Check) -> None:
    """The kept originals of imported sessions."""
    for name, oid in check.repository.refs.items(KEPT):
        try:
            read_original(check.repository, name.removeprefix(KEPT))
        except NewerFormat as problem:
            check.warn("", str(problem), name)
        except CorruptSession as problem:
            check.error("", oid, name, str(problem))


def _marks(check: Check) -> None:
    """The marks of scrubs."""
    for name, oid in check.repository.refs.items(SCRUBBED):
        try:
            read_mark(check.repository.objects, oid, name)
        except NewerFormat as problem:
            check.warn("", str(problem), name)
        except (CorruptObject, CorruptSession) as problem:
            check.error("", oid, name, str(problem))


def _operations(check: Check) -> None:
    """The operation log: its entries, and what they keep."""
    try:
        _log(check)
        for _ in OperationLog(check.repository).entries():
            continue
    except NewerFormat as problem:
        check.warn("", str(problem), OPLOG)
    except StoreError as problem:
        check.error("", "", OPLOG, str(problem))
    except CorruptObject:
        return  # told with the other refs


def _log(check: Check) -> None:
    """The history of the operation log; again where it moved meanwhile, for an entry that had only begun is removed."""
    owner, begun = OPLOG.removeprefix("refs/superqode/"), len(check.findings)
    tip = check.repository.refs.read(OPLOG)
    while tip is not None:
        # What it keeps of sessions is told under their names.
        check.history(owner, tip, again=False)
        before, tip = tip, check.repository.refs.read(OPLOG)
        if before == tip or not check.has_errors(begun):
            break
        check.take_back(begun, owner)


def _strange(check: Check) -> None:
    for name in check.repository.refs.strange_files():
        check.warn("", "it is no ref: git and superqode look past it. Move it away, or give it a ref's name", name)
    for name in vanished(check.repository):
        session_id = name.split("/")[2] if name.startswith((HEADS, TAGS)) else ""
        check.warn(session_id, "it is gone, and nobody deleted it. `superqode sessions repair` brings it back", name)


def _unreached(check: Check) -> None:
    if not check.reads_all:
        return  # it takes reading all there is
    for session_id, commit, entries in unreached(check.repository, check.reached.seen):
        told = f"{entries} entries are in saves that nothing reaches. `superqode sessions repair` brings them back"
        check.findings.append(Finding("warning", session_id, commit, "", told))
