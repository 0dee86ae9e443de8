"""Whose a ref is: the session that a branch, a snapshot, a ref of the trash, a mark or a kept original belongs to."""

from __future__ import annotations

import re
from typing import Final

from superqode.session.git.repository import HEADS, TAGS
from superqode.session.store.purged import PURGED
from superqode.session.store.scrubbed import SCRUBBED
from superqode.session.store.sources import KEPT
from superqode.session.store.trash import TRASH

__all__ = ["owner_of", "trash_parts"]

_TRASH_NAME: Final = re.compile(re.escape(TRASH) + r"(?P<session>.+)/\d{8}T\d{6}\.\d{6}Z/(?P<rest>branch|tags/.+)")
_WHOLE: Final = (HEADS, KEPT)
_FOLDERS: Final = (TAGS, PURGED, SCRUBBED)


def owner_of(name: str) -> str:
    """The session whose lock the writers of a ref hold; empty for what belongs to none, as shares and the ledger."""
    if name.startswith(TRASH):
        found = _TRASH_NAME.fullmatch(name)
        return found["session"] if found is not None else ""
    for prefix in _WHOLE:
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    for prefix in _FOLDERS:
        if name.startswith(prefix):
            return name.removeprefix(prefix).rpartition("/")[0]
    return ""


def trash_parts(name: str) -> tuple[str, str, str]:
    """Of a ref in the trash: the session, the item's folder (ending with a slash), and what of it this is.

    Raises:
        ValueError: it is none.
    """
    found = _TRASH_NAME.fullmatch(name)
    if found is None:
        raise ValueError(f"{name!r} names nothing in the trash")
    return found["session"], name.removesuffix(found["rest"]), found["rest"]
