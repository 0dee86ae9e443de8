"""The store of superqode 2.25 in the same folder: imported when asked, never written or removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from superqode.session.store.imports import ImportReport, import_sources
from superqode.session.store.index.catalogue import Progress
from superqode.session.store.old_files import DONE, old_files

if TYPE_CHECKING:
    from superqode.session.store.store import SessionStore

__all__ = ["import_old_store"]


def import_old_store(store: SessionStore, progress: Progress | None = None) -> ImportReport:
    """Import the old sessions of the store's folder; gives an `ImportReport`."""
    report = import_sources(store, old_files(store.path), progress=progress)
    marker = store.path / DONE
    if report.sessions:
        marker.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        marker.touch(mode=0o600)
    return report
