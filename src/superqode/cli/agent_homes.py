"""Where agents keep things on this machine: their rules with this user's environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from superqode.session.handoff.base import HomeRule

__all__ = ["home_of"]


def home_of(rule: HomeRule) -> Path | None:
    """Give the folder a rule means here; `None` where its variable is not set and it has no default."""
    named = os.environ.get(rule.variable, "").strip() if rule.variable else ""
    if named:
        return Path(named).expanduser().absolute() / rule.under
    return Path.home() / rule.below if rule.below else None
