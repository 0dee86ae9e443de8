"""Text from anywhere as one line, as commits have it: subjects, values of trailers, names and addresses."""

from __future__ import annotations

import re
from typing import Final

from superqode.session import ids

__all__ = ["agent_ident", "clean_ident", "one_line"]

AGENT_DOMAIN: Final = "agents.superqode.invalid"

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
# git's own rule for idents (ident.c): no <, >, newline; and no crud at the ends.
_IDENT_CRUD: Final = " .,:;<>\"\\'"


def one_line(text: str) -> str:
    """The words of a text, without control characters (a NUL would cut the rest of a commit's message off)."""
    # What is printable has none, and most that is said is.
    return " ".join((text if text.isprintable() else _CONTROL.sub(" ", text)).split())


def clean_ident(text: str, fallback: str) -> str:
    """A name or address as Git accepts it in a commit."""
    clean = re.sub(r"[<>]", "", one_line(text[:200])).strip(_IDENT_CRUD)
    return clean or fallback


def agent_ident(name: str) -> tuple[str, str]:
    """The author an agent is: its name, and an address that can never receive mail (RFC 2606)."""
    clean = clean_ident(name, "agent")
    return clean, f"{ids.slugify(clean, 'agent')}@{AGENT_DOMAIN}"
