"""What only this store has of sessions and shares that went elsewhere: it goes with them, though it is in no view.

In clear, originals stay where they were imported. What was prepared for a share stays where the share was updated.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from superqode.session.errors import CorruptObject
from superqode.session.git.repository import Repository
from superqode.session.sharing.ending import Ending
from superqode.session.store.ledger import SHARES
from superqode.session.store.owners import owner_of
from superqode.session.store.secrets import PREPARED
from superqode.session.store.sources_refs import follow_to, forget_original, kept_ids
from superqode.session.sync.commits import Commits
from superqode.session.sync.renames import renamed_to
from superqode.session.sync.view import HEADS, KEPT, LEDGER_FOLDER, PURGED, TRASH, View

__all__ = ["forget_left"]

_SHARE: Final = f"{LEDGER_FOLDER}{SHARES}/"


def forget_left(repository: Repository, view: View, since: View) -> None:
    """Let originals go where sessions went elsewhere, and drop what shares stood on that ended there.

    Args:
        repository: the store; the caller holds no lock of a session or a share.
        view: what it holds by now.
        since: what both sides held when a sync last ended here.
    """
    _end_shares(repository, view, since)
    _settle_originals(repository, view, since)


def _end_shares(repository: Repository, view: View, since: View) -> None:
    prepared = {name.removeprefix(PREPARED) for name in repository.refs.names(PREPARED)}
    # Of thousands of shares only those that changed are looked at.
    changed = {name for name in view if name.startswith(_SHARE) and view[name] != since.get(name)}
    ids = prepared & {name.removeprefix(_SHARE).removesuffix(".json") for name in changed}
    Ending(repository, None, interactive=False).finish(sorted(ids))


def _settle_originals(repository: Repository, view: View, since: View) -> None:
    alone = [session_id for session_id in kept_ids(repository) if KEPT + session_id not in view]
    if not alone:
        return
    there = {owner_of(name) for name in view if name.startswith((HEADS, TRASH))}
    # Not by a mark of long ago: the id may have been taken again, and plain git may have renamed that session.
    purged = {owner_of(name) for name in view if name.startswith(PURGED) and name not in since}
    history = Commits(repository)
    for session_id in alone:
        if session_id in there:
            continue
        with suppress(CorruptObject):  # a ref that cannot be read: nothing is known of the session
            tip = since.get(HEADS + session_id)
            new_id = renamed_to(session_id, tip, view, since, history) if tip is not None else None
            if new_id is not None:
                with repository.writing(new_id):
                    follow_to(repository, session_id, new_id)
            if new_id is not None or session_id in purged:
                forget_original(repository, session_id)
