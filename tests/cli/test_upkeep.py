"""`verify`, `maintain`, `backup`, `restore-backup`: a store is checked, kept small, and copied."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from superqode.cli.exit_codes import ExitCode
from superqode.session import Session, SessionStore

from .conftest import Cli

Save = Callable[..., Session]


def test_verify_says_what_is_damaged(cli: Cli, save: Save) -> None:
    """A whole store is 0; a damaged one is 14 and names the session; a whole session beside it is 0."""
    save("hello", id="good")
    save("hello there", id="bad")
    report = cli.json("sessions", "verify")
    assert set(report) == {"sessions", "commits", "objects", "findings", "ok"}
    assert report["ok"] is True
    assert "2 sessions" in cli.run("sessions", "verify").stdout
    tip = next(item["tip"] for item in cli.json("sessions", "list") if item["id"] == "bad")
    loose = cli.store / "objects" / tip[:2] / tip[2:]
    loose.chmod(0o600)
    loose.write_bytes(loose.read_bytes()[:-5])
    told = cli.run("sessions", "verify", expect=ExitCode.CORRUPT).stdout
    assert "error: bad" in told
    assert "DAMAGED" in told
    report = cli.json("sessions", "verify", "bad", expect=ExitCode.CORRUPT)
    assert report["ok"] is False
    assert set(report["findings"][0]) == {"severity", "session_id", "commit", "path", "message"}
    cli.run("sessions", "verify", "good")
    cli.run("sessions", "verify", "nope", expect=ExitCode.NOT_FOUND)


def test_maintain_packs_and_keeps_everything(cli: Cli, save: Save) -> None:
    """Afterwards the store is whole, its sessions read as before, and the report has its keys."""
    for number in range(5):
        save("one", "two", id=f"s{number}")
    report = cli.json("sessions", "maintain")
    assert set(report) == {
        "packed_refs",
        "packed_objects",
        "removed_files",
        "loose_before",
        "loose_after",
        "skipped",
    }
    assert report["loose_before"] > report["loose_after"]
    assert cli.json("sessions", "verify")["ok"] is True
    assert "two" in cli.run("sessions", "show", "s3").stdout
    assert "packed" in cli.run("sessions", "maintain").stdout


def test_what_could_not_be_maintained_is_told(cli: Cli, save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the git program some of it cannot be done: that is named, and the exit code is 3."""
    save("one", id="a")
    monkeypatch.setenv("PATH", str(cli.store))
    told = cli.run("sessions", "maintain", expect=ExitCode.PARTLY)
    assert "git" in told.stderr


def test_backup_and_restore(cli: Cli, save: Save, tmp_path: Path) -> None:
    """A backup is one private file; a store restored from it has the sessions, snapshots and trash."""
    save("hello", id="a")
    save("bye", id="b")
    made = cli.run("sessions", "snapshot", "a", "Before").stdout.strip()
    cli.run("sessions", "delete", "b")
    file = tmp_path / "all.backup"
    written = cli.json("sessions", "backup", file)
    assert written == {"path": str(file), "bytes": file.stat().st_size, "left_out": []}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    cli.run("sessions", "backup", file, expect=ExitCode.ERROR)
    cli.run("sessions", "backup", tmp_path / "no" / "folder", expect=ExitCode.ERROR)
    restored = Cli(tmp_path / "restored")
    assert restored.json("sessions", "restore-backup", file) == {"store": str(restored.store), "sessions": 1}
    assert [item["id"] for item in restored.json("sessions", "snapshots", "a")] == [made]
    assert [item["session_id"] for item in restored.json("sessions", "trash")] == ["b"]
    restored.run("sessions", "restore-backup", file, expect=ExitCode.ERROR)
    assert "hello" in restored.run("sessions", "show", "a").stdout


def test_a_backup_leaves_out_what_is_damaged_and_says_so(cli: Cli, save: Save, tmp_path: Path) -> None:
    """The ref and its damage are named, with what to do, and the exit code is 3; the rest is restored."""
    save("hello", id="good")
    save("hello there", id="bad")
    tip = next(item["tip"] for item in cli.json("sessions", "list") if item["id"] == "bad")
    (cli.store / "objects" / tip[:2] / tip[2:]).unlink()

    told = cli.run("sessions", "backup", tmp_path / "one", expect=ExitCode.PARTLY).stderr
    assert "not in it: refs/heads/bad" in told
    assert "superqode sessions repair" in told
    written = cli.json("sessions", "backup", tmp_path / "two", expect=ExitCode.PARTLY)
    assert [item["ref"] for item in written["left_out"]] == ["refs/heads/bad"]
    assert tip in written["left_out"][0]["reason"]
    assert Cli(tmp_path / "restored").json("sessions", "restore-backup", tmp_path / "two")["sessions"] == 1


def test_restore_to_the_default_store(cli: Cli, save: Save, tmp_path: Path, home: Path) -> None:
    """Without --store, a backup becomes the default store, where there is none yet."""
    save("hello", id="a")
    cli.run("sessions", "backup", tmp_path / "all.backup")
    import subprocess
    import sys

    call = [sys.executable, "-c", "from superqode.cli import main; main()", "sessions"]
    done = subprocess.run(
        [*call, "restore-backup", str(tmp_path / "all.backup")], capture_output=True, text=True, check=True
    )
    assert f"1 session restored to {home / '.superqode' / 'sessions'}" in done.stdout
    listed = subprocess.run([*call, "list"], capture_output=True, text=True, check=True)
    assert listed.stdout.splitlines()[1].startswith("a ")


@pytest.mark.parametrize("content", [b"", b"hello", b"# v2 git bundle\n", b"\x00" * 1000])
def test_a_file_that_is_no_backup_is_refused(cli: Cli, tmp_path: Path, content: bytes) -> None:
    """It is told, and no half a store is left behind."""
    (tmp_path / "file").write_bytes(content)
    told = cli.run("sessions", "restore-backup", tmp_path / "file", expect=ExitCode.ERROR)
    assert "should not have happened" not in told.stderr
    assert not cli.store.exists()
    cli.run("sessions", "restore-backup", tmp_path / "missing", expect=ExitCode.USAGE)


def _spoil(cli, git):
    """A session whose first message is damaged, and no copy of it anywhere."""
    with SessionStore(cli.store) as store:
        session = Session(id="s", title="T")
        for text in ("one", "two"):
            session.add_message("user", text)
            store.save(session)
        store._open().checkpoint()
    oid = git("rev-parse", "s:timeline/0000/00/00-user.json")
    path = cli.store / "objects" / oid[:2] / oid[2:]
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-3])
    return oid


def test_repair_says_first_what_it_will_do(cli, git, tmp_path):
    """The steps, then that they are done; from a backup nothing is lost, and a second run finds nothing damaged."""
    oid = _spoil(cli, git)
    saved = cli.store / "objects" / oid[:2] / oid[2:]
    damaged = saved.read_bytes()
    with SessionStore(tmp_path / "copy") as copy:
        copy.save(Session(id="x"))
    told = cli.run("sessions", "repair", "--dry-run", "--from", tmp_path / "copy", expect=ExitCode.CORRUPT).stdout
    assert "Would be done:" in told
    assert f"lost: s: object {oid}" in told
    assert saved.read_bytes() == damaged
    told = cli.run("sessions", "repair", expect=ExitCode.CORRUPT).stdout
    assert told.splitlines()[0] == "Will be done:"
    assert "session s-recovered from what can be read" in told
    assert told.splitlines()[-1] == "Done: 1 step"
    assert [row["id"] for row in cli.json("sessions", "list") if row["id"] == "s-recovered"]


def test_log_of_a_damaged_history(cli, git):
    """The saves that can be read, then what is wrong and what to do; where there is none, that alone."""
    with SessionStore(cli.store) as store:
        session = Session(id="s")
        for text in ("one", "two", "three"):
            session.add_message("user", text)
            store.save(session)
        store._open().checkpoint()
    lost = [git("rev-parse", revision) for revision in ("s~1", "s")]
    shown = "user: three"
    for oid in lost:
        (cli.store / "objects" / oid[:2] / oid[2:]).unlink()
        done = cli.run("sessions", "log", "s", "--oneline", expect=ExitCode.CORRUPT)
        assert oid in done.stderr
        assert "superqode sessions repair" in done.stderr
        assert done.stdout.strip().endswith(shown)
        shown = ""


def test_repair_of_packed_refs(cli, git):
    """One flipped bit in what a tag peels to: it is told before, and nothing is touched until it is wanted."""
    with SessionStore(cli.store) as store:
        session = Session(id="s")
        session.create_snapshot("kept", snapshot_id="k")
        store.save(session)
    git("pack-refs", "--all")
    packed = cli.store / "packed-refs"
    whole = packed.read_bytes()
    place = whole.index(b"\n^") + 5
    packed.write_bytes(whole[:place] + bytes([whole[place] | 0x80]) + whole[place + 1 :])
    damaged = packed.read_bytes()
    told = cli.run("sessions", "verify", expect=ExitCode.CORRUPT).stdout
    assert "packed-refs" in told
    assert "`superqode sessions repair` sets the line aside" in told
    planned = cli.run("sessions", "repair", "--dry-run").stdout.splitlines()
    assert packed.read_bytes() == damaged
    told = cli.run("sessions", "repair").stdout.splitlines()
    assert (planned[0], told[0], told[2]) == ("Would be done:", "Will be done:", "Done: 1 step")
    assert "packed-refs from its lines that can be read (3 of 3" in told[1]
    assert planned[1] == told[1]
    assert packed.read_bytes() == whole
    assert [row["id"] for row in cli.json("sessions", "snapshots", "s")] == ["k"]


def test_repair_of_a_whole_store(cli):
    """Nothing is damaged, and nothing is done."""
    with SessionStore(cli.store) as store:
        store.save(Session(id="s"))
    assert cli.run("sessions", "repair").stdout == "Nothing is damaged\n"
    assert cli.json("sessions", "repair") == {"steps": [], "lost": [], "dry_run": False}


def test_verify_has_levels(cli, git):
    """Each level is named by its flag; two at once, or a part that is none, is the command line's fault."""
    _spoil(cli, git)
    cli.run("sessions", "verify", "--quick")
    cli.run("sessions", "verify", "--structure")
    cli.run("sessions", "verify", expect=ExitCode.CORRUPT)
    parts = [cli.process("sessions", "verify", "--read-data", f"{number}/3").returncode for number in (1, 2, 3)]
    assert sorted(parts) == [ExitCode.OK, ExitCode.OK, ExitCode.CORRUPT]
    cli.run("sessions", "verify", "--quick", "--structure", expect=ExitCode.USAGE)
    for part in ("0/3", "4/3", "1", "x/y"):
        cli.run("sessions", "verify", "--read-data", part, expect=ExitCode.USAGE)
