"""Errors never repeat what opens a share: link secrets and credentials in URLs are taken out of every message."""

from __future__ import annotations

import re
from typing import Final

import click

__all__ = ["hide_secrets", "without_secrets"]

_HIDDEN: Final = "…"
# A share's id, a dot, and whatever stands in the place of the secret, whole or cut.
_TOKEN: Final = re.compile(r"(?<![0-9a-z])([0-9a-z]{26})\.[\w%-]+", re.IGNORECASE | re.ASCII)
# Of ssh a name alone is no secret (ssh://git@host); of https it may be a token.
_CREDENTIALS: Final = re.compile(r"(https?://)[^/@\s]*@|(://[^/@\s:]*:)[^/@\s]*@", re.IGNORECASE)


def without_secrets(text: str) -> str:
    """Give text with every link secret and every URL's credentials as `…`."""
    text = _TOKEN.sub(rf"\1.{_HIDDEN}", text)
    return _CREDENTIALS.sub(lambda found: f"{found[1] or found[2]}{_HIDDEN}@", text)


def hide_secrets(problem: BaseException) -> BaseException:
    """Take secrets out of an error's message, and out of those that led to it; gives the error."""
    step: BaseException | None = problem
    seen: set[int] = set()
    while step is not None and id(step) not in seen:
        seen.add(id(step))
        step.args = tuple(without_secrets(part) if isinstance(part, str) else part for part in step.args)
        if isinstance(step, click.ClickException):
            vars(step)["message"] = without_secrets(step.message)  # click means it to be final
        if isinstance(step, OSError) and isinstance(step.filename, str):
            step.filename = without_secrets(step.filename)
        step = step.__cause__ or step.__context__
    return problem
