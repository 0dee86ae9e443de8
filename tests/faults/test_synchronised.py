"""Two machines' copies of a store, merged file by file by a synchroniser that knows nothing of Git.

Nobody should keep a live store so; `superqode sync` is there for it. Still nothing acknowledged on either may be gone
without a word.
"""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from superqode.session import Session, SessionStore
from superqode.session.git import journal as journals

from . import processes
from .life import texts
from .tally import Blocked, Lost, Unreadable

GROUP = "synchronised copies"
RUNS = 40 if processes.FULL else 3
SHARED = ("both-1", "both-2")


def _files(store: Path) -> dict[str, Path]:
    """What a synchroniser sees: all files, but for those it is told to leave alone by their being locked or temporary."""
    return {path.relative_to(store).as_posix(): path for path in store.rglob("*") if path.is_file()}


class Synchroniser:
    """Merges two folders into both, from what they were when they were last the same.

    Args:
        base: the state of both then.
        conflicts: how the older of two changed files is called; it is lost without a name.
        part: which part of the files it comes to before it is stopped.
    """

    def __init__(self, base: Path, conflicts: str, part: float, dice: random.Random) -> None:
        self._base = {name: path.read_bytes() for name, path in _files(base).items()}
        self._conflicts = conflicts
        self._part = part
        self._dice = dice

    def merge(self, one: Path, two: Path) -> None:
        """Let both be the same, as far as it comes."""
        left, right = _files(one), _files(two)
        for name in sorted(left.keys() | right.keys() | self._base.keys()):
            if self._dice.random() < self._part:
                self._file(name, one, two)

    def _file(self, name: str, one: Path, two: Path) -> None:
        sides = [folder / name for folder in (one, two)]
        now = [path.read_bytes() if path.is_file() else None for path in sides]
        before = self._base.get(name)
        if now[0] == now[1]:
            return
        changed = [content != before for content in now]
        if all(changed) and None not in now:
            newer = 0 if sides[0].stat().st_mtime_ns >= sides[1].stat().st_mtime_ns else 1
            if self._conflicts:
                for folder in (one, two):
                    _put(folder / f"{name}{self._conflicts}", now[1 - newer])
        else:
            # A change wins over none; a file wins over its being deleted.
            newer = changed.index(True) if not all(changed) else (0 if now[0] is not None else 1)
        _put(sides[1 - newer], now[newer])


def _put(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(".syncthing.tmp")
    fresh.write_bytes(content)
    fresh.replace(path)


def _work(store: SessionStore, machine: str, dice: random.Random, known: dict[str, list[str]]) -> None:
    """Add to sessions of both, make and change own ones; what was acknowledged is in `known`."""
    for turn in range(dice.randint(2, 6)):
        name = dice.choice([*SHARED, f"own-{machine}-{dice.randint(0, 2)}"])
        session = store.load(name) if store.exists(name) else Session(id=name, title=name)
        text = f"{machine} {turn} {dice.random()}"
        session.add_message("user", text)
        store.save(session)
        known.setdefault(name, []).append(text)
        if dice.random() < 0.2:
            store.maintain()


def _machine(monkeypatch, name: str) -> None:
    """The journals name which run of which machine wrote them."""
    monkeypatch.setattr(journals, "boot_id", lambda: name)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(RUNS))
@pytest.mark.parametrize(
    "conflicts", ["", ".sync-conflict-20261122-101500-ABCDEFG", " (Ada's conflicted copy 2026-11-22)"]
)
def test_nothing_is_gone_without_a_word(conflicts, seed, tmp_path, monkeypatch, tally):
    """Whatever a synchroniser makes of two copies: what was saved on either is there, or named and brought back."""
    dice = random.Random(seed)
    base, one, two = (tmp_path / name for name in ("base", "one", "two"))
    known: dict[str, list[str]] = {}
    _machine(monkeypatch, "one")
    with SessionStore(base) as store:
        for name in SHARED:
            session = Session(id=name)
            session.add_message("user", "before")
            store.save(session)
            known[name] = ["before"]
        if seed % 2:
            store.maintain()
    for folder, machine in ((one, "one"), (two, "two")):
        shutil.copytree(base, folder)
        _machine(monkeypatch, machine)
        with SessionStore(folder) as store:
            _work(store, machine, dice, known)
    with tally.fault(f"seed {seed}, {conflicts or 'the newest wins'}") as fault:
        part = dice.choice((1.0, 1.0, 0.5))
        Synchroniser(base, conflicts, part, dice).merge(one, two)
        if part < 1:  # it was stopped, and goes on later
            for folder, machine in ((one, "one"), (two, "two")):
                _machine(monkeypatch, machine)
                with SessionStore(folder) as store:
                    store.list_sessions()
            Synchroniser(base, conflicts, 1.0, dice).merge(one, two)
        for folder, machine in ((one, "one"), (two, "two")):
            _machine(monkeypatch, machine)
            if not _check(folder, known):
                fault.reported()


def _said(store: SessionStore) -> set[str]:
    said: set[str] = set()
    for row in store.list_sessions():
        if row.problem == "":
            said |= set(texts(store.load(row.id)))
    return said


def _check(folder: Path, known: dict[str, list[str]]) -> bool:
    """Whether all is there; if not, what is missing is named, and a repair brings it back, and saves work."""
    everything = {text for said in known.values() for text in said}
    with SessionStore(folder) as store:
        missing = everything - _said(store)
        owners = {name for name, said in known.items() if missing & set(said)}
        named = {found.session_id for found in store.verify().findings}
        if unnamed := owners - named:
            raise Unreadable(f"{unnamed} miss {missing}, and verify names {named}")
        store.repair()
        if still := everything - _said(store):
            raise Lost(f"{still} after a repair")
        for name in known:
            session = store.load(name)
            session.add_message("user", f"afterwards {name}")
            try:
                store.save(session)
            except OSError as problem:
                raise Blocked(name) from problem
        errors = [found for found in store.verify().findings if found.severity == "error"]
        assert errors == []
    return not missing
