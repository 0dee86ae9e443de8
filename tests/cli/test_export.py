"""`superqode sessions export`: every format, to a file or a pipe, and no file is lost over it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from superqode.cli.exit_codes import ExitCode
from superqode.session import Session, SessionStore
from superqode.session.exporters import ExportedSession

from .conftest import HOSTILE, Cli

Save = Callable[..., Session]
SECRET = "ghp_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5"[:36]

BEGINNINGS = {
    "json": "{",
    "base64": "H4sI",
    "markdown": "# ",
    "text": "Title: ",
    "html": "<!doctype html>",
    "jsonl": '{"type": "session"',
}
ENDINGS = {"json": "json", "b64": "base64", "md": "markdown", "txt": "text", "HTML": "html", "ndjson": "jsonl"}


@pytest.mark.parametrize("name", list(BEGINNINGS))
def test_each_format_goes_to_standard_output(cli: Cli, save: Save, name: str) -> None:
    """Without -o, or with -o -, the export and nothing else is printed."""
    save("hello", "world", id="a", title="T")
    told = cli.run("sessions", "export", "a", "--format", name)
    assert told.stdout.startswith(BEGINNINGS[name])
    assert told.stdout.endswith("\n")
    assert told.stderr == ""
    if name not in ("json", "base64"):  # which tell when they were made
        assert cli.run("sessions", "export", "@latest", "--format", name, "-o", "-").stdout == told.stdout


@pytest.mark.parametrize("ending", list(ENDINGS))
def test_the_ending_tells_the_format(cli: Cli, save: Save, tmp_path: Path, ending: str) -> None:
    """A file's ending is enough, in any case; the file is its owner's alone, and its size is told."""
    save("hello", id="a", title="T")
    file = tmp_path / f"out.{ending}"
    told = cli.run("sessions", "export", "a", "-o", file).stdout
    assert file.read_text("utf-8").startswith(BEGINNINGS[ENDINGS[ending]])
    assert f"{file.stat().st_size:,} bytes, {ENDINGS[ending]}" in told
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [found.name for found in tmp_path.glob(".*")] == [".home"]


def test_json_is_the_default_and_is_read_again(cli: Cli, save: Save) -> None:
    """Standard output without a format is the document that `import` reads."""
    made = save("hello", "world", id="a")
    told = cli.run("sessions", "export", "a").stdout
    with SessionStore(cli.store) as store:
        assert ExportedSession.from_json(told).to_session() == store.load(made.id)


def test_an_unknown_ending_needs_a_format(cli: Cli, save: Save, tmp_path: Path) -> None:
    """A name that tells no format is a usage error that lists the endings; with --format it is as good as any."""
    save("hello", id="a")
    for name in ("out", "out.doc"):
        told = cli.run("sessions", "export", "a", "-o", tmp_path / name, expect=ExitCode.USAGE)
        assert ".html" in told.stderr
        assert not (tmp_path / name).exists()
    cli.run("sessions", "export", "a", "--format", "text", "-o", tmp_path / "out.doc")
    assert "hello" in (tmp_path / "out.doc").read_text()


def test_no_file_is_overwritten_without_force(cli: Cli, save: Save, tmp_path: Path) -> None:
    """What is there stays, to the byte, also a link that leads nowhere; --force replaces what the name means."""
    save("hello", id="a")
    file = tmp_path / "out.md"
    file.write_text("mine")
    link = tmp_path / "link.md"
    link.symlink_to(file)
    nowhere = tmp_path / "nowhere.md"
    nowhere.symlink_to(tmp_path / "gone")
    for name in (file, link, nowhere):
        told = cli.run("sessions", "export", "a", "-o", name, expect=ExitCode.ERROR)
        assert "--force" in told.stderr
    assert file.read_text() == "mine"
    assert nowhere.is_symlink()
    cli.run("sessions", "export", "a", "-o", link, "--force")
    assert link.is_symlink()
    assert "hello" in file.read_text()


def test_a_file_that_appears_meanwhile_is_kept(cli: Cli, save: Save, tmp_path: Path, monkeypatch) -> None:
    """Somebody who writes the same name while we work does not lose it."""
    from superqode.cli.sessions import exporting

    save("hello", id="a")
    file = tmp_path / "out.md"
    write = exporting.write

    def slow(*args):
        write(*args)
        file.write_text("theirs")

    monkeypatch.setattr(exporting, "write", slow)
    told = cli.run("sessions", "export", "a", "-o", file, expect=ExitCode.ERROR)
    assert "--force" in told.stderr
    assert file.read_text() == "theirs"
    assert [found.name for found in tmp_path.glob(".*")] == [".home"]


@pytest.mark.parametrize("options", [["-o", "no/such/folder/x.md"], ["-o", "."]], ids=["no folder", "a folder"])
def test_a_place_that_is_none_is_told(cli: Cli, save: Save, options: list[str]) -> None:
    """A folder that is missing, or a folder for a file, is a usage error."""
    save("hello", id="a")
    cli.run("sessions", "export", "a", "--format", "text", *options, expect=ExitCode.USAGE)


def test_a_pipe_or_a_device_is_written_to(cli: Cli, save: Save, tmp_path: Path) -> None:
    """A named pipe gets the export, and stays the pipe it is."""
    save("hello", id="a")
    pipe = tmp_path / "pipe.txt"
    os.mkfifo(pipe)
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()))
    reader.start()
    cli.run("sessions", "export", "a", "-o", pipe)
    reader.join(timeout=20)
    assert "hello" in got[0]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    cli.run("sessions", "export", "a", "--format", "text", "-o", os.devnull)


def test_only_a_part(cli: Cli, save: Save) -> None:
    """--last counts from the end and says how much was left out; the part has an id of its own."""
    save("one", "two", "three", id="a")
    told = cli.run("sessions", "export", "a", "--last", 1, "--format", "jsonl")
    first, *rest = [json.loads(line) for line in told.stdout.splitlines()]
    assert [line["content"] for line in rest] == ["three"]
    assert first["parent_session_id"] == "a" != first["id"]
    assert "2 entries were left out" in told.stderr
    cli.run("sessions", "export", "a", "--last", 0, expect=ExitCode.USAGE)


def test_without_tools(cli: Cli, save: Save) -> None:
    """--no-tools leaves what was said."""
    made = save("one", id="a")
    made.add_tool_execution("Bash", {"command": "ls"}, "files", True)
    with SessionStore(cli.store) as store:
        store.save(made)
    told = cli.run("sessions", "export", "a", "--no-tools", "--format", "text")
    assert "one" in told.stdout
    assert "Bash" not in told.stdout
    assert "1 entry was left out" in told.stderr


@pytest.mark.parametrize("name", [name for name in BEGINNINGS if name != "base64"])
def test_secrets_are_masked(cli: Cli, save: Save, name: str) -> None:
    """--redact leaves no token in any format, with the store's own marks, and tells how many there were."""
    save(f"the token is {SECRET}", id="a")
    assert SECRET in cli.run("sessions", "export", "a", "--format", name).stdout
    told = cli.run("sessions", "export", "a", "--format", name, "--redact")
    assert SECRET not in told.stdout
    mark = cli.json("sessions", "scan", "a")[0]["mark"]
    assert mark in told.stdout
    assert "1 secret masked" in told.stderr


def test_a_bundle_is_written_whole(cli: Cli, save: Save, tmp_path: Path) -> None:
    """To a file or a pipe it is a bundle that git verifies; parts of one there are not."""
    save("hello", id="a")
    file = tmp_path / "a.bundle"
    assert "bytes, bundle" in cli.run("sessions", "export", "a", "-o", file).stdout
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    heads = subprocess.run(["git", "bundle", "list-heads", file], capture_output=True, text=True, check=True).stdout
    assert heads.split()[1:] == ["refs/heads/a"]
    piped = cli.run("sessions", "export", "a", "--format", "bundle").stdout_bytes
    assert piped.startswith(b"# v2 git bundle\n")
    for option in (["--redact"], ["--no-tools"], ["--last", "1"]):
        told = cli.run("sessions", "export", "a", "--format", "bundle", *option, expect=ExitCode.USAGE)
        assert "share create" in told.stderr


def test_a_terminal_is_safe(cli: Cli, save: Save) -> None:
    """No format sends a control of a session's to the terminal; a bundle is not sent there at all."""
    save(HOSTILE, id="a", title=HOSTILE)
    for name in BEGINNINGS:
        code, told = cli.terminal("sessions", "export", "a", "--format", name)
        assert code == ExitCode.OK
        assert not any(char in told for char in "\x1b\x07\u202e\x9b"), name
    code, told = cli.terminal("sessions", "export", "a", "--format", "bundle")
    assert code == ExitCode.USAGE
    assert "-o" in told


def test_a_reader_that_has_enough_is_no_failure(cli: Cli, save: Save) -> None:
    """`| head` ends the export quietly."""
    save("x" * 3_000_000, id="a")
    command = cli._command(("sessions", "export", "a", "--format", "text"))
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=60) == ExitCode.OK


def test_output_is_utf8_whatever_the_locale(cli: Cli, save: Save) -> None:
    """The page says that it is UTF-8, and it is, where the terminal speaks something else."""
    save("schön 👋", id="a")
    environment = os.environ | {"LC_ALL": "C", "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    command = cli._command(("sessions", "export", "a", "--format", "html"))
    told = subprocess.run(command, capture_output=True, env=environment, check=True, timeout=60).stdout
    assert "schön 👋" in told.decode("utf-8")


def test_a_session_that_is_not_there_leaves_no_file(cli: Cli, save: Save, tmp_path: Path) -> None:
    """Nothing is made, and nothing that is there is touched."""
    save("hello", id="a")
    cli.run("sessions", "export", "nope", "-o", tmp_path / "x.md", expect=ExitCode.NOT_FOUND)
    assert not (tmp_path / "x.md").exists()


def test_all_go_into_a_folder(cli: Cli, save: Save, tmp_path: Path) -> None:
    """--all writes a file for each session, named by its id, into a folder for its owner alone; again needs --force."""
    for name in ("a", "b"):
        save(f"hello {name}", id=name)
    place = tmp_path / "out"
    told = cli.run("sessions", "export", "--all", "--format", "html", "-o", f"{place}/")
    assert "2 sessions, html" in told.stdout
    assert sorted(file.name for file in place.iterdir()) == ["a.html", "b.html"]
    assert "hello b" in (place / "b.html").read_text()
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    told = cli.run("sessions", "export", "--all", "--format", "html", "-o", place, expect=ExitCode.ERROR)
    assert told.stderr.count("--force") == 2
    cli.run("sessions", "export", "--all", "--format", "html", "-o", place, "--force")


def test_several_go_into_a_folder_and_come_back(cli: Cli, save: Save, tmp_path: Path) -> None:
    """Several ids, or one and a folder's name, are written as JSON, which `import` reads without a change."""
    for name in ("a", "b", "c"):
        save(f"hello {name}", id=name)
    cli.run("sessions", "export", "a", "b", "a", "-o", tmp_path / "two")
    assert sorted(file.name for file in (tmp_path / "two").iterdir()) == ["a.json", "b.json"]
    cli.run("sessions", "export", "c", "-o", f"{tmp_path / 'one'}/")
    assert [file.name for file in (tmp_path / "one").iterdir()] == ["c.json"]
    assert "0 new, 0 updated, 3 unchanged" in cli.run("sessions", "import", tmp_path / "one", tmp_path / "two").stdout
    for wrong in (["a", "b"], ["--all"], [], ["a", "--all", "-o", "x/"]):
        cli.run("sessions", "export", *wrong, expect=ExitCode.USAGE)


def test_one_that_cannot_be_read_does_not_stop_the_others(cli: Cli, save: Save, tmp_path: Path) -> None:
    """A damaged session is named, the others are written, and the exit code says that not all were."""
    save("hello", id="a")
    save("hello", id="b")
    tip = subprocess.run(["git", "-C", cli.store, "rev-parse", "b"], capture_output=True, text=True, check=True).stdout
    (cli.store / "objects" / tip[:2] / tip[2:].strip()).unlink()
    told = cli.run("sessions", "export", "--all", "-o", f"{tmp_path / 'out'}/", expect=ExitCode.PARTLY)
    assert "b: " in told.stderr
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["a.json"]


def test_odd_branch_names_make_ordinary_file_names(cli: Cli, save: Save, tmp_path: Path) -> None:
    """A branch that plain git named is never a path: what a file name cannot hold is written as in a URL."""
    save("hello", id="a")
    for name in ("feature/x", "été"):
        subprocess.run(["git", "-C", cli.store, "branch", name, "a"], check=True)
    cli.run("sessions", "export", "feature/x", "été", "-o", f"{tmp_path / 'out'}/")
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["%C3%A9t%C3%A9.json", "feature%2Fx.json"]
