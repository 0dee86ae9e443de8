"""A remote as git is given it and as it is shown."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from superqode.session.errors import NoRepository
from superqode.session.git.remote_urls import check_url, clean_url, hide_credentials

__all__ = ["Target", "aim"]


class Target(NamedTuple):
    """A remote.

    Attributes:
        url: for git alone; it may hold credentials.
        shown: for people.
        hide: takes its credentials out of a text.
    """

    url: str
    shown: str
    hide: Callable[[str], str]


def aim(url: str) -> Target:
    """Check a remote's URL.

    Raises:
        InvalidRemote: it is none.
        NoRepository: it is a file.
    """
    checked = check_url(url)
    shown = clean_url(checked)
    # git would read a bundle that lies there, and check nothing of it (design, section 5, rule 9).
    if Path(checked).is_file():
        raise NoRepository(shown, "it is a file")
    return Target(checked, shown, partial(hide_credentials, url=checked))
