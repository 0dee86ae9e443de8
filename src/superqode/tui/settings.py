"""How the app is to run; the command line reads the configuration, and hands it on."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Agent", "Settings"]


@dataclass(frozen=True, slots=True)
class Agent:
    """Whom one can talk to: its name in the configuration, and the command that starts it."""

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """What is known before the store is opened.

    Attributes:
        project: the folder in which sessions are begun and agents started.
        agents: the agents one can talk to.
        agent: the name of the one that is chosen first; nobody where it is empty.
        theme: a theme's name; the app's own dark one where it is empty.
        session: the id of the session to open first; the one that changed last where it is empty.
        start_in_list: whether to begin with the list instead.
        remote: where shares go; the default remote where it is empty.
    """

    project: str = ""
    agents: tuple[Agent, ...] = ()
    agent: str = ""
    theme: str = ""
    session: str = ""
    start_in_list: bool = False
    remote: str = ""
