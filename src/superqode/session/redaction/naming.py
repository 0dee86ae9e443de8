"""Names of rules and marks, as people give them: which there are, and which look like one that is none."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from superqode.session.errors import UnknownRule
from superqode.session.redaction import assignments, carriers, marks, shapes
from superqode.session.redaction.library import OURS, listed_rules

__all__ = ["OWN_RULES", "check_named"]

OWN_RULES: Final = frozenset({*assignments.NAMES, *carriers.NAMES, *shapes.NAMES})
"""The rules that are ours; the library has more."""

_NEAR: Final = 3


def check_named(named: str, rules_cache: Path | None = None) -> None:
    """Check that this can name what was found: a rule, or anything of a mark's shape.

    Args:
        named: what was given.
        rules_cache: as for `Redactor`.

    Raises:
        UnknownRule: it is neither, with rules that look alike.
    """
    if named in OWN_RULES or marks.is_mark(named):
        return
    known = OWN_RULES | (listed_rules(rules_cache) - set(OURS))
    if named not in known:
        from difflib import get_close_matches

        raise UnknownRule(named, get_close_matches(named.lower(), sorted(known), _NEAR))
