"""Who commits: Git's config, else login name and host."""

from __future__ import annotations

import getpass
import socket
from pathlib import Path
from typing import Any

from superqode.session import ids
from superqode.session.codec.lines import clean_ident

__all__ = ["configured_user"]


def configured_user(root: Path) -> tuple[str, str]:
    """Name and address for commits in this repository; works without a HOME, a config or a login name."""
    login = _login()
    name = clean_ident(_setting(root, "user.name"), clean_ident(login, "user"))
    host = ids.slugify(socket.gethostname(), "localhost")
    # RFC 2606: a name under .invalid is nobody's.
    email = clean_ident(_setting(root, "user.email"), f"{ids.slugify(login, 'user')}@{host}.invalid")
    return name, email


def _setting(root: Path, key: str) -> str:
    import pygit2

    try:
        config: Any = pygit2.Repository(str(root), pygit2.enums.RepositoryOpenFlag.NO_SEARCH).config
        return str(config[key])
    except (KeyError, OSError, ValueError, pygit2.GitError):
        return ""


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no name for this user id (containers)
        return "user"
