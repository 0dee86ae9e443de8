"""`superqode record`: whatever an agent and its client say becomes sessions."""

from __future__ import annotations

import os
from pathlib import Path

import click

from superqode.cli.lazy import Command, examples
from superqode.cli.options import store_option, store_path
from superqode.cli.output import note

__all__ = ["record"]


@click.command(
    "record",
    cls=Command,
    context_settings={"allow_interspersed_args": False},
    epilog=examples(
        "superqode record -- gemini --experimental-acp",
        "superqode record --title 'Fix the login' -- opencode acp",
        "superqode record --log traffic.jsonl -- npx @agentclientprotocol/claude-agent-acp",
    ),
)
@click.argument(
    "command",
    metavar="-- COMMAND...",
    nargs=-1,
    required=True,
    type=click.UNPROCESSED,
    help="The agent's program and its arguments.",
)
@click.option("--title", default="", help="The title of sessions that begin; else the agent's, or the first prompt.")
@click.option(
    "--project",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The project the sessions belong to; else the folder that the client names.",
)
@click.option(
    "--log",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Append the raw traffic to this file; `superqode sessions import` reads it. One file for each run.",
)
@store_option
@click.pass_context
def record(ctx: click.Context, command: tuple[str, ...], title: str, project: Path | None, log: Path | None) -> None:
    """Record what any ACP agent and its client say.

    COMMAND is an agent of the Agent Client Protocol. Put this in its place in the client's settings (Zed, Neovim,
    …): every byte passes as it is, in both directions, and each turn becomes a save of its session, whose id is
    `acp-` and the agent's own. Signals go to the agent, and its exit code comes back; whatever goes wrong with
    recording is told on stderr, and the conversation goes on.
    """
    if not hasattr(os, "fork"):
        raise click.UsageError("recording needs a system with fork, such as Linux or macOS", ctx)
    from superqode.record import Recording
    from superqode.record import record as run

    recording = Recording(
        storage_dir=store_path(),
        title=title,
        project_path=str(project.resolve()) if project is not None else "",
        log=log,
    )
    ctx.exit(run(command, recording, note))
