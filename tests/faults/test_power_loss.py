"""A crash of the whole system: of all that was never synced, the disk has any part, and nothing acknowledged is lost.

The state of the disk after the crash is made, not waited for. What was synced is known: all that stood there at the last
`syncfs`, and the journal as it was at the last acknowledgement. Every other file that is new or has changed since is
there or not, old or new, cut or full of zeros, as chance will have it.
"""

from __future__ import annotations

import os
import random
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from superqode.session import SessionStore
from superqode.session.git import durability, recovery
from superqode.session.git import journal as journals

from . import processes
from .life import Life

GROUP = "power loss"
_CRASHES = 600 if processes.FULL else 24
_STEPS = 14
# Disposable, or of processes: a crash may leave whatever it likes of them.
_ASIDE = ("index.sqlite", "locks/")


def files_of(store: Path) -> dict[str, bytes]:
    """Every file of a store that counts, by its path."""
    found = {}
    for path in store.rglob("*"):
        name = path.relative_to(store).as_posix()
        if path.is_file() and not any(aside in name for aside in _ASIDE):
            found[name] = path.read_bytes()
    return found


@dataclass
class Disk:
    """What the disk surely has, learned from the calls that wait for it.

    Attributes:
        store: the store's folder.
        sure: its files as they surely are, by path.
    """

    store: Path
    sure: dict[str, bytes] = field(default_factory=dict)

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Take note of each sync."""

        def noted(handle):
            path = Path(f"/proc/self/fd/{handle}").readlink()
            if path.is_file() and path.is_relative_to(self.store):
                self.sure[path.relative_to(self.store).as_posix()] = path.read_bytes()
            elif path.is_dir():  # names that went are gone for sure
                below = path.relative_to(self.store).as_posix() if path.is_relative_to(self.store) else ""
                for name in [name for name in self.sure if below and name.startswith(f"{below}/")]:
                    if not (self.store / name).exists():
                        del self.sure[name]

        def everything(_handle):
            self.sure = files_of(self.store)
            return 0

        monkeypatch.setattr(os, "fsync", noted)
        monkeypatch.setattr(os, "fdatasync", noted)
        monkeypatch.setattr(durability, "_syncfs", lambda: everything)

    def crash(self, dice: random.Random) -> None:
        """Let the store's folder be what a crash could leave of it."""
        now = files_of(self.store)
        for name in sorted(now.keys() | self.sure.keys()):
            path = self.store / name
            content = _left(dice, name, now.get(name), self.sure.get(name))
            if content is None:
                path.unlink(missing_ok=True)
            elif content != now.get(name):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.unlink(missing_ok=True)
                path.write_bytes(content)


def _left(dice: random.Random, name: str, now: bytes | None, sure: bytes | None) -> bytes | None:
    """What the disk has of one file."""
    if now == sure:
        return now
    if name.startswith("superqode/journal/") and sure is not None and now is not None and len(now) >= len(sure):
        # What was synced, and any sectors of what was written since.
        padded = sure + bytes(len(now) - len(sure))
        sectors = [dice.choice((padded, now))[at : at + 512] for at in range(0, len(now), 512)]
        return b"".join(sectors)[: dice.randint(len(sure), len(now))]
    chances = [now, sure]
    if now is not None and sure is None:
        chances += [b"", now[: dice.randrange(len(now) + 1)], b"\0" * len(now)]
    elif now is not None and name.startswith("refs/"):
        chances += [b"", b"\0" * len(now)]
    return dice.choice(chances)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(_CRASHES))
def test_nothing_acknowledged_is_lost(tmp_path, monkeypatch, seed, tally):
    """Work, crash, open, look, work on, crash again: after each crash every acknowledged state is there, and saves work."""
    dice = random.Random(seed)
    path = tmp_path / "store"
    disk, life = Disk(path), Life(dice)
    for crash in range(3):
        monkeypatch.setattr(journals, "boot_id", lambda crash=crash: f"run-{crash}")
        monkeypatch.setattr(recovery, "_FEW", dice.choice((1, 100)))
        with monkeypatch.context() as patch, SessionStore(path) as store:
            assert not life.step(store)  # making a store waits for all of it
            disk.sure = files_of(path)
            disk.watch(patch)
            for _ in range(dice.randint(1, _STEPS)):
                assert not life.step(store)
                if dice.random() < 0.1:
                    store._open().checkpoint()
        with tally.fault(f"crash {crash} of seed {seed}"):
            disk.crash(dice)
            shutil.rmtree(path / "superqode" / "locks")
            monkeypatch.setattr(journals, "boot_id", lambda crash=crash: f"after {crash}")
            with SessionStore(path) as store:
                life.check(store)
                report = store.verify()
                assert report.ok, report.findings
