"""Exporters: sessions into text and bytes that travel without a store. Pure: sessions in, text out.

| module | what it gives |
|---|---|
| `exported` | the whole session as one document (JSON, gzip, base64), and back |
| `jsonlines` | one line an entry, for programs |
| `markdown`, `plaintext`, `html` | for people; each has `render(session)`, which gives the text in pieces |
| `selection` | which part of a session, and without its secrets: applied before any of them |
| `reading`, `visible` | what they say alike, and how nothing in it stays unseen |

FORMAT.md documents what they write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from superqode.session.lazy import lazy_names

if TYPE_CHECKING:
    from superqode.session.exporters.exported import ExportedSession as ExportedSession

# `visible` alone makes text safe on a screen; it must not load the models.
_HOMES: Final = {"ExportedSession": "superqode.session.exporters.exported"}

__all__ = list(_HOMES)
__getattr__, __dir__ = lazy_names(globals(), _HOMES)
