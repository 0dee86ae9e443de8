"""Questions that end with yes or no: asked on a terminal, answered by `--yes`, refused where there is nobody to ask."""

from __future__ import annotations

import sys

import click

from superqode.cli.common import says_yes
from superqode.cli.options import wants_json

__all__ = ["can_ask", "confirm"]


def can_ask() -> bool:
    """Whether there is somebody to ask: a terminal, and no program that waits for JSON."""
    return not wants_json() and sys.stdin is not None and sys.stdin.isatty()


def confirm(question: str, refusal: str) -> None:
    """Go on only with a yes.

    Args:
        question: what is asked.
        refusal: why nothing is done without an answer, such as `purging cannot be undone`.

    Raises:
        click.Abort: the answer is no.
        click.UsageError: there is nobody to ask.
    """
    if says_yes():
        return
    if not can_ask():
        raise click.UsageError(f"{refusal}, and there is nobody to ask: add --yes", click.get_current_context())
    click.confirm(question, abort=True, err=True)
