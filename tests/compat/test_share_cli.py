"""`superqode share`, `remote` and `hooks` on real servers: output, exit codes, and no prompt where nobody sits."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys

import pytest
from click.testing import CliRunner

import terminal
from cli.conftest import Cli
from compat.share_people import COUNT, People, Place, Somebody, allow, place_of
from servers import CuttingProxy
from session.sharing.team import PASSWORD, SESSION, Team, files_of
from superqode.cli import main
from superqode.cli.exit_codes import ExitCode

QUICK = 30.0  # seconds: far more than any refusal takes, far less than a prompt that waits
TEXTS = ["Fix the SQL injection", "It is in users.py"]


class Desk:
    """Somebody at the command line.

    Args:
        who: whose home and store it is.
    """

    def __init__(self, who: Somebody) -> None:
        self.who = who
        self.cli = Cli(who.path)

    def run(self, *args: object, expect: ExitCode = ExitCode.OK, given: str | None = None):
        """Run a command here, with nobody at the terminal; its exit code is checked."""
        self.who.sit_down()
        return self.cli.run(*args, expect=expect, given=given)

    def out(self, *args: object, given: str | None = None) -> str:
        """What a command prints, without the last newline."""
        return self.run(*args, given=given).stdout.removesuffix("\n")

    def json(self, *args: object, expect: ExitCode = ExitCode.OK):
        """The document that a command prints with --json."""
        self.who.sit_down()
        return self.cli.json(*args, expect=expect)

    def fails(self, code: ExitCode, *args: object, given: str | None = None) -> str:
        """A command that fails: nothing on stdout, and its last line on stderr tells why; gives that line."""
        done = self.run(*args, expect=code, given=given)
        assert done.stdout == ""
        told = done.stderr.splitlines()
        assert told[-1].startswith("superqode: ")
        return told[-1]


def owner_at(people: People, place: Place, who="alice", *, remote: str = "") -> Desk:
    """Alice with a session of two messages and a snapshot, who named the remote with `superqode remote add`."""
    desk = Desk(people.meet("alice", place, who))
    desk.who.person.say(*TEXTS)
    desk.who.person.snapshot("before the fix")
    desk.run("remote", "add", "team", remote or place.url)
    return desk


def reader_at(people: People, place: Place, who="bob", trust="right") -> Desk:
    """Bob, who has an empty store and a link."""
    return Desk(people.meet("bob", place, who, trust))


# -- a whole life -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ssh", "https", "git", "path"])
def test_a_whole_life(kind, request, people):
    """Made, read, forked, updated, locked, listed, shown and taken back with commands alone."""
    place = place_of(request, kind)
    alice, bob = owner_at(people, place), reader_at(people, place)
    made = alice.run("share", "create", SESSION, "--expires", "7d")
    link = made.stdout.strip()
    assert link.startswith(place.url + "#")
    share_id = link.partition("#")[2].partition(".")[0]
    assert list(place.refs()) == [f"refs/superqode/shares/{share_id}"]

    assert all(text in bob.out("share", "open", link) for text in TEXTS)
    fork = bob.out("share", "fork", link, "--title", "My try")
    assert bob.json("sessions", "show", fork)["title"] == "My try"
    alice.who.person.say("Parametrise it")
    assert alice.out("share", "update", share_id[:8], "--no-fork") == f"{share_id} is at update 2"
    assert "Parametrise it" in bob.out("share", "open", "-", given=f"{link}\n")
    assert alice.out("share", "passwords", "add", share_id, "--password-stdin", given=PASSWORD) == "Added password 1"
    alice.run("share", "passwords", "remove", share_id, 0)
    assert "Parametrise it" in bob.out("share", "open", link, "--password-stdin", given=PASSWORD)
    (listed,) = alice.json("share", "list")
    assert (listed["state"], listed["remote"], listed["generation"]) == ("live", "team", 2)
    assert (listed["remote_ref"], listed["share_url"]) == (f"refs/superqode/shares/{share_id}", None)
    assert alice.out("share", "show", share_id, "--link") == link
    assert bob.json("share", "list", "--remote", place.url) == []

    assert alice.out("share", "revoke", share_id, "--yes") == f"Revoked {share_id}"
    assert place.refs() == {}
    assert "revoked or deleted" in bob.fails(ExitCode.NOT_FOUND, "share", "open", link)


def test_public_shares_of_a_server_are_listed(request, people):
    """`share list --remote` names the public ones, with links that open."""
    place = place_of(request, "https")
    alice, bob = owner_at(people, place), reader_at(people, place)
    alice.out("share", "create", SESSION)
    link = alice.out("share", "create", SESSION, "--visibility", "public")
    (listed,) = bob.json("share", "list", "--remote", place.url, "--links")
    assert (listed["share_url"], listed["title"]) == (link, "Fix SQL injection")
    assert TEXTS[0] in bob.out("share", "open", listed["share_url"])


# -- who may not ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "who", "trust", "told"),
    [
        pytest.param("ssh", "stranger", "right", "Permission denied", id="ssh key that nobody knows"),
        pytest.param("ssh", "alice", "unknown", "not known yet", id="host key unknown"),
        pytest.param("ssh", "alice", "other", "not the one that was known", id="host key changed"),
        pytest.param("https", "alice", "other", "certificate", id="other authority"),
        pytest.param("https", "stranger", "right", "did not accept the user or password", id="wrong password"),
        pytest.param("https", "nobody", "right", "no credential helper", id="no password"),
    ],
)
def test_who_is_not_let_in(kind, who, trust, told, request, people):
    """Exit code 16 and one line that names the reason, whatever was asked for; a share that was made is kept."""
    place = place_of(request, kind)
    alice, bob = owner_at(people, place), reader_at(people, place, who, trust)
    link = alice.out("share", "create", SESSION)
    share_id = link.partition("#")[2].partition(".")[0]
    there = place.refs()
    allow(place, alice.who.home, who, trust)

    assert told in alice.fails(ExitCode.REMOTE_FAILED, "share", "create", SESSION)
    for args in (("share", "push"), ("share", "revoke", share_id, "--yes"), ("share", "list", "--remote")):
        assert told in alice.fails(ExitCode.REMOTE_FAILED, *args)
    assert told in bob.fails(ExitCode.REMOTE_FAILED, "share", "fork", link)
    bob.who.sit_down()
    failed = json.loads(bob.cli.run("share", "open", link, "--json", expect=ExitCode.REMOTE_FAILED).stderr)["error"]
    assert (told in failed["message"], failed["exit_code"]) == (True, ExitCode.REMOTE_FAILED)
    assert place.refs() == there
    assert bob.json("sessions", "list") == []
    assert sorted(share["state"] for share in alice.json("share", "list")) == ["live", "waits"]


@pytest.mark.parametrize("kind", ["ssh", "https"])
def test_who_only_reads(kind, request, people):
    """Exit code 16 and one line; the share stays here, is named, and can be dropped."""
    place = place_of(request, kind)
    bob = owner_at(people, place, "bob")
    done = bob.run("share", "create", SESSION, expect=ExitCode.REMOTE_FAILED)
    (kept,) = bob.json("share", "list")
    assert (kept["state"], done.stdout, place.refs()) == ("waits", "", {})
    assert f"superqode share push {kept['id']}" in done.stderr
    assert done.stderr.splitlines()[-1].startswith(f"superqode: {place.url} refuses access: ")
    assert "refuses access" in bob.fails(ExitCode.REMOTE_FAILED, "share", "push")
    bob.run("share", "revoke", kept["id"], "--yes")
    assert bob.out("share", "push") == ""


@pytest.mark.parametrize(
    ("kind", "who", "trust", "told"),
    [
        pytest.param("ssh", "alice", "unknown", "not known yet", id="host key"),
        pytest.param("https", "nobody", "right", "no credential helper", id="password"),
    ],
)
def test_nothing_is_asked_where_nobody_sits(kind, who, trust, told, request, people):
    """In a script on a terminal, with standard input from elsewhere, no command asks anything, and all end."""
    place = place_of(request, kind)
    alice = owner_at(people, place)
    link = alice.out("share", "create", SESSION)
    allow(place, alice.who.home, who, trust)
    script = "import os, sys; os.open(sys.argv.pop(1), os.O_RDWR); from superqode.cli import main; main()"
    for args in (["share", "open", link.replace(SESSION, "")], ["share", "create", SESSION, "--visibility", "public"]):
        ours, theirs = pty.openpty()
        reader = people.lend(alice.who, f"reader {args[1]}", place, "alice")
        allow(place, reader.home, who, trust)
        reader.sit_down()
        store = str(reader.path) if args[1] == "create" else str(reader.path.with_name("empty"))
        try:
            done = subprocess.run(
                [sys.executable, "-c", script, os.ttyname(theirs), "--store", store, *args],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=QUICK,
                check=False,
                start_new_session=True,
            )
            assert (done.returncode, done.stdout) == (ExitCode.REMOTE_FAILED, ""), done.stderr
            assert told in done.stderr.splitlines()[-1]
            assert select.select([ours], [], [], 0) == ([], [], [])
        finally:
            os.close(ours)
            os.close(theirs)


def test_git_may_ask_who_sits_at_a_terminal(request, people):
    """With a terminal git asks for user and password, hides what is typed, and the share opens."""
    place = place_of(request, "https")
    alice, bob = owner_at(people, place), reader_at(people, place, "nobody")
    link = alice.out("share", "create", SESSION)
    bob.who.sit_down()
    answers = [("Username for", b"bob\n"), ("Password for", place.server.password("bob").encode() + b"\n")]
    code, told = typed(bob, ["share", "open", link], answers)
    assert (code, answers) == (0, [])
    assert TEXTS[0] in told
    assert place.server.password("bob") not in told


def typed(desk: Desk, args: list[str], answers: list[tuple[str, bytes]]) -> tuple[int, str]:
    """Run a command on a terminal of its own and answer what it asks; its exit code and what was seen."""
    command = desk.cli._command(tuple(args), before=terminal.TAKE_TERMINAL)
    return terminal.converse(command, answers, {"TERM": "xterm", "PAGER": "cat", "COLUMNS": "200"}, QUICK)


# -- what stays closed ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["https", "git"])
def test_each_failure_has_its_exit_code(kind, request, people, still_clock):
    """12 for a wrong password, 13 for what is not there, 14 for what was tampered with, 15 for expired or forbidden."""
    place = place_of(request, kind)
    alice, bob = owner_at(people, place), reader_at(people, place)
    options = ("--visibility", "private", "--password-stdin", "--expires", "1d", "--no-fork")
    link = alice.out("share", "create", SESSION, *options, given=PASSWORD)
    (share,) = alice.who.shares.list_shares()

    def fails(code: ExitCode, command: str = "open", *, url: str = link, password: str = PASSWORD) -> str:
        return bob.fails(code, "share", command, url, "--password-stdin", given=password)

    assert "the password is wrong" in fails(ExitCode.WRONG_PASSWORD, password="wrong")
    assert "needs a password" in bob.fails(ExitCode.WRONG_PASSWORD, "share", "open", link)
    assert "There is no share" in fails(ExitCode.NOT_FOUND, url=link.replace(share.id, "0" * 26))
    assert "names no share" in fails(ExitCode.USAGE, url=f"{place.url}#nonsense")
    assert "may be read and not forked" in fails(ExitCode.FORBIDDEN, "fork")
    first = place.refs()[share.remote_ref]
    files = files_of(place.path, first)
    team = Team(place.path.parent, place.path, alice.who.person, bob.who.person)
    team.forge(share, files | {"manifest": files["manifest"][:-1] + bytes([files["manifest"][-1] ^ 1])})
    assert "tampered" in fails(ExitCode.CORRUPT)
    team.put(share, first)
    still_clock.advance(days=2)
    assert "expired at" in fails(ExitCode.FORBIDDEN)
    assert bob.json("sessions", "list") == []
    assert alice.out("share", "prune") == "Deleted 1 expired share"
    assert "There is no share" in fails(ExitCode.NOT_FOUND)
    assert "was revoked" in alice.fails(ExitCode.NOT_FOUND, "share", "open", link)


# -- gone in the middle -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ssh", "http"])
def test_a_server_gone_in_the_middle(kind, request, people):
    """`share create` says that it waits and gives the link; `share push` sends it later, once."""
    place = place_of(request, kind)
    place.hook("post-receive", COUNT)
    with CuttingProxy(place.port, sent=3000) as proxy:
        alice = owner_at(people, place, remote=place.through(proxy.port))
        made = alice.run("share", "create", SESSION)
        assert "team could not be reached: it waits here until `superqode share push`" in made.stderr
        link = made.stdout.strip()
        assert (alice.json("share", "list")[0]["state"], place.refs()) == ("waits", {})
        assert "cannot be reached" in alice.fails(ExitCode.REMOTE_FAILED, "share", "push")
        assert "cannot be reached" in alice.fails(ExitCode.REMOTE_FAILED, "share", "list", "--remote")
        proxy.heal()
        assert alice.out("share", "push").endswith(" is at team")
        assert "no share waits" in alice.run("share", "push").stderr
        assert len(place.taken()) == 1
        assert TEXTS[0] in reader_at(people, place).out("share", "open", link)


# -- a server with hooks ----------------------------------------------------------------------------------------------


def on_the_server(command: str, place: Place, *options: str):
    """Run `superqode hooks` where the repository is."""
    done = CliRunner().invoke(main, ["hooks", command, "--server", str(place.path), *options])
    assert done.exit_code == 0, done.stderr
    return done


@pytest.mark.parametrize("kind", ["ssh", "https"])
def test_a_guarded_server(kind, request, people):
    """What the server's owner set is told to who shares, with what to do; doing that sends the share that was kept."""
    place = place_of(request, kind)
    alice = owner_at(people, place)
    assert "pre-receive" in on_the_server("install", place).stdout
    assert json.loads(on_the_server("status", place, "--json").stdout)["guarding"] is True
    place.set("superqode.maxDays", "7")

    done = alice.run("share", "create", SESSION, expect=ExitCode.REMOTE_FAILED)
    assert done.stdout == ""
    told = done.stderr.splitlines()[-1]
    assert "shares live at most 7 days here. Let it end sooner: `superqode share update ID --expires 7d`" in told
    assert "Nothing was changed there" in told
    (kept,) = alice.json("share", "list")
    assert (kept["state"], place.refs()) == ("waits", {})
    assert f"`superqode share push {kept['id']}` tries again" in done.stderr
    alice.run("share", "update", kept["id"], "--expires", "7d")
    assert list(place.refs()) == [f"refs/superqode/shares/{kept['id']}"]

    alice.run("share", "create", SESSION, "--visibility", "public", "--expires", "1h")
    on_the_server("remove", place)
    alice.run("share", "create", SESSION)
    assert len(place.refs()) == 3


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_a_share_fetched_by_hand(request, people):
    """After `git fetch` and `git branch` in a store `superqode sessions` knows the session and its snapshots."""
    place = place_of(request, "https")
    alice, bob = owner_at(people, place), reader_at(people, place)
    alice.run("share", "create", SESSION, "--visibility", "public")
    (name,) = place.refs()
    bob.run("remote", "add", "team", place.url)
    bob.who.git("fetch", "team", name)
    bob.who.git("branch", "my-fork", "FETCH_HEAD")

    assert [row["id"] for row in bob.json("sessions", "list")] == ["my-fork"]
    shown = bob.json("sessions", "show", "my-fork")
    assert [message["content"] for message in shown["messages"]] == TEXTS
    assert [snapshot["description"] for snapshot in shown["snapshots"]] == ["before the fix"]
    assert all(text in bob.out("sessions", "show", "my-fork") for text in TEXTS)
    assert len(bob.json("sessions", "log", "my-fork")) >= len(TEXTS)
    assert "before the fix" in bob.out("sessions", "snapshots", "my-fork")


def test_a_share_pushed_by_hand(request, people):
    """`git push` in the store sends a share and no session; the link that `share show` gives opens it."""
    place = place_of(request, "https")
    alice, bob = owner_at(people, place), reader_at(people, place)
    refused = alice.who.try_git("push", "team", SESSION)
    assert refused.returncode == 1
    assert "superqode share create" in refused.stderr
    share = alice.who.shares.create_share(SESSION, push=False)
    alice.who.git("push", "team", f"refs/superqode/shares/{share.id}")
    assert TEXTS[0] in bob.out("share", "open", f"{place.url}#{share.share_token}")
    alice.run("share", "push")
    assert alice.out("share", "show", share.id, "--link") == f"{place.url}#{share.share_token}"
