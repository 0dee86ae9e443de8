"""How an error is told: one line on stderr, or JSON where `--json` was given, and never a traceback.

`SUPERQODE_DEBUG=1` adds the traceback, for reports.
"""

from __future__ import annotations

import json
import os
import traceback
from contextlib import suppress

import click

from superqode.cli.exit_codes import ExitCode, exit_code_for
from superqode.cli.output import OutputClosed
from superqode.cli.text import block, line

__all__ = ["report"]

_DEBUG = "SUPERQODE_DEBUG"


def report(problem: BaseException, *, as_json: bool) -> int:
    """Tell people (or a program) what went wrong; gives the exit code."""
    code = exit_code_for(problem)
    if isinstance(problem, OutputClosed):
        return code
    if os.environ.get(_DEBUG):
        _say(block("".join(traceback.format_exception(problem))))
    _say(_as_json(problem, code) if as_json else f"superqode: {line(_message(problem))}")
    return code


def _say(text: str) -> None:
    with suppress(OSError):
        click.echo(text, err=True)


def _as_json(problem: BaseException, code: ExitCode) -> str:
    return json.dumps({"error": {"type": _name(problem), "message": _message(problem), "exit_code": int(code)}})


def _name(problem: BaseException) -> str:
    # click divides usage errors differently from version to version; the name is part of our interface.
    if isinstance(problem, click.UsageError):
        return "UsageError"
    return "Cancelled" if isinstance(problem, click.Abort | KeyboardInterrupt) else type(problem).__name__


def _message(problem: BaseException) -> str:
    from superqode.session.errors import SessionError

    if isinstance(problem, click.UsageError):
        where = f" (see `{problem.ctx.command_path} --help`)" if problem.ctx is not None else ""
        quotes = "; text with spaces needs quotes" if "unexpected extra argument" in problem.format_message() else ""
        return problem.format_message().rstrip(".") + quotes + where
    if isinstance(problem, click.ClickException):
        return problem.format_message()
    if isinstance(problem, click.Abort | KeyboardInterrupt):
        return "cancelled"
    if isinstance(problem, SessionError):
        return str(problem)
    if isinstance(problem, OSError) and problem.strerror:
        return f"{problem.strerror}: {problem.filename}" if problem.filename else problem.strerror
    return (
        f"this should not have happened ({type(problem).__name__}: {line(problem, 300)})."
        f" Please report it with what the same command prints under {_DEBUG}=1"
    )
