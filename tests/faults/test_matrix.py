"""Every harm to every kind of file in a store: what is not whole is named, all else goes on, and saves work."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from superqode.session import SessionStore

from . import examiner, processes
from .harms import HARMS, harm
from .tally import Blocked, Lost, Unreadable

GROUP = "damaged files"

OBJECTS = {
    "commit": "s",
    "older commit": "s~1",
    "root tree": "s^{tree}",
    "timeline": "s:timeline/0000/00",
    "session.json": "s:session.json",
    "message": "s:timeline/0000/00/00-user.json",
    "long text": "s:timeline/0000/00/01-assistant.content.txt",
    "snapshot": "refs/tags/s/kept",
}
REFS = {
    "branch": "refs/heads/s",
    "snapshot's ref": "refs/tags/s/kept",
    "trash ref": "refs/superqode/trash/gone/*/branch",
    "reflog": "logs/refs/heads/s",
}
OWN = {"HEAD": "HEAD", "config": "config", "index": "superqode/index.sqlite"}
JOURNAL = {"journal": f"superqode/journal/{zlib.crc32(b's') % 256:02x}"}
PACKED = {"pack": "objects/pack/*.pack", "idx": "objects/pack/*.idx", "packed-refs": "packed-refs"}
# How the store stands when the harm is done: with all in the journal as well, without that, packed.
STANDING = {
    "journalled": {**dict.fromkeys(OBJECTS), **REFS, **OWN, **JOURNAL},
    "loose": {**dict.fromkeys(OBJECTS), **REFS},
    "packed": {**PACKED, **OWN},
}
CASES = [(standing, what) for standing, whats in STANDING.items() for what in whats]
# Files without which no session can be saved, until a repair or a hand puts them right.
SHARED = ("packed-refs", "config", *JOURNAL.values())
# Every harm in a full run, else some to each kind of file, and each to some.
STRIDE = 1 if processes.FULL else 7

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """The stores that harms are done to copies of."""
    made = {}
    for standing in STANDING:
        made[standing] = tmp_path_factory.mktemp("stores") / standing
        examiner.template(made[standing])
        with SessionStore(made[standing]) as store:
            if standing == "loose":
                store._open().checkpoint()
            if standing == "packed":
                store.maintain()
    return made


@pytest.fixture(scope="module")
def witness(tmp_path_factory):
    """Do something to a store while a process holds it open; gives what that one and another one tell of it then."""
    with processes.workers() as start:
        worker = start("examiner", tmp_path_factory.mktemp("none"))

        def ask(store: Path, harm: Callable[[], object], places: Sequence[Path] = ()) -> dict:
            worker.say(json.dumps([str(store), [str(place) for place in places]]))
            assert worker.line() == "ready"
            harm()
            worker.say("go on")
            told = json.loads(worker.line()) | json.loads(worker.line())
            if "died" in told:
                raise Blocked(f"a process was ended by signal {-told['died']}")
            return told

        yield ask


def _place(store: Path, what: str) -> Path:
    if what in OBJECTS:
        command = ["git", "-C", store, "rev-parse", OBJECTS[what]]
        oid = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        return store / "objects" / oid[:2] / oid[2:]
    pattern = next(places[what] for places in STANDING.values() if places.get(what))
    return next(store.glob(pattern))


@pytest.mark.slow
@pytest.mark.parametrize(("standing", "what"), CASES)
def test_any_harm_to_any_file(standing, what, stores, witness, tmp_path, tally):
    """Whatever is harmed however: it is healed or named, nothing else suffers, and saves work, after a repair at the latest."""
    for how in list(HARMS)[CASES.index((standing, what)) % STRIDE :: STRIDE]:
        store = tmp_path / "store"
        shutil.copytree(stores[standing], store)
        place = _place(store, what)
        whole = place.read_bytes()
        with tally.fault(f"{what} ({standing}): {how}") as fault:
            told = witness(store, lambda place=place, how=how: harm(place, how))
            name = place.relative_to(store).as_posix()
            judge = _Judge(told, name, examiner.TEXTS)
            if not judge.judge():
                fault.reported()
            if not _done(told["repaired"]):  # it was named, and a hand puts it right
                shutil.rmtree(place, ignore_errors=True)
                place.unlink(missing_ok=True)
                place.write_bytes(whole)
                again = {name: judge.right[name] for name in examiner.TEXTS}
                assert _Judge(witness(store, lambda: None), name, again).judge()
        shutil.rmtree(store)


@pytest.mark.parametrize("what", [*OBJECTS, "pack", "idx"])
def test_a_backup_makes_everything_whole(what, stores, witness, tmp_path, tally):
    """Where there is a backup, nothing stays lost, whichever object is gone, or all of them."""
    standing = "loose" if what in OBJECTS else "packed"
    backup, store = tmp_path / "backup", tmp_path / "store"
    with SessionStore(stores[standing]) as whole:
        whole.backup(backup)
    for how in ("zeros", "gone"):
        shutil.copytree(stores[standing], store)
        place = _place(store, what)
        with tally.fault(f"{what}: {how}, with a backup"):
            told = witness(store, lambda place=place, how=how: harm(place, how), [backup])
            assert _Judge(told, place.relative_to(store).as_posix(), examiner.TEXTS).judge(), told["repaired"]
        shutil.rmtree(store)


class _Judge:
    """What witnesses of one harm told, against what was acknowledged.

    Args:
        told: what they told.
        place: the harmed file, relative to the store.
        before: what each session said before.
    """

    def __init__(self, told: dict, place: str, before: dict[str, list[str]]) -> None:
        self.told = told
        self.place = place
        self.right: dict[str, list[str]] = {}
        for name, said in before.items():
            self.right[name] = said + (["held"] if self._acknowledged(told["held"][name], name) else [])

    def judge(self) -> bool:
        """Whether all is whole in the end; if not, all that is lost was named."""
        damaged = self._look("before")
        self._write("written", damaged)
        repaired = self.told["repaired"]
        if repaired[0] != "done":
            self._named(repaired, "-")
            return False
        left = self._look("after")
        for name in left:
            if not any(line.startswith(f"{name} ") for line in repaired[1][1]):
                raise Lost(f"repair does not tell of {name}: {repaired}")
        self._write("rewritten", left)
        self._look("last")
        return not left and not repaired[1][1]

    def _named(self, said: list, name: str) -> None:
        """An error is ours, and says whose it is: the session's, or the file's."""
        assert said[0] in ("refused", "not saved"), said
        words = (f"Session {name} ", f"session '{name}'", self.place, Path(self.place).name)
        if not any(word in said[1] for word in words):
            raise Unreadable(f"neither {name} nor {self.place} is named: {said}")

    def _acknowledged(self, said: list, name: str) -> bool:
        if said[0] != "done":
            self._named(said, name)
        return said[0] == "done"

    def _look(self, when: str) -> set[str]:
        """Judge one look; gives the sessions that cannot be read."""
        seen = self.told[when]
        for what in ("listed", "found", "trash", "verified"):
            self._acknowledged(seen[what], "-")
        told = [f"{session} {text}" for _, session, text in seen["verified"][1]] if _done(seen["verified"]) else []
        damaged = {name for name in seen["loaded"] if not self._whole(seen, name, when)}
        if _done(seen["verified"]):
            for name in damaged - set(seen["trash"][1] if _done(seen["trash"]) else ()):
                if not any(line.startswith(f"{name} ") or self.place in line for line in told):
                    raise Unreadable(f"{when}: verify does not tell of {name}: {told}")
            if _done(seen["trash"]) and "gone" not in seen["trash"][1] and not _told_of(told, "trash/gone"):
                raise Lost(f"{when}: nothing in the trash: {told}")
            for name in {"s", "f"} - damaged:
                count = seen["snapshots"][name]
                named = _told_of(told, "refs/tags/", self.place) or any(line.startswith(f"{name} ") for line in told)
                if count != ["done", [1]] and not named:
                    raise Lost(f"{when}: the snapshot of {name}: {count} {told}")
        if _done(seen["listed"]) and (missing := seen["loaded"].keys() - damaged - seen["listed"][1].keys()):
            raise Lost(f"{when}: {missing} not in the list")
        return damaged

    def _whole(self, seen: dict, name: str, when: str) -> bool:
        said = seen["loaded"][name]
        if self._acknowledged(said, name) and said[1] != self.right[name]:
            raise Lost(f"{when}: {name} says {_short(said[1])}, and not {_short(self.right[name])}")
        return _done(said)

    def _write(self, when: str, damaged: set[str]) -> None:
        """Judge saves: those of what is whole work, but where a file that all need is named."""
        text = {"written": "first", "rewritten": "second"}[when]
        for name, said in self.told[when]["saved"].items():
            if self._acknowledged(said, name):
                self.right[name] = [*self.right[name], text]
            elif name not in damaged:
                self._excused(when, said)
        made = self.told[when]["made"]
        if not _done(made):
            self._excused(when, made)

    def _excused(self, when: str, said: list) -> None:
        if when != "written" or self.place not in SHARED:
            raise Blocked(f"{when}: {said}")
        self._named(said, "-")


def _short(said: list[str]) -> list[str]:
    return [text[:20] for text in said]


def _done(said: list) -> bool:
    return said[0] == "done"


def _told_of(told: list[str], *words: str) -> bool:
    return any(word in line for line in told for word in words)
