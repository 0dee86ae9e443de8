"""A store looked over: each thing that can be wrong is found, told with what to do, and mended only where that is safe."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from superqode.session import Session, SessionStore
from superqode.session.git.making import changed_settings
from superqode.session.store.disk import disk_use
from superqode.session.store.doctor import Examined, Repair, examine, repair


@pytest.fixture
def filled(store, store_path) -> Path:
    """The folder of a store with two sessions and an index."""
    for name in ("one", "two"):
        session = Session(id=name)
        session.add_message("user", "hello")
        store.save(session)
    store.search("hello")
    store.close()  # an index that is held open heals itself
    return store_path


def _found(path: Path, area: str, level: str, **options) -> list[Examined]:
    """The findings of an area and level."""
    return [one for one in examine(path, **options).findings if (one.area, one.level) == (area, level)]


def _loose_tip(path: Path, git, session_id: str) -> Path:
    tip = git("rev-parse", session_id)
    return path / "objects" / tip[:2] / tip[2:]


def test_a_new_store_is_well(filled: Path) -> None:
    """Nothing to say against a store that was just made, nothing is changed, and every area was looked at."""
    report = examine(filled)
    assert report.level == "ok", [one for one in report.findings if one.level != "ok"]
    areas = {one.area for one in report.findings}
    assert areas == {
        "git", "disk", "store", "owner", "mode", "permissions", "hooks", "format", "settings", "locks", "refs",
        "objects", "times", "journal", "operations", "shares", "index", "leftovers", "remotes",
    }  # fmt: skip
    assert not any(one.remedy or one.repair for one in report.findings)


def test_every_finding_that_is_not_ok_says_what_it_means_and_what_to_do(filled: Path, git) -> None:
    """No warning without meaning and remedy."""
    git("config", "gc.auto", "7")
    (filled / "hooks" / "pre-push").unlink()
    (filled / "superqode" / "index.sqlite").write_bytes(b"x" * 5000)
    (filled / "refs" / "heads" / "broken").write_text("no id\n")
    found = [one for one in examine(filled).findings if one.level != "ok"]
    assert len(found) >= 4
    assert all(one.meaning and one.remedy for one in found)


def test_no_store_is_no_problem_and_something_else_is_one(tmp_path: Path) -> None:
    """A missing or empty folder will become a store; a file, or a folder of other things, cannot be one."""
    assert examine(tmp_path / "none").level == "ok"
    (tmp_path / "empty").mkdir()
    assert examine(tmp_path / "empty").level == "ok"
    (tmp_path / "file").write_text("x")
    assert _found(tmp_path / "file", "store", "problem")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("x")
    assert _found(tmp_path / "full", "store", "problem")


def test_an_open_mode_is_found_and_mended(filled: Path) -> None:
    """Others could read it: told, and closed by the repair."""
    filled.chmod(0o755)
    (found,) = _found(filled, "mode", "warning")
    assert found.repair is Repair.MODE
    filled.chmod(0o755)
    repair(filled, [Repair.MODE])
    assert filled.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
def test_what_belongs_to_another_user_is_found(filled: Path) -> None:
    """A file that `sudo superqode` left; and a store that is somebody else's, which is not opened."""
    os.chown(filled / "refs" / "heads" / "one", 12345, -1)
    (found,) = _found(filled, "permissions", "problem")
    assert "refs/heads/one" in found.found
    os.chown(filled, 12345, -1)
    report = examine(filled)
    assert [one.area for one in report.findings if one.level == "problem"] == ["owner"]


def test_settings_are_compared_with_those_it_was_made_with(filled: Path, git) -> None:
    """A changed and a missing one are named with what that means and the command that sets them right, which does."""
    assert changed_settings(filled) == {}
    git("config", "gc.auto", "7")
    git("config", "--add", "gc.auto", "8")
    git("config", "--unset-all", "transfer.hideRefs")
    git("config", "--unset", "superqode.format")
    git("config", "user.colour", "green")
    found = {one.found.split()[0]: one for one in _found(filled, "settings", "warning")}
    assert set(found) == {"gc.auto", "transfer.hideRefs", "superqode.format"}
    assert "in which format" in found["superqode.format"].meaning
    assert "'!refs/superqode/shares'" in found["transfer.hideRefs"].remedy  # in a shell that keeps a history, too
    for one in found.values():
        for command in one.remedy.split("; "):
            subprocess.run(["sh", "-e", "-c", command], check=True)
    assert changed_settings(filled) == {}


def test_every_setting_has_a_meaning(filled: Path) -> None:
    """Of each that a store is made with, but for the modes of files, which a bare repository has none of."""
    (filled / "config").write_text("")
    found = _found(filled, "settings", "warning")
    assert [one.found.split()[0] for one in found if one.meaning.startswith("plain git may treat")] == ["core.filemode"]


def test_a_format_that_cannot_be_read_is_a_problem(filled: Path, git) -> None:
    """A newer store, or one that git made otherwise, is told and not opened."""
    git("config", "superqode.format", "99")
    assert _found(filled, "format", "problem")


def test_stale_locks_are_found_and_moved_aside(filled: Path) -> None:
    """A lock of a killed process goes, a fresh one (somebody saves) stays, and the ref is untouched."""
    stale, fresh = (filled / "refs" / "heads" / f"{name}.lock" for name in ("one", "two"))
    for lock in (stale, fresh):
        lock.touch()
    os.utime(stale, (1e9, 1e9))
    (found,) = _found(filled, "locks", "warning")
    assert "one.lock" in found.found
    assert "two.lock" not in found.found
    repair(filled, [Repair.LOCKS])
    assert (stale.exists(), fresh.exists()) == (False, True)
    assert not _found(filled, "locks", "warning")
    with SessionStore(filled) as store:
        assert store.load("one").messages[0].content == "hello"


def test_broken_and_colliding_refs_are_found(filled: Path, git) -> None:
    """Garbage in a ref, names that differ in case, one below another, packed-refs cut short."""
    (filled / "refs" / "heads" / "torn").write_text("12345\n")
    assert "refs/heads/torn" in _found(filled, "refs", "problem")[0].found
    (filled / "refs" / "heads" / "torn").unlink()
    shutil.copy(filled / "refs" / "heads" / "one", filled / "refs" / "heads" / "ONE")
    assert "refs/heads/ONE" in _found(filled, "refs", "warning")[0].found
    (filled / "refs" / "heads" / "ONE").unlink()
    git("pack-refs", "--all")
    (filled / "refs" / "heads" / "one").mkdir()
    (filled / "refs" / "heads" / "one" / "below").write_text(git("rev-parse", "two") + "\n")
    assert "refs/heads/one" in _found(filled, "refs", "warning")[0].found
    (filled / "packed-refs").write_text("garbage garbage\n")
    assert "packed-refs" in _found(filled, "refs", "problem")[0].found


def test_a_damaged_session_is_named(filled: Path, git) -> None:
    """Its newest save cannot be read; the other one can."""
    tip = _loose_tip(filled, git, "one")
    tip.chmod(0o600)
    tip.write_bytes(tip.read_bytes()[:-4])
    (found,) = _found(filled, "objects", "problem")
    assert "one" in found.found
    assert "two" not in found.found
    assert found.remedy.startswith("superqode sessions verify one; superqode sessions repair")


def test_a_future_change_is_found(store, store_path: Path, still_clock) -> None:
    """A session saved while the clock was wrong; a skew of hours is nobody's fault."""
    still_clock.advance(hours=20)
    store.save(Session(id="zone"))
    still_clock.advance(days=30)
    store.save(Session(id="later"))
    still_clock.advance(days=-30, hours=-20)
    (found,) = _found(store_path, "times", "warning")
    assert "later" in found.found
    assert "zone" not in found.found
    assert timedelta(hours=20) < timedelta(hours=26)


def test_a_damaged_index_is_found_and_thrown_away(filled: Path) -> None:
    """Garbage, and a page gone bad inside; afterwards listing works. One of another version is no fault."""
    file = filled / "superqode" / "index.sqlite"
    file.write_bytes(b"no database" * 1000)
    assert _found(filled, "index", "warning")[0].repair is Repair.INDEX
    repair(filled, [Repair.INDEX])
    assert not file.exists()
    assert "not made yet" in _found(filled, "index", "ok")[0].found
    with SessionStore(filled) as store:
        assert len(store.list_sessions()) == 2
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    assert "not made yet" in _found(filled, "index", "ok")[0].found  # its own, beside a newer superqode's
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 1")
    connection.close()
    assert "an older version" in _found(filled, "index", "ok")[0].found


def test_saves_from_before_a_crash_are_told(filled: Path) -> None:
    """A journal that another boot of the system wrote waits to be made good; one of this boot is in order."""
    (filled / "superqode" / "journal").mkdir(exist_ok=True)
    (filled / "superqode" / "journal" / "17").write_bytes(b"superqode-journal 1 another-boot\n")
    (found,) = _found(filled, "journal", "warning")
    assert found.remedy == "superqode sessions list"


def test_the_hook_is_looked_at_as_git_would(filled: Path, git, tmp_path: Path) -> None:
    """Missing: mended; another one: told, not touched; shadowed by core.hooksPath: told with the command."""
    hook = filled / "hooks" / "pre-push"
    hook.unlink()
    assert _found(filled, "hooks", "problem")[0].repair is Repair.HOOKS
    repair(filled, [Repair.HOOKS])
    assert _found(filled, "hooks", "ok")
    git("config", "core.hooksPath", str(tmp_path))
    assert "core.hooksPath" in _found(filled, "hooks", "problem")[0].remedy
    git("config", "--unset", "core.hooksPath")
    hook.write_text("#!/bin/sh\n")
    assert _found(filled, "hooks", "problem")[0].repair is None


def test_git_is_missed_where_it_is_missing(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without git it is a warning, and everything else is still looked at."""
    monkeypatch.setenv("PATH", str(tmp_path))
    report = examine(filled)
    assert report.level == "warning"
    assert [one.area for one in report.findings if one.level == "warning"] == ["git"]


def test_remotes_are_asked_only_when_wanted(filled: Path, git, tmp_path: Path) -> None:
    """Credentials in a URL are told without being repeated; --remotes finds the one that does not answer."""
    git("remote", "add", "safe", str(tmp_path / "team.git"))
    git("remote", "add", "leaky", "https://me:hunter2@example.invalid/x.git")
    (found,) = _found(filled, "remotes", "warning")
    assert "leaky" in found.found
    assert "hunter2" not in str(examine(filled).to_dict())
    git("remote", "remove", "leaky")
    assert _found(filled, "remotes", "ok")
    assert "safe" in _found(filled, "remotes", "problem", reach_remotes=True)[0].found
    git("init", "--quiet", "--bare", str(tmp_path / "team.git"))
    assert "answers" in _found(filled, "remotes", "ok", reach_remotes=True)[0].found


def test_leftovers_and_old_sessions_are_told(filled: Path) -> None:
    """Temporary files of killed processes, damaged files set aside, sessions of the old store."""
    left = filled / "objects" / "17"
    left.mkdir(exist_ok=True)
    (left / "tmp_obj_x").touch()
    os.utime(left / "tmp_obj_x", (1e9, 1e9))
    (filled / "superqode" / "quarantine").mkdir(exist_ok=True)
    (filled / "superqode" / "quarantine" / "bad").touch()
    (filled / "session-1.json.gz").touch()
    assert [one.found.split()[:2] for one in _found(filled, "leftovers", "warning")] == [
        ["1", "temporary"],
        ["1", "damaged"],
    ]
    assert _found(filled, "old store", "warning")[0].remedy == "superqode sessions import --old-store"


def test_a_ref_of_a_thousand_levels_is_walked(filled: Path, git) -> None:
    """Nothing recurses into folders: `doctor` and `stats` answer however deep a ref stands."""
    name = "refs/heads/" + "/".join(["d"] * 1_200)
    git("update-ref", name, "one")
    try:
        assert _found(filled, "locks", "ok")
        assert disk_use(filled).refs.count >= 3
    finally:
        git("update-ref", "-d", name)


def test_it_is_well_beside_a_save(filled: Path) -> None:
    """Looking takes no lock: a process that holds every lock of the store does not make it wait."""
    with SessionStore(filled) as other, other._open().exclusive():
        assert examine(filled).level == "ok"
