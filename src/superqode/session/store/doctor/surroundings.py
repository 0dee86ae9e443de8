"""What the store depends on: the `git` program, the hook that guards pushes, the remotes."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from superqode.session.errors import GitError, RemoteError, StoreError
from superqode.session.git.program import config_value, git_version
from superqode.session.git.remote_reading import ls_remote
from superqode.session.git.remotes import list_remotes
from superqode.session.git.repository import Repository
from superqode.session.store.doctor.findings import Examined, Repair, ok, problem, warning
from superqode.session.store.hooks import HookState, hook_status, install_hooks

__all__ = ["git", "hooks", "remotes", "repair_hooks"]

_HOOKS_PATH: Final = "core.hooksPath"
_INSTALL: Final = "superqode hooks install"
_SHARES: Final = ("refs/superqode/shares/*", "refs/heads/superqode-shares*")


def git() -> Iterator[Examined]:
    """Whether there is a `git` that is new enough."""
    try:
        yield ok("git", f"git {git_version('Packing')} is here")
    except GitError as reason:
        yield warning(
            "git",
            str(reason).partition(". ")[0],
            "saving and reading work; packing, sharing, backups and purging at once do not",
            "https://git-scm.com/downloads",
        )


def hooks(path: Path) -> Iterator[Examined]:
    """Whether a hook keeps `git push` from sending sessions in clear."""
    try:
        found = hook_status(path, configured_hooks_path=config_value(path, _HOOKS_PATH))
    except StoreError as reason:
        yield problem("hooks", str(reason).partition(". ")[0], "`git push` may send sessions in clear", _INSTALL)
        return
    if found.guarding:
        yield ok("hooks", "a hook keeps `git push` from sending sessions in clear")
        return
    meaning = "`git push --all` in the store would send sessions in clear"
    if found.shadowed_by:
        command = f"git -C {shlex.quote(str(path))} config {_HOOKS_PATH} {shlex.quote(str(path / 'hooks'))}"
        yield problem("hooks", f"{_HOOKS_PATH} is {found.shadowed_by!r}: git does not run the hook", meaning, command)
    elif found.state is HookState.FOREIGN:
        yield problem("hooks", "another pre-push hook stands in its place", meaning, _INSTALL)
    else:
        yield problem("hooks", f"the hook is {found.state.value}", meaning, _INSTALL, Repair.HOOKS)


def repair_hooks(repository: Repository) -> None:
    """Put the hook in place."""
    path = repository.path
    install_hooks(path, configured_hooks_path=config_value(path, _HOOKS_PATH))


def remotes(repository: Repository, *, reach: bool) -> Iterator[Examined]:
    """The remotes: whether their URLs hold credentials, and with `reach` whether they answer."""
    found = list_remotes(repository)
    if not found:
        yield ok("remotes", "no remote is set; `superqode remote add` names one, to share through")
    for remote in found:
        if remote.url != remote.shown:
            yield warning(
                "remotes",
                f"the URL of {remote.name} holds a password or token",
                "it stands in the store's config in clear",
                f"superqode remote remove {remote.name};"
                f" superqode remote add {remote.name} {shlex.quote(remote.shown)}",
            )
        if reach:
            yield _reached(repository, remote.name, remote.url, remote.shown)
        elif remote.url == remote.shown:
            yield ok("remotes", f"{remote.name}: {remote.shown} (not asked; --remotes asks)")


def _reached(repository: Repository, name: str, url: str, shown: str) -> Examined:
    try:
        shares = ls_remote(url, _SHARES, repository=repository.path)
    except (RemoteError, GitError) as reason:
        meaning = "shares wait here until it answers"
        return problem(
            "remotes", f"{name}: {str(reason).partition('. ')[0]}", meaning, f"git ls-remote {shlex.quote(shown)}"
        )
    return ok("remotes", f"{name}: {shown} answers, {len(shares):,} shares are there")
