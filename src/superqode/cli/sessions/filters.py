"""The options by which sessions are chosen: project, tags, agent, time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from superqode.cli import params
from superqode.cli.completing import complete_agents, complete_projects, complete_tags

__all__ = ["filters"]

F = TypeVar("F", bound=Callable[..., Any])


def filters(function: F) -> F:
    """Add the options that say which sessions are meant: project, tags, agent, time of the last change."""
    for option in reversed(
        (
            click.option(
                "--project",
                metavar="PATH",
                type=params.project,
                shell_complete=complete_projects,
                help="Only of this project, also from its old path or another clone.",
            ),
            click.option(
                "--tag",
                "tags",
                metavar="TAG",
                multiple=True,
                shell_complete=complete_tags,
                help="Only with this tag; again for more.",
            ),
            click.option(
                "--agent", metavar="NAME", shell_complete=complete_agents, help="Only where this agent took part."
            ),
            click.option("--since", metavar="TIME", type=params.since, help="Changed since 2026-11-22, or 7d ago."),
            click.option("--until", metavar="TIME", type=params.until, help="Changed until then, that day included."),
        )
    ):
        function = option(function)
    return function
