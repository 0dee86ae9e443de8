"""The agents whose sessions are rescued: what each is called, and where it keeps them, as documented by each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from superqode.session.handoff.homes import HOMES, HomeRule

__all__ = ["AGENTS", "Agent", "Place", "agent_named"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an agent keeps sessions; patterns are globs below the home, in which `*` is one name.

    Attributes:
        home: the folder they are below. A rule without a default holds only where its variable is set.
        folders: patterns of folders that are searched whole.
        files: patterns of single files.
        beside: patterns of files that hold no session but tell of some, such as a project's path.
        whole: whether a session is spread over many files, so that a change to one concerns others.
        in_projects: whether the home is each known project's own folder.
        unread: patterns of files that hold sessions and cannot be read, each with what to do about that.
    """

    home: HomeRule
    folders: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    whole: bool = False
    in_projects: bool = False
    unread: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent: its name on the command line, its name for people, and its places."""

    name: str
    title: str
    places: tuple[Place, ...]


_GOOSE_UNREAD: Final = (
    (
        "sessions/sessions.db",
        "`goose session export --format json --session-id ID -o FILE`, then `superqode sessions import FILE`",
    ),
)
_AIDER_HISTORY: Final = ".aider.chat.history.md"
_GRAPH: Final = ".superqode/session_graph.json"
_META: Final = ".superqode/sessions/*.meta.json"

AGENTS: Final = (
    Agent(
        "claude-code",
        "Claude Code",
        (
            Place(HOMES["claude-code"], folders=("projects",)),
            # Some 1.0 versions kept their things with other programs' settings.
            Place(HomeRule("XDG_CONFIG_HOME", ".config/claude", "claude"), folders=("projects",)),
        ),
    ),
    Agent("codex", "Codex", (Place(HOMES["codex"], folders=("sessions", "archived_sessions")),)),
    Agent(
        "gemini",
        "Gemini CLI",
        (Place(HOMES["gemini"], folders=("tmp/*/chats",), beside=("projects.json", "tmp/*/.project_root")),),
    ),
    Agent(
        "opencode",
        "opencode",
        (
            Place(HOMES["opencode"], files=("opencode*.db",)),
            Place(HOMES["opencode"], folders=("storage", "project/*/storage"), whole=True),
            Place(HomeRule("OPENCODE_DB", ""), files=(".",)),
        ),
    ),
    Agent(
        "qwen",
        "Qwen Code",
        (
            Place(HOMES["qwen"], folders=("projects", "tmp/*/chats")),
            Place(HomeRule("QWEN_RUNTIME_DIR", ""), folders=("projects", "tmp/*/chats")),
        ),
    ),
    Agent(
        "pi",
        "Pi",
        (
            Place(HOMES["pi"], folders=("sessions",)),
            Place(HomeRule("PI_CODING_AGENT_SESSION_DIR", ""), folders=(".",)),
        ),
    ),
    Agent(
        "goose",
        "goose",
        (
            Place(
                HomeRule("XDG_DATA_HOME", ".local/share/goose", "goose"), folders=("sessions",), unread=_GOOSE_UNREAD
            ),
            Place(HomeRule("GOOSE_PATH_ROOT", "", "data"), folders=("sessions",), unread=_GOOSE_UNREAD),
            Place(HomeRule("", ".config/goose"), folders=("sessions",)),
        ),
    ),
    Agent(
        "aider",
        "aider",
        (
            Place(HomeRule("", ""), files=(_AIDER_HISTORY,), in_projects=True),
            Place(HomeRule("", "."), files=(_AIDER_HISTORY,)),
            Place(HomeRule("AIDER_CHAT_HISTORY_FILE", ""), files=(".",)),
        ),
    ),
    Agent(
        "superqode",
        "superqode 2.25",
        (
            Place(HomeRule("", ".superqode/sessions"), files=("*.json", "*.json.gz", "*.jsonl")),
            Place(HomeRule("", ""), files=(".superqode/sessions/*.jsonl",), beside=(_GRAPH, _META), in_projects=True),
        ),
    ),
)


def agent_named(name: str) -> Agent:
    """Give the agent of a name on the command line.

    Raises:
        KeyError: there is none.
    """
    return {agent.name: agent for agent in AGENTS}[name]
