"""Which files may hold transcripts, by their names: those that an import of a folder and a rescue look at."""

from __future__ import annotations

from typing import Final

__all__ = ["ENDINGS", "SKIPPED_FOLDERS"]

# What a transcript's name may end with, and folders that hold none.
ENDINGS: Final = (".jsonl", ".json", ".json.gz", ".b64", ".txt", ".md", ".db")
SKIPPED_FOLDERS: Final = frozenset((".git", "node_modules", "__pycache__", ".venv"))
