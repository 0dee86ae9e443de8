"""Files of the store of superqode 2.25 in the same folder: found by name, never read here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

__all__ = ["DONE", "notice", "old_files"]

# Made when the import ran: from then on nobody is reminded any more.
DONE: Final = Path("superqode") / "old-store-imported"


def old_files(folder: Path) -> list[Path]:
    """The session files of the old store, sorted."""
    try:
        with os.scandir(folder) as found:
            names = sorted(entry.name for entry in found if entry.name.endswith((".json", ".json.gz")))
    except OSError:
        return []
    return [folder / name for name in names if name != "index.json"]


def notice(folder: Path) -> str:
    """One line where old sessions wait, else empty."""
    if (folder / DONE).exists():
        return ""
    count = len(old_files(folder))
    if not count:
        return ""
    plural = "session" if count == 1 else "sessions"
    return (
        f"{count} {plural} of superqode 2.25 lie in {folder}."
        " `superqode sessions import --old-store` brings them in (the files stay)"
    )
