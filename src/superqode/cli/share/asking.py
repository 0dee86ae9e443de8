"""Passwords: from a prompt, standard input or the environment, never from the command line, where others see it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import click

from superqode.cli.asking import can_ask
from superqode.cli.options import wants_json
from superqode.cli.output import note

__all__ = [
    "PASSWORD_VARIABLE",
    "NewPassword",
    "new_password",
    "new_password_options",
    "password_options",
    "read_line",
    "read_lines",
    "with_password",
]

T = TypeVar("T")
F = TypeVar("F", bound="Callable[..., Any]")

PASSWORD_VARIABLE: Final = "SUPERQODE_SHARE_PASSWORD"  # noqa: S105 - the variable's name
# Under this many characters people's own passwords are tried out in days, whatever a try costs.
_SHORT: Final = 12
# The longest line that is read of standard input, in bytes: a link has at most 4096.
_LINE_MAX: Final = 8192


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A password for a share; `generated` where we made it, so that it must be told."""

    text: str = field(repr=False)
    generated: bool = False


def password_options(function: F) -> F:
    """Add `--password` and `--password-stdin`."""
    function = click.option(
        "--password-stdin", "from_stdin", is_flag=True, help="Read the password from standard input, one line."
    )(function)
    return click.option(
        "--password",
        "ask",
        is_flag=True,
        help=f"Use a password: from ${PASSWORD_VARIABLE}, else it is asked for.",
    )(function)


def new_password_options(function: F) -> F:
    """Add what names a new password: `--password`, `--password-stdin`, `--generate`."""
    function = click.option(
        "--generate", is_flag=True, help="Make a passphrase of 80 random bits and print it once, apart from the link."
    )(function)
    return password_options(function)


def read_line(what: str) -> str:
    """Read one line of standard input, without its end.

    Raises:
        click.UsageError: there is none, it is too long, or no text.
    """
    text = _next_line(what).removesuffix("\n").removesuffix("\r")
    if not text:
        raise click.UsageError(f"there is no {what.removeprefix('the ')} on standard input")
    return text


def read_lines(what: str) -> list[str]:
    """Read all lines of standard input that are not empty; raises as `read_line`."""
    lines = [text.rstrip("\r\n") for text in iter(lambda: _next_line(what), "")]
    if not any(lines):
        raise click.UsageError(f"there is no {what.removeprefix('the ')} on standard input")
    return list(filter(None, lines))


def _next_line(what: str) -> str:
    """The next line of standard input with its end; empty behind the last one."""
    data = b"" if sys.stdin is None else sys.stdin.buffer.readline(_LINE_MAX + 1)
    if len(data) > _LINE_MAX:
        raise click.UsageError(f"{what} on standard input has more than {_LINE_MAX} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as problem:
        raise click.UsageError(f"{what} on standard input is no UTF-8 text") from problem


def new_password(*, ask: bool, from_stdin: bool, generate: bool) -> NewPassword:
    """Give the password for a new share, typed twice where it is typed.

    Raises:
        click.UsageError: two ways are named, or none works here.
    """
    if generate and (from_stdin or ask):
        raise click.UsageError("--generate makes a passphrase: leave --password and --password-stdin out")
    if generate:
        from superqode.cli.share.passphrase import new_passphrase

        return NewPassword(new_passphrase(), generated=True)
    given = read_line("the password") if from_stdin else os.environ.get(PASSWORD_VARIABLE) or _typed(twice=True)
    if len(given) < _SHORT:
        note(f"this password has {len(given)} characters, and can be guessed in time; --generate makes one that cannot")
    return NewPassword(given)


def with_password(read: Callable[[str | None], T], *, ask: bool, from_stdin: bool) -> T:
    """Call `read` with the password that was given, or without; asks for one only where it turns out to be needed.

    Raises:
        PasswordRequired: it is needed, and there is nobody to ask.
        click.UsageError: it was to be asked for, and there is nobody to ask.
    """
    from superqode.session.errors import PasswordRequired

    given = read_line("the password") if from_stdin else os.environ.get(PASSWORD_VARIABLE)
    if given or ask:
        return read(given or _typed(twice=False))
    try:
        return read(None)
    except PasswordRequired:
        if not can_ask():
            if not wants_json():
                note(f"there is nobody to ask: give it with --password-stdin or in ${PASSWORD_VARIABLE}")
            raise
    return read(_typed(twice=False))


def _typed(*, twice: bool) -> str:
    if not can_ask():
        other = ", --generate" if twice else ""
        raise click.UsageError(
            f"there is nobody to ask for a password: give --password-stdin{other} or ${PASSWORD_VARIABLE}"
        )
    return str(click.prompt("Password of the share", hide_input=True, confirmation_prompt=twice, err=True))
