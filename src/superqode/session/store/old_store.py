"""The store of superqode 2.25 in the same folder: noticed, imported when asked, never written or removed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from superqode.session.store.imports import ImportReport, import_sources
from superqode.session.store.index.catalogue import Progress

if TYPE_CHECKING:
    from superqode.session.store.store import SessionStore

__all__ = ["import_old_store", "notice"]

# Made when the import ran: from then on nobody is reminded any more.
_DONE: Final = Path("superqode") / "old-store-imported"


def _files(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as found:
            names = sorted(entry.name for entry in found if entry.name.endswith((".json", ".json.gz")))
    except OSError:
        return []
    return [folder / name for name in names if name != "index.json"]


def notice(folder: Path) -> str:
    """One line where old sessions wait, else empty."""
    if (folder / _DONE).exists():
        return ""
    count = len(_files(folder))
    if not count:
        return ""
    plural = "session" if count == 1 else "sessions"
    return (
        f"{count} {plural} of superqode 2.25 lie in {folder}."
        " `superqode sessions import --old-store` brings them in (the files stay)"
    )


def import_old_store(store: SessionStore, progress: Progress | None = None) -> ImportReport:
    """Import the old sessions of the store's folder; gives an `ImportReport`."""
    report = import_sources(store, _files(store.path), progress=progress)
    marker = store.path / _DONE
    if report.sessions:
        marker.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        marker.touch(mode=0o600)
    return report
