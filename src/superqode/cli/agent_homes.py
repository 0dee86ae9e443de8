"""Where agents keep things on this machine: the rules of `session/agents` with this user's environment."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from superqode.cli.params import expanded, is_folder

if TYPE_CHECKING:
    from superqode.session import SessionStore
    from superqode.session.agents import FoundPlace
    from superqode.session.handoff.homes import HomeRule

__all__ = ["home_of", "is_folder_here", "places"]


def home_of(rule: HomeRule) -> Path | None:
    """Give the folder a rule means here; `None` where its variable is not set and it has no default."""
    named = os.environ.get(rule.variable, "").strip() if rule.variable else ""
    if named:
        return expanded(named).absolute() / rule.under
    return Path.home() / rule.below if rule.below else None


def is_folder_here(path: Path) -> bool:
    """Whether a path that a session names is a folder of this machine which we may look into."""
    return path.is_absolute() and is_folder(path) and os.access(path, os.R_OK | os.X_OK)


def places(store: SessionStore, agents: Sequence[str], named: Iterable[Path]) -> Iterator[FoundPlace]:
    """Give every place to look at, one after the other: what the last ones are depends on what the first ones held.

    Args:
        store: the store, whose sessions tell of projects.
        agents: names of agents; all of them where there are none.
        named: files and folders besides.
    """
    from superqode.session.agents import AGENTS, find_places, named_place

    for agent in AGENTS:
        if not agents or agent.name in agents:
            in_projects = any(place.in_projects for place in agent.places)
            known = [Path(path) for path in store.project_folders()] if in_projects else []
            yield from find_places(agent, home_of, [folder for folder in known if is_folder_here(folder)])
    for path in named:
        yield named_place(path)
