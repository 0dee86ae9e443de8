"""The hooks of a team's own Git server: `pre-receive` and `post-receive`, in a bare repository of any server.

Gitea and Forgejo write `hooks/pre-receive` themselves, and run every program in `hooks/pre-receive.d` from there.
GitLab's Gitaly has one folder of hooks for all repositories, and runs `custom_hooks/pre-receive` of the one pushed to.
Everybody else (gitolite, a web server, plain sshd) lets Git run `hooks/pre-receive`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from superqode.session.errors import StoreError
from superqode.session.lazy import lazy_modules
from superqode.session.store.hooks.place import HookPlace, HookStatus, is_bare_repository, shadow

if TYPE_CHECKING:
    from superqode.session.git import program
else:
    (program,) = lazy_modules("superqode.session.git", "program")

__all__ = [
    "ServerHooks",
    "ServerLayout",
    "install_server_hooks",
    "remove_server_hooks",
    "server_hook_status",
    "tune_server",
]

# In the order in which they are installed: what is taken is never left without a record of its owner.
_NAMES: Final = ("post-receive", "pre-receive")


class ServerLayout(StrEnum):
    """Where a server's software looks for the hooks of a repository."""

    GIT = "git"
    GITEA = "gitea"
    GITLAB = "gitlab"


@dataclass(frozen=True, slots=True)
class ServerHooks:
    """What guards a repository on a server.

    Attributes:
        path: the repository.
        layout: where its hooks are looked for.
        hooks: what stands there, `pre-receive` and `post-receive`.
    """

    path: str
    layout: ServerLayout
    hooks: tuple[HookStatus, ...]

    @property
    def guarding(self) -> bool:
        """Whether both hooks are ours and are run."""
        return all(hook.guarding for hook in self.hooks)


def server_hook_status(repository: Path, *, configured_hooks_path: str | None = None) -> ServerHooks:
    """Say what guards a server's repository; changes nothing.

    Args:
        repository: the bare repository on the server.
        configured_hooks_path: `core.hooksPath` as Git sees it for this repository; `None` where it is not set.

    Raises:
        StoreError: there is no bare Git repository.
        StoreUnwritable: a hook cannot be read.
    """
    places = list(_places(repository, configured_hooks_path))
    return _told(repository, [place.status() for place in places])


def install_server_hooks(repository: Path, *, configured_hooks_path: str | None = None) -> ServerHooks:
    """Put both hooks in place, keeping what is there; where they stand already, nothing changes.

    Args:
        repository: the bare repository on the server.
        configured_hooks_path: as for `server_hook_status`; the hooks are put into the repository in any case.

    Raises:
        StoreError: there is no bare Git repository; or another hook is there, and one from before is kept already.
        StoreUnwritable: a hook cannot be written.
    """
    places = list(_places(repository, configured_hooks_path))
    return _told(repository, [place.install() for place in places])


def tune_server(repository: Path) -> list[str]:
    """Set what a repository with many shares is slow without, where nothing is set; gives the settings that it made.

    Git's own settings (git-config(1)): lists of shares leave their content out, and a push does not compare with each
    ref of the repository a second time, for which Git takes it to be its own alternate. One with real alternates keeps
    that.

    Args:
        repository: the bare repository on the server.

    Raises:
        GitFailed: its settings cannot be written.
    """
    wanted = {"uploadpack.allowFilter": "true"}
    if not (repository / "objects" / "info" / "alternates").exists():
        wanted["core.alternateRefsPrefixes"] = "refs/none"
    missing = {name: value for name, value in wanted.items() if program.config_value(repository, name) is None}
    for name, value in missing.items():
        program.configure(repository, name, value, purpose="Setting up a server")
    return [f"{name}={value}" for name, value in missing.items()]


def remove_server_hooks(repository: Path, *, configured_hooks_path: str | None = None) -> ServerHooks:
    """Take both hooks away and put those from before back; other hooks, and the record of owners, are left alone.

    Args:
        repository: the bare repository on the server.
        configured_hooks_path: as for `server_hook_status`.

    Raises:
        StoreError: there is no bare Git repository.
        StoreUnwritable: a hook cannot be removed.
    """
    places = list(_places(repository, configured_hooks_path))
    return _told(repository, [place.remove() for place in reversed(places)][::-1])


def _told(repository: Path, found: list[HookStatus]) -> ServerHooks:
    return ServerHooks(path=str(repository), layout=_layout(repository), hooks=tuple(reversed(found)))


def _layout(repository: Path) -> ServerLayout:
    # Forgejo kept the name of the program it comes from.
    if any((repository / "hooks" / f"{name}.d" / "gitea").exists() for name in _NAMES):
        return ServerLayout.GITEA
    return ServerLayout.GITLAB if (repository / "custom_hooks").is_dir() else ServerLayout.GIT


def _places(repository: Path, configured: str | None) -> Iterator[HookPlace]:
    if not is_bare_repository(repository):
        raise StoreError(
            f"{repository} is no bare Git repository. Give the folder of the repository on the server,"
            " such as /srv/git/team.git"
        )
    layout = _layout(repository)
    folder = repository / "hooks"
    for name in _NAMES:
        source = f"server/{name}"
        if layout is ServerLayout.GITLAB:
            yield HookPlace(repository / "custom_hooks" / name, source)
            continue
        away = shadow(repository, folder, configured)
        if layout is ServerLayout.GITEA:
            yield HookPlace(folder / f"{name}.d" / "superqode", source, away, alone=True)
        else:
            yield HookPlace(folder / name, source, away)
