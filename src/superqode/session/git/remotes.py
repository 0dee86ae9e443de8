"""The remotes a store knows: real Git remotes in its config, so that plain `git push` and `git fetch` know them too.

They have no fetch refspec: `git fetch team` must not pour a team's shares into the store's branches.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from superqode.session.errors import InvalidRemote, RemoteNotFound
from superqode.session.git import program
from superqode.session.git.remote_urls import check_url, clean_url
from superqode.session.git.repository import Repository

__all__ = [
    "Namespace",
    "RemoteInfo",
    "add_remote",
    "default_remote",
    "find_remote",
    "list_remotes",
    "remember_namespace",
    "remember_sync",
    "remotes_for_shares",
    "remove_remote",
    "resolve_remote",
    "set_default",
]

# Where a host keeps shares: `refs/superqode/…`, or branches where it takes nothing else; "" while nobody tried.
Namespace = Literal["superqode", "heads", ""]

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SETTING: Final = re.compile(r"remote\.(?P<name>.+)\.(?P<key>[a-z]+)", re.DOTALL)
_DEFAULT: Final = "superqode.defaultremote"
_SYNC: Final = "superqodesync"
_OLD_SYNC: Final = "superqodesyncold"
_PURPOSE: Final = "Changing the store's remotes"


@dataclass(frozen=True, slots=True)
class RemoteInfo:
    """A remote.

    Attributes:
        name: its name; empty for one that was given as a URL or path.
        url: where to fetch from, as it is configured: with credentials, if the user put some there. Never to be shown.
        push_url: where to push to; the same unless configured otherwise. Never to be shown either.
        namespace: where it takes shares, as far as that is known.
        default: whether it is the one that is used for shares when none is named.
        sync: what the store is synced with there: `plain`, or the id of a sealed sync; empty where it is not.
        old_sync: the sealed sync that this one takes the place of, while that is not finished.
    """

    name: str
    url: str = field(repr=False)
    push_url: str = field(repr=False)
    namespace: Namespace = ""
    default: bool = False
    sync: str = ""
    old_sync: str = ""

    @property
    def shown(self) -> str:
        """The URL without credentials, for people, links and logs."""
        return clean_url(self.url)


def list_remotes(repository: Repository | Path) -> list[RemoteInfo]:
    """The store's remotes, by name; those that plain git added too."""
    settings = _settings(_path(repository))
    found: dict[str, dict[str, str]] = {}
    for key, value in settings:
        parts = _SETTING.fullmatch(key)
        if parts is not None and parts["name"].isprintable():
            # As git does: it fetches from the first URL of several.
            found.setdefault(parts["name"], {}).setdefault(parts["key"], value)
    remotes = {name: keys for name, keys in sorted(found.items()) if keys.get("url")}
    chosen = next((value for key, value in reversed(settings) if key == _DEFAULT), "")
    # A remote that one's own stores are synced through is none to share through, unless somebody chose it.
    for_shares = [name for name, keys in remotes.items() if not keys.get(_SYNC)]
    if len(for_shares) == 1 and chosen not in remotes:
        chosen = for_shares[0]
    return [_info(name, keys, default=name == chosen) for name, keys in remotes.items()]


def find_remote(repository: Repository | Path, name: str) -> RemoteInfo:
    """The remote of this name.

    Raises:
        RemoteNotFound: there is none.
    """
    remotes = {remote.name: remote for remote in list_remotes(repository)}
    if name not in remotes:
        raise RemoteNotFound(clean_url(name)[:200], list(remotes))
    return remotes[name]


def resolve_remote(repository: Repository | Path, given: str) -> RemoteInfo:
    """The remote that a user means: a name, else a URL or path; one that is configured under some name is that one.

    Raises:
        RemoteNotFound: a plain word that is neither a remote's name nor a folder here.
        InvalidRemote: it may be no remote.
    """
    remotes = list_remotes(repository)
    by_name = [remote for remote in remotes if remote.name == given]
    if by_name:
        return by_name[0]
    if _NAME.fullmatch(given) and not Path(given).is_dir():
        raise RemoteNotFound(given, [remote.name for remote in remotes])
    url = check_url(given)
    by_url = [remote for remote in remotes if url in (remote.url, remote.shown)]
    return by_url[0] if by_url else RemoteInfo("", url, url)


def add_remote(
    repository: Repository | Path, name: str, url: str, *, push_url: str = "", default: bool = False
) -> RemoteInfo:
    """Configure a remote; a relative path is kept as an absolute one.

    What was the default as the only one is noted as the chosen one: a second remote takes it away from none.

    Raises:
        InvalidRemote: the name is none, or is taken; the URL is none.
        GitMissing, GitFailed: git is missing, or said no.
        StoreLocked: somebody changed the settings all the time.
    """
    if not _NAME.fullmatch(name) or name.endswith("."):
        shown = clean_url(name)[:64]
        raise InvalidRemote(shown, "a name is made of up to 64 letters, digits, dots, dashes and underscores")
    taken = [remote.name for remote in list_remotes(repository) if remote.name.casefold() == name.casefold()]
    if taken:
        raise InvalidRemote(name, f"there is a remote {taken[0]} already (`superqode remote remove {taken[0]}`)")
    checked = check_url(url)
    checked_push = check_url(push_url) if push_url else ""
    path = _path(repository)
    stays = default_remote(path)
    if stays is not None and not default:  # first: cut short behind it, nothing has changed
        _choose(path, stays.name)
    _set(path, f"remote.{name}.url", checked)
    if checked_push:
        _set(path, f"remote.{name}.pushurl", checked_push)
    if default:
        _choose(path, name)
    return find_remote(repository, name)


def remove_remote(repository: Repository | Path, name: str) -> None:
    """Forget a remote and what is known of it; where it was the default, there is none until one is set.

    Raises:
        RemoteNotFound: there is none of this name.
        GitMissing, GitFailed: git is missing, or said no.
        StoreLocked: somebody changed the settings all the time.
    """
    find_remote(repository, name)
    path = _path(repository)
    program.configure(path, "--remove-section", f"remote.{name}", purpose=_PURPOSE)
    if any(key == _DEFAULT and value == name for key, value in _settings(path)):
        program.configure(path, "--unset-all", _DEFAULT, purpose=_PURPOSE)


def default_remote(repository: Repository | Path) -> RemoteInfo | None:
    """The remote that is used when none is named: the chosen one, or the only one; `None` where there is no such."""
    return next((remote for remote in list_remotes(repository) if remote.default), None)


def remotes_for_shares(repository: Repository | Path) -> list[RemoteInfo]:
    """The remotes that shares could go to: those that the store is not synced with, and the chosen one."""
    return [remote for remote in list_remotes(repository) if remote.default or not remote.sync]


def set_default(repository: Repository | Path, name: str) -> None:
    """Choose the default remote.

    Raises:
        RemoteNotFound: there is none of this name.
        GitMissing, GitFailed: git is missing, or said no.
        StoreLocked: somebody changed the settings all the time.
    """
    find_remote(repository, name)
    _choose(_path(repository), name)


def remember_namespace(repository: Repository | Path, name: str, namespace: Namespace) -> None:
    """Note where a remote takes shares, so that it is tried once.

    Raises:
        RemoteNotFound: there is none of this name.
        GitMissing, GitFailed: git is missing, or said no.
        StoreLocked: somebody changed the settings all the time.
    """
    if find_remote(repository, name).namespace != namespace:
        _set(_path(repository), f"remote.{name}.superqodenamespace", namespace)


def remember_sync(repository: Repository | Path, name: str, sync: str, *, old: str = "") -> None:
    """Note what the store is synced with on a remote.

    Args:
        repository: the store.
        name: the remote's name.
        sync: `plain`, or the id of a sealed sync; empty for nothing any more.
        old: the sealed sync that this one takes the place of, while that is not finished.

    Raises:
        RemoteNotFound: there is none of this name.
        GitMissing, GitFailed: git is missing, or said no.
        StoreLocked: somebody changed the settings all the time.
    """
    before = find_remote(repository, name)
    if before.old_sync != old:  # first: cut short here, the old one is still what counts
        _set(_path(repository), f"remote.{name}.{_OLD_SYNC}", old)
    _set(_path(repository), f"remote.{name}.{_SYNC}", sync)


def _path(repository: Repository | Path) -> Path:
    return repository if isinstance(repository, Path) else repository.path


def _settings(path: Path) -> list[tuple[str, str]]:
    """The store's own settings, each value of a key that has several; read without git, which may be missing."""
    import pygit2

    config: Any = pygit2.Config(str(path / "config"))
    return [(entry.name, entry.value or "") for entry in config]


def _choose(path: Path, name: str) -> None:
    if (_DEFAULT, name) not in _settings(path):
        _set(path, _DEFAULT, name)


def _set(path: Path, key: str, value: str) -> None:
    program.configure(path, "--replace-all", key, value, purpose=_PURPOSE)


def _info(name: str, keys: dict[str, str], *, default: bool) -> RemoteInfo:
    told = keys.get("superqodenamespace", "")
    namespace: Namespace = "superqode" if told == "superqode" else "heads" if told == "heads" else ""
    push_url = keys.get("pushurl") or keys["url"]
    return RemoteInfo(name, keys["url"], push_url, namespace, default, keys.get(_SYNC, ""), keys.get(_OLD_SYNC, ""))
