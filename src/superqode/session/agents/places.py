"""The places of the table on this machine. Only looks: nothing of an agent's is opened here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from superqode.session.agents.table import Agent, Place
from superqode.session.handoff.homes import HomeRule

__all__ = ["FoundPlace", "HomeOf", "find_places", "named_place"]

# Where a rule's folder is on this machine; `None` where its variable is not set and it has no default.
HomeOf = Callable[[HomeRule], Path | None]


@dataclass(frozen=True, slots=True)
class FoundPlace:
    """Sessions' files of one agent in one place.

    Attributes:
        agent: the agent's name; empty for a place that a user named.
        path: the place.
        folders: folders to search whole.
        files: single files.
        beside: files that tell of sessions without holding any.
        whole: whether a change to one file concerns sessions of others.
        unread: what lies there and cannot be read, with what to do about it, a line each.
    """

    agent: str
    path: Path
    folders: tuple[Path, ...] = ()
    files: tuple[Path, ...] = ()
    beside: tuple[Path, ...] = ()
    whole: bool = False
    unread: tuple[str, ...] = ()


def named_place(path: Path) -> FoundPlace:
    """A file or folder that a user named."""
    if path.is_dir():
        return FoundPlace("", path, folders=(path,))
    return FoundPlace("", path, files=(path,))


def find_places(agent: Agent, home_of: HomeOf, projects: Iterable[Path] = ()) -> Iterator[FoundPlace]:
    """Give the places where an agent has something, each once.

    Args:
        agent: the agent.
        home_of: resolves a rule against the environment.
        projects: folders of known projects, for what lies in those.
    """
    seen: set[tuple[Path, ...]] = set()
    for place in agent.places:
        homes = projects if place.in_projects else [home_of(place.home)]
        for home in homes:
            found = _look(agent.name, place, home) if home is not None else None
            if found is None:
                continue
            key = tuple(path.resolve() for path in (*found.folders, *found.files))
            if key not in seen or not key:
                seen.add(key)
                yield found


def _look(agent: str, place: Place, home: Path) -> FoundPlace | None:
    folders = tuple(path for path in _matching(home, place.folders) if path.is_dir())
    files = tuple(path for path in _matching(home, place.files) if path.is_file())
    unread = tuple(
        f"{path} is not read: {what}" for pattern, what in place.unread for path in _matching(home, (pattern,))
    )
    if not (folders or files or unread):
        return None
    beside = tuple(path for path in _matching(home, place.beside) if path.is_file())
    shown = folders[0] if place.whole and len(folders) == 1 else home
    return FoundPlace(agent, shown, folders, files, beside, place.whole, unread)


def _matching(home: Path, patterns: tuple[str, ...]) -> Iterator[Path]:
    for pattern in patterns:
        if pattern == ".":
            yield home
        elif "*" in pattern:
            yield from sorted(home.glob(pattern))
        elif (home / pattern).exists():
            yield home / pattern
