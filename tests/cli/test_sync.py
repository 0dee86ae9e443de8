"""`superqode sync`: set up on one machine, joined from the next, run by one word; the key's words stay off the command line."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from keyring.backends.fail import Keyring as NoKeyring

import terminal
from superqode.cli.exit_codes import ExitCode
from superqode.session import Session, SessionStore

from .conftest import Cli


@pytest.fixture(autouse=True)
def _no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test gets near the keyring of whoever runs it."""
    monkeypatch.setattr("keyring.core._keyring_backend", NoKeyring())
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")


@pytest.fixture
def other(tmp_path: Path) -> Cli:
    """Another machine."""
    return Cli(tmp_path / "other")


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """A bare repository."""
    path = tmp_path / "remote.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(path)], check=True)
    return path


def _save(cli: Cli, name: str, text: str = "hello") -> None:
    with SessionStore(cli.store) as store:
        session = store.load(name) if store.exists(name) else Session(id=name, title=name)
        session.add_message("user", text)
        store.save(session)


def _refs(remote: Path) -> str:
    asked = ["git", "-C", str(remote), "for-each-ref"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout


def _words(shown: str) -> str:
    found = [word for word in shown.split() if word.islower() and word.isalpha()]
    return " ".join(found[-24:])


def test_from_one_machine_to_the_next(cli: Cli, other: Cli, remote: Path) -> None:
    """Set up, synced, joined with the words that were shown, synced: the session is there."""
    _save(cli, "first")
    told = cli.run("sync", "init", remote)
    assert told.stdout.startswith("Set up sync; `superqode sync` begins. The words of its key:\n")
    assert "whoever has them" in told.stderr
    words = _words(told.stdout)
    assert "Synced with sync: received nothing; sent 1 new session" in cli.run("sync").stdout
    assert other.run("sync", "join", remote, "--words-stdin", given=words).stdout == (
        "Joined sync; `superqode sync` brings everything here\n"
    )
    assert other.run("sync").stdout == "Synced with sync: received 1 new session; sent nothing\n"
    assert other.run("sync").stdout == "Synced with sync: nothing new\n"
    assert [row["id"] for row in other.json("sessions", "list")] == ["first"]
    assert _words(cli.run("sync", "key", "show").stdout) == words
    assert cli.json("sync", "key", "show") == {"words": words}


def test_one_word_stands_for_all(cli: Cli, remote: Path) -> None:
    """`sync`, `sync run`, with a remote, with options before and behind: all the same command."""
    cli.run("sync", "init", remote)
    for words in ([], ["run"], ["sync"], [str(remote)], ["run", "sync"], ["--dry-run"], ["--dry-run", "sync"]):
        assert "Would sync" in (told := cli.run("sync", *words).stdout) or told.startswith("Synced with sync"), words
    assert [row["remote"] for row in cli.json("sync")] == ["sync"]
    assert cli.run("sync", "--store", cli.store, "status").stdout.splitlines()[1].split()[0] == "sync"
    assert "Keep the stores of your own machines alike" in cli.run("sync", "--help").stdout
    assert "Sync now; `superqode sync` alone does it, too." in cli.run("sync", "run", "--help").stdout


def test_words_are_asked_for_on_a_terminal(cli: Cli, other: Cli, remote: Path) -> None:
    """They are typed without being seen; without a terminal and without standard input it says what to do."""
    words = cli.json("sync", "init", remote)["words"]
    cli.run("sync")
    refused = other.run("sync", "join", remote, expect=ExitCode.USAGE)
    assert "--words-stdin" in refused.stderr
    program = (
        f"from superqode.cli import main; main(['--store', {str(other.store)!r}, 'sync', 'join', {str(remote)!r}])"
    )
    typed = [("The key's 24 words: ", words.encode() + b"\n")]
    code, shown = terminal.converse([sys.executable, "-c", f"{terminal.TAKE_TERMINAL}\n{program}"], typed)
    assert (code, "Joined sync" in shown) == (0, True), shown
    assert words.split()[3] not in shown


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ("abandon " * 23, ExitCode.USAGE, "23 words"),
        ("abandon " * 24, ExitCode.USAGE, "do not fit each other"),
        ("abandon " * 23 + "art", ExitCode.WRONG_PASSWORD, "another sync"),
    ],
)
def test_words_that_are_wrong(cli: Cli, other: Cli, remote: Path, words: str, code: ExitCode, told: str) -> None:
    """A slip of the pen and another sync's words end differently, and neither sets anything up."""
    cli.run("sync", "init", remote)
    cli.run("sync")
    refused = other.run("sync", "join", remote, "--words-stdin", given=words, expect=code)
    assert told in refused.stderr
    assert other.run("sync", expect=ExitCode.NOT_FOUND).stderr.startswith("superqode: This store is not synced")


def test_without_a_store(cli: Cli) -> None:
    """It is synced with nothing, and none is made to say so."""
    for words in ([], ["--dry-run"], ["home"]):
        assert "not synced" in cli.run("sync", *words, expect=ExitCode.NOT_FOUND).stderr
    assert not cli.store.exists()


def test_in_clear_only_with_a_yes(cli: Cli, remote: Path) -> None:
    """It asks, and without anybody to ask it refuses; with --yes branches are there for `git log`."""
    _save(cli, "first")
    refused = cli.run("sync", "init", remote, "--plain", expect=ExitCode.USAGE)
    assert "in clear" in refused.stderr
    assert cli.json("sync", "init", remote, "--plain", "--yes") == {"remote": "sync", "mode": "plain"}
    cli.run("sync")
    told = subprocess.run(
        ["git", "-C", str(remote), "log", "--format=%s", "first"], capture_output=True, text=True, check=True
    )
    assert told.stdout == "user: hello\n"
    assert cli.json("sync", "status")[0]["mode"] == "plain"
    assert "has no key" in cli.run("sync", "key", "show", expect=ExitCode.USAGE).stderr


def test_a_new_key(cli: Cli, other: Cli, remote: Path) -> None:
    """It asks first; the other machine ends with 15 and what to do, and goes on with the new words."""
    words = cli.json("sync", "init", remote)["words"]
    cli.run("sync")
    other.run("sync", "join", remote, "--words-stdin", given=words)
    other.run("sync")
    _save(other, "second")
    assert "other machines lose their key" in cli.run("sync", "key", "rotate", expect=ExitCode.USAGE).stderr
    fresh = cli.json("sync", "key", "rotate", "--yes")["words"]
    assert fresh != words
    assert "Ask for the new words" in other.run("sync", expect=ExitCode.FORBIDDEN).stderr
    other.run("sync", "join", remote, "--words-stdin", given=fresh)
    other.run("sync")
    assert cli.run("sync").stdout == "Synced with sync: received 1 new session; sent nothing\n"


def test_what_is_told_of_a_meeting(cli: Cli, other: Cli, remote: Path) -> None:
    """What came, what went, what was merged, and that a change won over a deletion."""
    for name in ("both", "kept"):
        _save(cli, name)
    words = cli.json("sync", "init", remote)["words"]
    cli.run("sync")
    other.run("sync", "join", remote, "--words-stdin", given=words)
    other.run("sync")
    _save(cli, "both", "from one")
    _save(other, "both", "from the other")
    cli.run("sessions", "delete", "kept")
    _save(other, "kept", "still needed")
    cli.run("sync")
    dry = other.json("sync", "--dry-run")[0]
    assert (dry["dry_run"], dry["merged"]) == (True, ["both"])
    told = other.run("sync")
    assert told.stderr == "superqode: kept was deleted elsewhere and changed here: it stays\n"
    assert "Merged 1 session: both\n" in told.stdout


def test_a_remote_that_is_away(cli: Cli, remote: Path) -> None:
    """The remote's exit code, one line, and no credentials in it."""
    cli.run("sync", "init", remote)
    remote.rename(remote.with_suffix(".away"))
    assert "superqode: " in cli.run("sync", expect=ExitCode.REMOTE_FAILED).stderr
    config = cli.store / "config"
    config.write_text(config.read_text().replace(str(remote), "https://user:s3cret-token@127.0.0.1:1/x.git"))
    for words in (["sync"], ["sync", "status"], ["sync", "--json"]):
        code = ExitCode.OK if words[-1] == "status" else ExitCode.REMOTE_FAILED
        done = cli.run(*words, expect=code)
        assert "s3cret" not in done.stdout + done.stderr


def _two_remotes(cli: Cli, remote: Path) -> Path:
    """A store with a session that is synced with two remotes; gives the second, called sync-2."""
    _save(cli, "first")
    second = remote.with_name("second.git")
    subprocess.run(["git", "init", "--quiet", "--bare", str(second)], check=True)
    cli.run("sync", "init", remote)
    cli.run("sync", "init", second)
    return second


@pytest.mark.parametrize("down", [0, 1])
def test_one_of_two_remotes_is_away(cli: Cli, remote: Path, down: int) -> None:
    """The other is synced and told of, what failed is named, and the exit code says that it is done in part."""
    remotes = [remote, _two_remotes(cli, remote)]
    there = ("sync", "sync-2")[1 - down]
    away = remotes[down].rename(remote.with_name("away"))
    told = cli.run("sync", expect=ExitCode.PARTLY)
    assert told.stdout == f"Synced with {there}: received nothing; sent 1 new session ({told.stdout.split('(')[1]}"
    assert told.stderr.startswith(f"superqode: There is no Git repository at {remotes[down]}")
    assert _refs(remotes[1 - down])
    told = cli.run("sync", "--json", expect=ExitCode.PARTLY)
    assert [report["remote"] for report in json.loads(told.stdout)] == [there]
    assert json.loads(told.stderr)["error"]["type"] == "NoRepository"
    away.rename(remotes[down])
    assert cli.run("sync").stdout.count("Synced with") == 2


def test_what_is_not_sent_is_in_the_exit_code(cli: Cli, remote: Path) -> None:
    """A script sees that a damaged session stayed here, though all else was sent."""
    _save(cli, "good")
    _save(cli, "bad")
    cli.run("sync", "init", remote)
    whole, blob = (
        subprocess.run(
            ["git", "-C", str(cli.store), "rev-parse", name], capture_output=True, text=True, check=True
        ).stdout
        for name in ("bad", "bad:session.json")
    )
    (cli.store / "refs" / "heads" / "bad").write_text(blob)
    told = cli.run("sync", expect=ExitCode.PARTLY)
    assert "sent 1 new session" in told.stdout
    assert "bad is not sent" in told.stderr
    assert [report["unsent"] for report in json.loads(cli.run("sync", "--json", expect=ExitCode.PARTLY).stdout)] == [
        True
    ]
    (cli.store / "refs" / "heads" / "bad").write_text(whole)
    assert cli.json("sync")[0]["unsent"] is False


def test_both_remotes_are_away(cli: Cli, remote: Path) -> None:
    """Both are named, and the exit code is the error's."""
    _two_remotes(cli, remote).rename(remote.with_name("away"))
    remote.rename(remote.with_name("away, too"))
    told = cli.run("sync", expect=ExitCode.REMOTE_FAILED)
    assert (told.stdout, told.stderr.count("There is no Git repository at")) == ("", 2)


@pytest.mark.parametrize("words", [["show"], ["rotate", "--yes"]])
def test_a_key_of_several(cli: Cli, remote: Path, words: list[str]) -> None:
    """Which one is meant has to be said: nobody wants another key rotated than the one in their mind."""
    _two_remotes(cli, remote)
    before = cli.json("sync", "status")
    told = cli.run("sync", "key", *words, expect=ExitCode.USAGE).stderr
    assert "sync, sync-2" in told
    assert cli.json("sync", "status") == before
    assert len(cli.json("sync", "key", "show", "sync-2")["words"].split()) == 24


def test_watching_until_it_is_ended(cli: Cli, other: Cli, remote: Path) -> None:
    """A session saved meanwhile is on the remote soon; Ctrl-C ends it with exit code 0."""
    words = cli.json("sync", "init", remote)["words"]
    process = subprocess.Popen(
        [sys.executable, "-c", "from superqode.cli import main; main()", "--store", str(cli.store), "sync", "--watch"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert "Ctrl-C ends it" in process.stderr.readline()
    _save(cli, "first")
    until = time.monotonic() + 60
    while time.monotonic() < until and not _refs(remote):
        time.sleep(0.3)
    other.run("sync", "join", remote, "--words-stdin", given=words)
    while time.monotonic() < until and "first" not in [row["id"] for row in other.json("sessions", "list")]:
        time.sleep(0.3)
        other.run("sync")
    process.send_signal(2)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "superqode: stopped\n")
    assert "sent 1 new session" in out
    assert [row["id"] for row in other.json("sessions", "list")] == ["first"]


def test_watching_goes_with_no_json(cli: Cli) -> None:
    """Options that do not go together are a usage error."""
    cli.run("sync", "--watch", "5", "--dry-run", expect=ExitCode.USAGE)


def test_leaving(cli: Cli, remote: Path) -> None:
    """It asks, forgets the key, and says that what is there stays."""
    cli.run("sync", "init", remote)
    cli.run("sync", "leave", "sync", expect=ExitCode.USAGE)
    assert cli.json("sync", "leave", "sync", "--yes") == {"left": "sync"}
    assert "synced with nothing" in cli.run("sync", "status").stderr
