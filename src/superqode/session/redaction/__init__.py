"""Secrets found in text and replaced by `[REDACTED:<rule>:<mark>]`; pure, so that export, scan, scrub and share agree.

`find` says where secrets stand, `Redactor` replaces them in texts, JSON values and entries. What is a secret is decided
by two hands: `library.py` asks a maintained detector of vendors' keys and tokens, and our own rules know what needs
its surroundings: assignments (`assignments.py`), URLs, headers and command lines (`carriers.py`), private keys and the
tokens that a vendor's prefix tells (`shapes.py`). `known.py` says what only looks like a secret, and stays.

Names load when they are first used; the detector library only when a text needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from superqode.session.lazy import lazy_names

if TYPE_CHECKING:
    from superqode.session.redaction.finding import RULES as RULES
    from superqode.session.redaction.finding import Found as Found
    from superqode.session.redaction.finding import find as find
    from superqode.session.redaction.redactor import Masked as Masked
    from superqode.session.redaction.redactor import Redacted as Redacted
    from superqode.session.redaction.redactor import Redactor as Redactor

_HOMES: Final = {
    "Found": "superqode.session.redaction.finding",
    "Masked": "superqode.session.redaction.redactor",
    "RULES": "superqode.session.redaction.finding",
    "Redacted": "superqode.session.redaction.redactor",
    "Redactor": "superqode.session.redaction.redactor",
    "find": "superqode.session.redaction.finding",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 - one table serves both
__getattr__, __dir__ = lazy_names(globals(), _HOMES)
