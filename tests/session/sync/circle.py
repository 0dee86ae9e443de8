"""A person's machines for the tests of sync: stores, one bare repository between them, and what each of them holds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from session.sharing import team as teams
from superqode.session import Session, SessionStore
from superqode.session.git.repository import Repository
from superqode.session.sharing.manager import SessionSharingManager
from superqode.session.sync import setup
from superqode.session.sync.results import SyncReport
from superqode.session.sync.session_sync import SessionSync
from superqode.session.sync.view import read_view

WORKER = Path(__file__).with_name("worker.py")
USER = ("Wilhelmina", "wilhelmina@example.invalid")


def git(path: Path, *arguments: str, stdin: bytes = b"") -> str:
    """Run git in a repository, which must succeed; gives its standard output."""
    return teams.git(path, *arguments, stdin=stdin).decode("utf-8", "surrogateescape")


class Machine:
    """One machine with a store.

    Args:
        path: the store.
        remote: where it syncs.
        rules: gives the detector's rules, compiled, for those who share.
    """

    def __init__(self, path: Path, remote: str, rules: Callable[[], Path] | None = None) -> None:
        self._rules = rules
        self.path = path
        self.remote = remote
        self.store = SessionStore(path, user=USER)

    def begin(self, **options: Any) -> str:
        """Set a sync up; gives the words."""
        return setup.begin(self.store, self.remote, keyring=False, **options).words

    def join(self, words: str) -> None:
        """Join one."""
        setup.join(self.store, self.remote, words, keyring=False)

    def sync(self, **options: Any) -> SyncReport:
        """Sync once."""
        return SessionSync(self.store).run(**options)

    def share(self, session_id: str) -> str:
        """Share a session; gives the share's id."""
        assert self._rules is not None
        teams.seed(self.path, self._rules())
        return SessionSharingManager(self.store).create_share(session_id).id

    def say(self, session_id: str, text: str) -> None:
        """Add a message to a session, new if it is not there."""
        session = (
            self.store.load(session_id) if self.store.exists(session_id) else Session(id=session_id, title=session_id)
        )
        session.add_message("user", text)
        self.store.save(session)

    def snapshot(self, session_id: str, description: str) -> str:
        """Make a snapshot; gives its id."""
        session = self.store.load(session_id)
        made = session.create_snapshot(description)
        self.store.save(session)
        return str(getattr(made, "id", made))

    def heard(self, session_id: str) -> list[str]:
        """The messages of a session."""
        return [message.content for message in self.store.load(session_id).messages]

    def ids(self) -> list[str]:
        """The sessions, sorted."""
        return sorted(summary.id for summary in self.store.list_sessions())

    def trash(self) -> list[str]:
        """The ids in the trash, sorted."""
        return sorted(item.session_id for item in self.store.trash())

    def view(self, *, plain: bool = False) -> dict[str, str]:
        """All that is synced."""
        found = read_view(Repository(self.path)).view
        alone = ("ledger/", "refs/superqode/sources/", "refs/superqode/shares/")
        return {name: oid for name, oid in found.items() if not (plain and name.startswith(alone))}

    def forget(self) -> None:
        """Forget all that is remembered of the remote, as if the files were lost; the key stays."""
        for path in (self.path / "superqode" / "sync" / "remotes").rglob("*.json"):
            path.unlink()

    def worker(self) -> subprocess.Popen[str]:
        """A process that stands ready to sync this store once it is told to."""
        process = subprocess.Popen(
            [sys.executable, str(WORKER), str(self.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process


def settle(machines: list[Machine], **options: Any) -> None:
    """Sync every machine until nothing moves any more."""
    for _ in range(5):
        reports = [machine.sync(**options) for machine in machines]
        if not any(report.received.any or report.sent.any for report in reports):
            return
    raise AssertionError(f"the machines do not come to rest: {reports}")


def loosen(machine: Machine) -> None:
    """Give every object of a machine's store a file of its own."""
    for pack in (machine.path / "objects" / "pack").glob("*.pack"):
        data = pack.read_bytes()
        for ending in (".pack", ".idx", ".rev"):
            pack.with_suffix(ending).unlink(missing_ok=True)
        git(machine.path, "unpack-objects", "-q", stdin=data)
