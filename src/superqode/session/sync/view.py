"""What a store holds, as one mapping: the names of refs, and of the ledger's documents, to object ids.

    refs/heads/<session>                        a session
    refs/tags/<session>/<snapshot>              its snapshots; other tags, too
    refs/superqode/trash/<session>/<time>/…     what was deleted
    refs/superqode/purged/<session>/<time>      what was purged, so that it does not come back from elsewhere
    refs/superqode/scrubbed/<session>/<time>    what stands for commits that were scrubbed, so that they do not, either
    refs/superqode/sources/<session>            the kept original of an import
    refs/superqode/shares/…                     this person's shares, as they were pushed
    ledger/<folder>/<name>                      a document of the ledger (its blob)

What is of this machine alone is in no view: hand-offs to agents, caches, the journal, what was undone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from superqode.session.git.refs import is_ref_name
from superqode.session.git.repository import HEADS, TAGS, Repository
from superqode.session.store.branches import is_session_branch
from superqode.session.store.ledger import MARKS, SEEN, SHARES, Ledger
from superqode.session.store.owners import owner_of
from superqode.session.store.purged import PURGED
from superqode.session.store.scrubbed import SCRUBBED
from superqode.session.store.sources import KEPT
from superqode.session.store.trash import TRASH, copies, is_lost

__all__ = [
    "HEADS",
    "KEPT",
    "LEDGER_FOLDER",
    "PURGED",
    "SCRUBBED",
    "SHARE_REFS",
    "TAGS",
    "TRASH",
    "Local",
    "View",
    "is_view_name",
    "needs_commit",
    "read_view",
    "with_lost",
]

View = dict[str, str]

SHARE_REFS: Final = "refs/superqode/shares/"
LEDGER_FOLDER: Final = "ledger/"
_PREFIXES: Final = (HEADS, TAGS, TRASH, PURGED, SCRUBBED, KEPT, SHARE_REFS)
_DOCUMENT: Final = re.compile(rf"(?:{SHARES}|{SEEN})/[0-9A-Za-z._-]{{1,200}}\.json|{re.escape(MARKS)}")
_MARKS: Final = (PURGED, SCRUBBED)
_MARK_NAME: Final = re.compile(rf"(?:{PURGED}|{SCRUBBED})(?P<session>.+)/\d{{8}}T\d{{6}}\.\d{{6}}Z")
_NAMES_KEPT: Final = 262_144
# Readings until two in a row agree; a store that is written all the time is taken as it was last seen.
_READINGS: Final = 4


@dataclass(frozen=True, slots=True)
class Local:
    """What this store holds.

    Attributes:
        view: the view.
        unreadable: names whose value cannot be read; nothing is concluded from them.
    """

    view: View
    unreadable: frozenset[str]


@lru_cache(maxsize=_NAMES_KEPT)  # a sync asks of each name several times, and finds nearly all as they were
def is_view_name(name: str) -> bool:
    """Whether a view may have this name; only such names may become refs."""
    if name.startswith(LEDGER_FOLDER):
        return _DOCUMENT.fullmatch(name.removeprefix(LEDGER_FOLDER)) is not None
    if not name.startswith(_PREFIXES) or not is_ref_name(name):
        return False
    if name.startswith(HEADS):
        return is_session_branch(name.removeprefix(HEADS))
    if name.startswith(TRASH):
        return bool(owner_of(name))
    return not name.startswith(_MARKS) or _MARK_NAME.fullmatch(name) is not None


def needs_commit(name: str) -> bool:
    """Whether what has this name in a view has to be a commit."""
    return name.startswith(HEADS) or (name.startswith(TRASH) and name.endswith("/branch"))


def read_view(repository: Repository, wanted: Iterable[str] = _PREFIXES, *, ledger: bool = True) -> Local:
    """Read what the store holds now; beside a process that moves refs, as it was at some moment.

    Args:
        repository: the store.
        wanted: prefixes of the refs that count.
        ledger: whether the ledger's documents count.

    Raises:
        StoreError: the ledger is damaged.
    """
    prefixes = tuple(wanted)
    last = _read(repository, prefixes, ledger=ledger)
    for _ in range(_READINGS):
        again = _read(repository, prefixes, ledger=ledger)
        if again == last:
            break
        last = again
    return last


def _read(repository: Repository, prefixes: tuple[str, ...], *, ledger: bool) -> Local:
    view: View = {}
    unreadable: set[str] = set()
    for prefix in prefixes:
        found = dict(repository.refs.items(prefix))
        view |= {name: oid for name, oid in found.items() if is_view_name(name)}
        unreadable |= {name for name in repository.refs.names(prefix) if name not in found and is_view_name(name)}
    if ledger:
        files = {LEDGER_FOLDER + path: oid for path, oid in Ledger(repository).files().items()}
        view |= {name: oid for name, oid in files.items() if is_view_name(name)}
    return Local(view, frozenset(unreadable - view.keys()))


def with_lost(repository: Repository, local: Local, base: View) -> Local:
    """What the store holds as soon as that is in the trash which plain git deleted; nothing is moved for it.

    Args:
        repository: the store.
        local: what it holds now.
        base: what it held before.
    """
    view = dict(local.view)
    purged = {mark.removeprefix(PURGED).rpartition("/")[0] for mark in view if mark.startswith(PURGED)}
    for name in base.keys() - view.keys() - local.unreadable:
        session_id = name.removeprefix(HEADS)
        if name.startswith(HEADS) and session_id not in purged and is_lost(repository, session_id, base[name]):
            tags = [tag for tag in view if tag.startswith(f"{TAGS}{session_id}/")]
            view |= copies(repository, session_id, base[name])
            for tag in tags:
                del view[tag]
    return replace(local, view=view)
