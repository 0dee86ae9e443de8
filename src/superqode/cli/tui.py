"""`superqode tui`: the terminal app."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from superqode.cli.lazy import Command, examples
from superqode.cli.options import complete_ids, store_option, store_path

if TYPE_CHECKING:
    from superqode.session import SessionStore
    from superqode.tui.app import SessionsApp
    from superqode.tui.settings import Agent, Settings

__all__ = ["tui"]

_MISSING: Final = "the terminal app needs a package that is not installed: pip install 'textual>=8.2,<9'"


@click.command(
    "tui",
    cls=Command,
    epilog=examples("superqode tui", "superqode tui --list", "superqode tui session-123 --agent gemini"),
)
@click.argument(
    "session_id",
    metavar="[ID]",
    required=False,
    shell_complete=complete_ids,
    help="The session to open, or the beginning of its id; the one that changed last without it.",
)
@click.option("--list", "start_in_list", is_flag=True, help="Begin with the list of sessions.")
@click.option("--agent", metavar="NAME", help="Whom to talk to, by its name in the config file (default: nobody).")
@click.option("--theme", metavar="NAME", help="The colours, such as superqode-light (the palette, ctrl+p, lists them).")
@click.option("--remote", metavar="NAME|URL", help="Where shares go (default: `remote default`).")
@store_option
def tui(
    *, session_id: str | None, start_in_list: bool, agent: str | None, theme: str | None, remote: str | None
) -> None:
    """Find, read, continue and share sessions on one screen.

    It opens on the session that changed last; whatever is typed is saved at once. To talk to an agent of the Agent
    Client Protocol, name its command in the config file: [agents.gemini] command = ["gemini", "--experimental-acp"]
    """
    from superqode.cli.config import load_config
    from superqode.tui.garbage import collect_rarely

    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):  # Textual draws on stderr
        raise click.UsageError("the terminal app needs a terminal; `superqode sessions` prints instead")
    app_class, settings_class, agent_class = _load()
    config = load_config()
    chosen = agent or config.tui.agent or ""
    agents = _agents(config.agents, agent_class)
    if chosen and chosen not in config.agents:
        known = ", ".join(config.agents) or "none is configured"
        raise click.UsageError(f"no agent {chosen!r} in the config file ({known})")
    path = store_path()
    with ExitStack() as held:

        def opener() -> SessionStore:
            # By the app after its first picture, in a thread; before that only where an id has to be found.
            from superqode.session import SessionStore

            return held.enter_context(SessionStore(path))

        store = opener() if session_id else None
        settings = settings_class(
            project=str(Path.cwd()),
            agents=agents,
            agent=chosen,
            theme=theme or config.tui.theme or "",
            session=store.resolve(session_id) if store is not None and session_id else "",
            start_in_list=start_in_list,
            remote=remote or "",
        )
        app = app_class(opener if store is None else lambda: store, settings)
        collect_rarely()
        app.run()
        if app.failure is not None:
            raise app.failure


def _load() -> tuple[type[SessionsApp], type[Settings], type[Agent]]:
    try:
        from superqode.tui.app import SessionsApp
        from superqode.tui.settings import Agent, Settings
    except ModuleNotFoundError as problem:
        if (problem.name or "").partition(".")[0] != "textual":
            raise
        raise click.ClickException(_MISSING) from problem
    return SessionsApp, Settings, Agent


def _agents(configured: Mapping[str, tuple[str, ...]], kind: type[Agent]) -> tuple[Agent, ...]:
    return tuple(kind(name, command) for name, command in configured.items())
