"""Places that shares travel through, as real servers have them, and people with a home and a store each."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from servers import Server, bare_repository
from servers.repositories import refs_of, server_git
from servers.user import Trust, Who
from session.sharing.team import Person, git, person
from superqode.session import SessionStore
from superqode.session.git.remote import Update, push
from superqode.session.git.remotes import add_remote
from superqode.session.sharing.manager import SessionSharingManager
from superqode.session.store.hooks import install_hooks

SERVED = ("ssh", "https", "http", "git")
EVERYWHERE = (*SERVED, "file", "path")
WITH_USERS = ("ssh", "https", "http")
# Tells of each push that the server took, a line for each ref.
COUNT = '#!/bin/sh\ncat >> "$(git rev-parse --absolute-git-dir)/taken"\n'

_SERVERS = {"ssh": "ssh_server", "branches": "ssh_server", "git": "git_daemon", "https": "web_server"}


@dataclass
class Place:
    """A repository that shares travel through.

    Attributes:
        url: what its users call it.
        path: where the server keeps it.
        server: the server; `None` for a folder.
        port: the server's port, for a proxy before it; 0 for a folder.
    """

    url: str
    path: Path
    server: Server | None = None
    port: int = 0

    def refs(self) -> dict[str, str]:
        """The refs that it has now, with their object ids."""
        return refs_of(self.path)

    def through(self, port: int) -> str:
        """The URL by way of another port, such as a proxy's."""
        return self.url.replace(f":{self.port}/", f":{port}/")

    def taken(self) -> list[str]:
        """The refs that were changed so far, one for each time, where the hook `COUNT` stands."""
        told = self.path / "taken"
        return [line.split()[2] for line in told.read_text("utf-8").splitlines()] if told.exists() else []

    def set(self, name: str, value: str) -> None:
        """Change a setting of it."""
        server_git(self.path, "config", name, value)

    def hook(self, name: str, script: str) -> Path:
        """Put a hook into it."""
        hook = self.path / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(script, "utf-8")
        hook.chmod(0o755)
        return hook


def place_of(request: pytest.FixtureRequest, kind: str) -> Place:
    """A new empty repository: on a server of this kind, on one that takes branches only, or in a folder."""
    folder = request.getfixturevalue("tmp_path")
    if kind in ("file", "path"):
        path = bare_repository(folder / "team shares.git")
        return Place(path.as_uri() if kind == "file" else str(path), path)
    server = request.getfixturevalue(_SERVERS.get(kind, "web_server"))
    if kind == "branches":
        url = server.branches_only(f"only-{folder.name}")
        return Place(url, server.folder / "repositories" / f"only-{folder.name}.git", server, server.ports["ssh"])
    served = server.repository()
    served = server.plain(served) if kind == "http" else served
    return Place(served.url, served.path, server, served.port)


@dataclass
class Somebody:
    """Somebody at a machine of their own: a home with what opens the server, and a store.

    Whatever is asked of them is done with their home.
    """

    home: Path
    person: Person
    _patch: pytest.MonkeyPatch = field(repr=False)

    def sit_down(self) -> None:
        """From now on it is their home that git finds."""
        self._patch.setenv("HOME", str(self.home))

    @property
    def shares(self) -> SessionSharingManager:
        """Their shares."""
        self.sit_down()
        return self.person.shares

    @property
    def path(self) -> Path:
        """Their store's folder."""
        return self.person.path

    @property
    def store(self) -> SessionStore:
        """Their store."""
        return self.person.store

    def git(self, *arguments: str) -> str:
        """Run plain git in their store, which must succeed; gives its standard output without space around it."""
        self.sit_down()
        return git(self.path, *arguments).decode().strip()

    def try_git(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run plain git in their store, whatever comes of it."""
        self.sit_down()
        command = ["git", "-C", str(self.path), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    def push(self, place: Place, oid: str, ref: str, expected: str | None = None) -> None:
        """Push an object under any name, past the store's own hook."""
        self.sit_down()
        push(self.path, place.url, [Update(oid, ref, expected)])

    def sharing(self, remote: str) -> SessionSharingManager:
        """Their shares, with a remote that is meant where none is named."""
        self.sit_down()
        return SessionSharingManager(self.store, remote)

    def state(self) -> tuple[dict[str, str], set[str], list[str]]:
        """What sharing could leave in the store: refs, objects, unfinished files."""
        return self.person.state()

    def pending(self) -> list[str]:
        """The ids of their shares that wait."""
        return [share.id for share in self.shares.list_shares() if share.pending]


class People:
    """Makes people.

    Args:
        folder: where their homes and stores are.
        rules: the detector's compiled rules.
        patch: changes HOME for the length of a test.
    """

    def __init__(self, folder: Path, rules: Path, patch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._rules = rules
        self._patch = patch

    def meet(
        self, name: str, place: Place, who: Who = "nobody", trust: Trust = "right", *, remote: str = ""
    ) -> Somebody:
        """Somebody who is this user of the server; with `remote` their store knows it as `team`."""
        met = Somebody(self._home(name, place, who, trust), person(self._folder, name, self._rules), self._patch)
        install_hooks(met.path)
        if remote:
            add_remote(met.path, "team", remote)
        return met

    def lend(self, owner: Somebody, name: str, place: Place, who: Who) -> Somebody:
        """Somebody with a copy of the owner's store, keys and all, who is another user of the server."""
        path = self._folder / name
        shutil.copytree(owner.path, path)
        store = SessionStore(path, user=(name, f"{name}@example.invalid"))
        copy = Person(store, SessionSharingManager(store), self._rules)
        return Somebody(self._home(name, place, who), copy, self._patch)

    def _home(self, name: str, place: Place, who: Who, trust: Trust = "right") -> Path:
        home = self._folder / f"home of {name}"
        home.mkdir()
        allow(place, home, who, trust)
        return home


def allow(place: Place, home: Path, who: Who, trust: Trust = "right") -> None:
    """Let the owner of a home be this user of a server from now on; a folder has none."""
    if place.server is not None:
        place.server.access(who, trust).use(home)
