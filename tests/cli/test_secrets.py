"""`scan` and `scrub`: secrets in sessions are found without being shown, and taken out for good."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from superqode.cli.exit_codes import ExitCode
from superqode.session import Session, SessionStore

from .conftest import Cli
from .sharing import TOKEN, converse

Save = Callable[..., Session]


def _holds(cli: Cli, text: str) -> bool:
    """Whether any object of the store has it, reachable or not."""
    told = subprocess.run(
        ["git", "-C", str(cli.store), "cat-file", "--batch-all-objects", "--batch"], capture_output=True, check=True
    )
    return text.encode() in told.stdout


def test_a_scan_names_places_not_secrets(cli: Cli, save: Save) -> None:
    """Rule, place, first save and a mark; the secret itself is nowhere."""
    save("hello", f"use {TOKEN}", id="a")
    save("nothing here", id="b")
    place, subject = cli.json("sessions", "scan")
    assert (place["session_id"], place["where"], place["position"], place["count"]) == ("a", "message", 1, 1)
    assert (subject["where"], subject["mark"]) == ("commit message", place["mark"])
    told = cli.run("sessions", "scan", "a")
    assert place["rule"] in told.stdout
    assert "1 secret." in told.stderr
    assert TOKEN not in told.stdout + told.stderr
    assert cli.json("sessions", "scan", "b") == []
    assert "no secrets" in cli.run("sessions", "scan", "b").stderr
    cli.run("sessions", "scan", "nope", expect=ExitCode.NOT_FOUND)


def test_a_text_is_taken_out_for_good(cli: Cli, save: Save) -> None:
    """What standard input names is in no object of the store afterwards; the rest of the session is."""
    save("hello", "the word is swordfish-9", "thanks", id="a")
    told = cli.run("sessions", "scrub", "a", "--secret-stdin", "--yes", given="swordfish-9\n\n")
    assert "anew" in told.stdout
    assert "swordfish" not in told.stdout + told.stderr
    assert not _holds(cli, "swordfish-9")
    with SessionStore(cli.store) as store:
        contents = [message.content for message in store.load("a").messages]
    assert (contents[0], contents[2]) == ("hello", "thanks")
    assert "[REDACTED:" in contents[1]
    assert cli.json("sessions", "verify")["ok"]


def test_what_a_rule_found_is_taken_out(cli: Cli, save: Save) -> None:
    """A rule or mark as scan names it is enough, and the secret need not be known."""
    save(f"use {TOKEN}", id="a")
    place = cli.json("sessions", "scan")[0]
    dry = cli.json("sessions", "scrub", "a", "--rule", place["rule"], "--dry-run")
    assert (len(dry["places"]), dry["freed_bytes"]) == (2, 0)
    assert _holds(cli, TOKEN)
    done = cli.json("sessions", "scrub", "a", "--rule", place["mark"], "--yes")
    assert done["tip"] != dry["tip"]
    assert not _holds(cli, TOKEN)
    assert cli.json("sessions", "scan") == []


def test_a_rule_that_is_none_is_a_usage_error(cli: Cli, save: Save) -> None:
    """And the rule that was meant is named; the example of the help names one that there is."""
    save(f"use {TOKEN}", id="a")
    told = cli.run("sessions", "scrub", "a", "--rule", "aws-access-key", "--dry-run", expect=ExitCode.USAGE)
    assert "Did you mean aws-access-key-id" in told.stderr
    assert "--rule aws-access-key-id --dry-run" in cli.run("sessions", "scrub", "--help").stdout


def test_other_sessions_that_hold_it_are_named(cli: Cli, save: Save) -> None:
    """A fork keeps its own history: scrubbing one says that the other is left."""
    save("swordfish-9", id="a")
    cli.run("sessions", "fork", "a", "--id", "b")
    told = cli.run("sessions", "scrub", "a", "--secret-stdin", "--yes", given="swordfish-9")
    assert "these hold it too: b" in told.stderr


def test_what_else_holds_it_is_named_though_its_bytes_cannot_be_freed(cli: Cli, save: Save) -> None:
    """Another session is damaged, so that git frees nothing: who has to be scrubbed as well is told now, and again."""
    save("swordfish-9", id="a")
    cli.run("sessions", "fork", "a", "--id", "b")
    save("hello", id="bad")
    tip = next(item["tip"] for item in cli.json("sessions", "list") if item["id"] == "bad")
    (cli.store / "objects" / tip[:2] / tip[2:]).unlink()
    for _ in range(2):
        words = ("sessions", "scrub", "a", "--secret-stdin", "--yes")
        told = cli.run(*words, given="swordfish-9", expect=ExitCode.ERROR).stderr
        assert "these hold it too: b" in told
        assert "verify" in told


def test_nothing_is_scrubbed_unasked(cli: Cli, save: Save) -> None:
    """No text, no terminal, or a no: nothing changes."""
    save("swordfish-9", id="a")
    for args in ((), ("--secret",), ("--rule", "x"), ("--secret-stdin",)):
        cli.run("sessions", "scrub", "a", *args, given="swordfish-9\n", expect=ExitCode.USAGE)
    cli.run("sessions", "scrub", "a", "--secret-stdin", "--yes", given="", expect=ExitCode.USAGE)
    code, told = converse(
        cli, "sessions", "scrub", "a", "--secret", answers=[("Text that is to go", b"swordfish-9\n"), ("[y/N]", b"n\n")]
    )
    assert code == ExitCode.CANCELLED
    assert "swordfish" not in told
    assert _holds(cli, "swordfish-9")


def test_the_terminal_asks_for_the_text(cli: Cli, save: Save) -> None:
    """It is typed unseen, and gone after a yes."""
    save("swordfish-9", id="a")
    code, told = converse(
        cli, "sessions", "scrub", "a", "--secret", answers=[("Text that is to go", b"swordfish-9\n"), ("[y/N]", b"y\n")]
    )
    assert code == ExitCode.OK, told
    assert "swordfish" not in told
    assert not _holds(cli, "swordfish-9")


def test_what_is_not_there_changes_nothing(cli: Cli, save: Save) -> None:
    """It is said, the session keeps its saves, and that is no error."""
    save("hello", id="a")
    before = cli.json("sessions", "log", "a")
    assert "does not hold it" in cli.run("sessions", "scrub", "a", "--secret-stdin", "--yes", given="swordfish").stderr
    assert cli.json("sessions", "log", "a") == before
