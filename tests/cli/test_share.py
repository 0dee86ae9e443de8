"""`share`: two stores and a repository between them; what is printed, and what is kept back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from superqode.cli import main
from superqode.cli.exit_codes import ExitCode
from superqode.session import Session, SessionStore

from .conftest import HOSTILE, Cli
from .sharing import TOKEN, Team, bare, converse


@pytest.fixture
def team(tmp_path: Path) -> Team:
    """An owner with a session, a remote, and a reader."""
    made = Team(tmp_path)
    session = Session(id="session-123", title="Fix SQL injection")
    session.add_message("user", "Fix the SQL injection")
    session.add_message("assistant", "It is parametrised now", agent_name="codex")
    with SessionStore(made.owner.store) as store:
        store.save(session)
    return made


def _say(cli: Cli, text: str, session_id: str = "session-123") -> None:
    with SessionStore(cli.store) as store:
        session = store.load(session_id)
        session.add_message("user", text)
        store.save(session)


def _secret_of(link: str) -> str:
    return link.rpartition(".")[2]


def test_from_one_to_another(team: Team) -> None:
    """The link alone is on stdout; with it, and nothing else, another store reads, forks and goes on."""
    link = team.share("session-123")
    assert link.startswith(f"{team.remote}#")
    assert "Fix the SQL injection" in team.reader.run("share", "open", link).stdout
    assert not team.reader.store.exists() or team.reader.json("sessions", "list") == []
    forked = team.reader.run("share", "fork", link, "--title", "My try")
    (name,) = forked.stdout.split()
    assert f"sessions show {name}" in forked.stderr
    shown = team.reader.json("sessions", "show", name)
    assert (shown["title"], shown["parent_session_id"]) == ("My try", "session-123")
    assert [message["content"] for message in shown["messages"]] == ["Fix the SQL injection", "It is parametrised now"]


def test_documents_have_their_shape(team: Team) -> None:
    """--json of create, open and fork is what help says, and nothing else is printed."""
    made = team.owner.json("share", "create", "session-123", "--expires", "7d", "--no-fork")
    assert (made["state"], made["visibility"], made["sealed"], made["allow_fork"]) == ("live", "unlisted", True, False)
    assert made["share_url"].endswith(made["share_token"])
    assert made["expires_at"] > made["created_at"]
    assert "passphrase" not in made
    shown = team.reader.json("share", "open", made["share_url"])
    assert shown["title"] == "Fix SQL injection"
    link = team.share("session-123")
    forked = team.reader.json("share", "fork", link)
    assert set(forked) == {"id", "title", "parent_session_id", "project_path", "message_count", "execution_count"}
    assert forked["message_count"] == 2


def test_a_link_may_come_by_standard_input(team: Team) -> None:
    """Given as -, it stands in no process list and no history."""
    link = team.share("session-123")
    assert "parametrised" in team.reader.run("share", "open", "-", given=f"{link}\n").stdout
    team.reader.run("share", "open", "-", given="", expect=ExitCode.USAGE)


def test_what_is_masked_is_said_before_it_leaves(team: Team) -> None:
    """Rule and place are named on stderr, the secret nowhere; the reader gets the mark in its place."""
    _say(team.owner, f"use {TOKEN} for it")
    told = team.owner.run("share", "create", "session-123")
    assert "1 secret in 2 places, masked:" in told.stderr
    assert "message 2" in told.stderr
    assert TOKEN not in told.stderr
    shown = team.reader.run("share", "open", told.stdout.strip()).stdout
    assert "[REDACTED:" in shown
    assert TOKEN not in shown
    made = team.owner.json("share", "create", "session-123")
    assert [place["where"] for place in made["masked"]] == ["message", "commit message"]


def test_secrets_leave_in_clear_only_after_a_yes(team: Team) -> None:
    """--no-redact wants a typed yes, or --yes; a no, or nobody, sends nothing."""
    _say(team.owner, f"use {TOKEN} for it")
    told = team.owner.run("share", "create", "session-123", "--no-redact", expect=ExitCode.USAGE)
    assert "--yes" in told.stderr
    code, seen = converse(team.owner, "share", "create", "session-123", "--no-redact", answers=[("Type yes", b"y\n")])
    assert code == ExitCode.CANCELLED
    assert "LEFT IN CLEAR" in seen
    assert team.refs() == []
    code, seen = converse(team.owner, "share", "create", "session-123", "--no-redact", answers=[("Type yes", b"yes\n")])
    assert code == ExitCode.OK, seen
    link = team.share("session-123", "--no-redact", "--yes")
    assert TOKEN in team.reader.run("share", "open", link).stdout


def test_a_public_share_says_so(team: Team) -> None:
    """It asks nothing, names who can read it, and is listed for everybody who can read the remote."""
    told = team.owner.run("share", "create", "session-123", "--visibility", "public")
    assert f"everybody who can read {team.owner.json('share', 'list')[0]['remote']}" in told.stderr
    assert team.refs()[0].startswith("refs/superqode/shares/public/")
    team.share("session-123")
    (listed,) = team.reader.json("share", "list", "--remote", team.remote)
    assert (listed["title"], listed["share_url"]) == ("Fix SQL injection", told.stdout.strip())
    assert "parametrised" in team.reader.run("share", "open", listed["share_url"]).stdout
    assert [one["id"] for one in team.owner.json("share", "list", "--remote")] == [listed["id"]]


def test_without_a_remote_it_stays_here(team: Team) -> None:
    """A share that cannot go anywhere is made, says so, and its link works on this machine."""
    team.owner.run("remote", "remove", "team")
    told = team.owner.run("share", "create", "session-123")
    assert "no remote is set" in told.stderr
    assert told.stdout.startswith("file://")
    assert team.owner.json("share", "list")[0]["state"] == "waits"
    refused = team.owner.run("share", "push", expect=ExitCode.NOT_FOUND).stderr
    assert "remote add NAME URL" in refused
    assert "revoked" not in refused
    assert "remote add NAME URL" in team.owner.run("share", "list", "--remote").stderr
    for cli in (team.owner, team.reader):
        assert "parametrised" in cli.run("share", "open", told.stdout.strip()).stdout


def test_of_several_remotes_without_a_default_one_is_to_be_chosen(team: Team) -> None:
    """A store of before may have that: each command says which remotes there are and how to choose, and none succeeds.

    A second remote that is added today takes nothing from the first.
    """
    team.owner.run("remote", "add", "other", bare(team.remote.parent / "other.git"))
    assert "sent to team" in team.owner.run("share", "create", "session-123", "--visibility", "public").stderr
    team.owner.run("remote", "add", "third", team.remote, "--default")
    team.owner.run("remote", "remove", "third")

    told = team.owner.run("share", "create", "session-123")
    said = "other and team are set, and none is the default"
    assert f"{said}, so it is in this store only; `superqode remote default NAME`, then `share push`" in told.stderr
    for command in (["push"], ["list", "--remote"], ["prune", "--all"]):
        refused = team.owner.run("share", *command, expect=ExitCode.NOT_FOUND)
        assert (refused.stdout, f"superqode: {said}. `superqode remote default NAME`" in refused.stderr) == ("", True)
    team.owner.run("remote", "default", "team")
    assert "until `superqode share push`" in team.owner.run("share", "update", told.stdout.strip()).stderr
    assert " is at team" in team.owner.run("share", "push").stdout


def test_what_waits_is_sent_later(team: Team) -> None:
    """A remote that is away costs nothing but a later `share push`; the link stays what it was."""
    team.owner.run("remote", "remove", "team")
    team.owner.run("remote", "add", "team", "git://127.0.0.1:1/team.git")
    told = team.owner.run("share", "create", "session-123")
    assert "waits here until `superqode share push`" in told.stderr
    link = told.stdout.strip()
    assert team.owner.json("share", "list")[0]["state"] == "waits"
    team.owner.run("share", "push", expect=ExitCode.REMOTE_FAILED)
    # The server is back, as far as git can tell.
    (Path.home() / ".gitconfig").write_text(f'[url "{team.remote}"]\n\tinsteadOf = git://127.0.0.1:1/team.git\n')
    (sent,) = team.owner.json("share", "push")
    assert (sent["state"], sent["share_url"]) == ("live", None)
    assert "no share waits" in team.owner.run("share", "push").stderr
    assert "parametrised" in team.reader.run("share", "open", link).stdout


def test_a_private_share_with_a_passphrase(team: Team) -> None:
    """--generate prints it once, apart from the link; the link alone, or with another password, opens nothing."""
    told = team.owner.run("share", "create", "session-123", "--visibility", "private", "--generate")
    (link,) = told.stdout.splitlines()
    passphrase = next(row for row in told.stderr.splitlines() if "80 random bits" in row).rpartition(": ")[2]
    assert passphrase not in link
    opened = team.reader.run("share", "open", link, "--password-stdin", given=f"{passphrase}\n")
    assert "parametrised" in opened.stdout
    told = team.reader.run("share", "open", link, expect=ExitCode.WRONG_PASSWORD)
    assert "SUPERQODE_SHARE_PASSWORD" in told.stderr
    told = team.reader.run("share", "open", link, "--password-stdin", given="no\n", expect=ExitCode.WRONG_PASSWORD)
    assert _secret_of(link) not in told.stderr
    made = team.owner.json("share", "create", "session-123", "--visibility", "private", "--generate")
    forked = team.reader.run("share", "fork", made["share_url"], "--password-stdin", given=made["passphrase"])
    assert forked.stdout.strip()


def test_both_link_and_password_by_standard_input(team: Team) -> None:
    """The first line is the link, the second the password."""
    link = team.share("session-123", "--password-stdin", given="correct horse battery\n")
    given = f"{link}\ncorrect horse battery\n"
    assert "parametrised" in team.reader.run("share", "open", "-", "--password-stdin", given=given).stdout


def test_a_password_in_the_environment(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is used where a password is wanted, and does not slip into a share that wants none."""
    monkeypatch.setenv("SUPERQODE_SHARE_PASSWORD", "correct horse battery")
    with_it = team.share("session-123", "--visibility", "private")
    without = team.share("session-123")
    team.reader.run("share", "open", with_it)
    monkeypatch.delenv("SUPERQODE_SHARE_PASSWORD")
    team.reader.run("share", "open", with_it, expect=ExitCode.WRONG_PASSWORD)
    team.reader.run("share", "open", without)


def test_the_terminal_asks(team: Team) -> None:
    """Twice for a new password, once to open, and what is typed is not shown."""
    code, told = converse(
        team.owner,
        *("share", "create", "session-123", "--visibility", "private"),
        answers=[("Password", b"correct horse\n"), ("Repeat", b"correct horse\n")],
    )
    assert code == ExitCode.OK, told
    assert "correct" not in told
    link = told.split()[-1]
    code, told = converse(team.reader, "share", "open", link, answers=[("Password", b"correct horse\n")])
    assert code == ExitCode.OK, told
    assert "parametrised" in told
    code, told = converse(team.reader, "share", "open", link, answers=[("Password", b"\x03")])
    assert code == ExitCode.CANCELLED
    assert "Traceback" not in told


def test_nobody_to_ask_for_a_new_password(team: Team) -> None:
    """A private share without a terminal names the other ways, and nothing is made."""
    told = team.owner.run("share", "create", "session-123", "--visibility", "private", expect=ExitCode.USAGE)
    assert "--password-stdin, --generate or $SUPERQODE_SHARE_PASSWORD" in told.stderr
    assert team.owner.json("share", "list", "--all") == []


def test_listings_hold_no_keys(team: Team) -> None:
    """What opens an encrypted share is printed by create and with --link(s), and nowhere else."""
    link = team.share("session-123")
    share_id = team.owner.json("share", "list")[0]["id"]
    plain = [
        team.owner.run("share", "list"),
        team.owner.run("share", "list", "--json"),
        team.owner.run("share", "show", share_id[:8]),
        team.owner.run("share", "show", link, "--json"),
        team.owner.run("share", "update", share_id),
        team.owner.run("share", "update", share_id, "--json"),
    ]
    assert all(_secret_of(link) not in told.stdout + told.stderr for told in plain)
    assert team.owner.run("share", "show", share_id, "--link").stdout == f"{link}\n"
    assert link in team.owner.run("share", "list", "--links").stdout
    assert team.owner.json("share", "list", "--links")[0]["share_url"] == link


def test_show_tells_the_terms(team: Team) -> None:
    """Owner and reader see of what, for whom and how long; a share's session may be gone."""
    link = team.share("session-123", "--expires", "7d", "--no-fork")
    told = team.reader.run("share", "show", link).stdout
    for part in ("Fix SQL injection", "readers:  link", "not allowed", "expires:  20"):
        assert part in told
    team.reader.run("share", "fork", link, expect=ExitCode.FORBIDDEN)
    team.owner.run("sessions", "delete", "session-123")
    assert team.owner.json("share", "list", "--session", "session-123")[0]["title"] == "Fix SQL injection"


def test_no_history_leaves_messages_out(team: Team) -> None:
    """Title and the rest stay."""
    shown = team.reader.json("share", "open", team.share("session-123", "--no-history"))
    assert (shown["title"], shown["messages"]) == ("Fix SQL injection", [])


def test_an_update_goes_out_under_the_same_link(team: Team) -> None:
    """Readers see what was added, and new terms."""
    link = team.share("session-123", "--expires", "1d")
    _say(team.owner, "And the tests")
    told = team.owner.run("share", "update", link, "--expires", "never", "--no-fork")
    assert "update 2" in told.stdout
    assert "And the tests" in team.reader.run("share", "open", link).stdout
    shown = team.reader.json("share", "show", link)
    assert (shown["expires_at"], shown["allow_fork"], shown["generation"]) == (None, False, 2)
    team.owner.run("share", "update", link, "--expires", "soon", expect=ExitCode.USAGE)


def test_revoking_asks_and_says_what_stays(team: Team) -> None:
    """Without a terminal it needs --yes; afterwards the link leads nowhere and the list leaves it out."""
    link = team.share("session-123")
    assert "--yes" in team.owner.run("share", "revoke", link, expect=ExitCode.USAGE).stderr
    assert converse(team.owner, "share", "revoke", link, answers=[("[y/N]", b"n\n")])[0] == ExitCode.CANCELLED
    team.reader.run("share", "open", link)
    told = team.owner.run("share", "revoke", link, "--yes")
    assert "has it still" in told.stderr
    assert team.refs() == []
    assert _secret_of(link) not in team.reader.run("share", "open", link, expect=ExitCode.NOT_FOUND).stderr
    assert team.owner.json("share", "list") == []
    assert "--all" in team.owner.run("share", "list").stderr
    assert team.owner.json("share", "list", "--all")[0]["state"] == "revoked"


def test_expired_shares_close_and_are_pruned(team: Team, still_clock: Any) -> None:
    """An expired share opens for nobody; prune deletes it on the remote and leaves the others."""
    old, kept = team.share("session-123", "--expires", "1h"), team.share("session-123")
    still_clock.advance(hours=2)
    team.reader.run("share", "open", old, expect=ExitCode.FORBIDDEN)
    done = team.owner.json("share", "prune")
    assert (len(done["pruned"]), done["failed"]) == (1, {})
    assert len(team.refs()) == 1
    team.reader.run("share", "open", kept)
    assert team.owner.run("share", "prune").stdout == "Deleted 0 expired shares\n"


def test_a_remote_that_is_none_is_told_where_nothing_is_sent(team: Team) -> None:
    """Pruning has one to log in with, and names it where it is none; listing passwords asks nobody, and takes none."""
    share = team.share("session-123")
    told = team.owner.run("share", "prune", "--remote", "nope", expect=ExitCode.NOT_FOUND)
    assert "no remote 'nope'" in told.stderr
    assert "Deleted 0" in team.owner.run("share", "prune", "--remote", "team").stdout
    team.owner.run("share", "passwords", "list", share, "--remote", "nope", expect=ExitCode.USAGE)


def test_passwords_come_and_go(team: Team) -> None:
    """Each opens the share by itself; a removed one does not any more; none is ever shown."""
    link = team.share("session-123", "--password-stdin", given="the first password\n")
    added = team.owner.json("share", "passwords", "add", link, "--label", "reviewers", "--generate")
    assert set(added) == {"number", "kind", "label", "passphrase"}
    for password in ("the first password", added["passphrase"]):
        team.reader.run("share", "open", link, "--password-stdin", given=f"{password}\n")
    told = team.owner.run("share", "passwords", "list", link)
    assert "reviewers" in told.stdout
    assert added["passphrase"] not in told.stdout
    assert [slot["number"] for slot in team.owner.json("share", "passwords", "list", link)] == [0, added["number"]]
    told = team.owner.run("share", "passwords", "remove", link, added["number"])
    assert "clean cut" in told.stderr
    team.reader.run(
        *("share", "open", link, "--password-stdin"), given=added["passphrase"], expect=ExitCode.WRONG_PASSWORD
    )
    team.reader.run("share", "open", link, "--password-stdin", given="the first password\n")
    told = team.owner.run("share", "passwords", "remove", link, 9, expect=ExitCode.USAGE)
    assert "stays as it is: it has no password 9. `superqode share passwords list" in told.stderr


def test_nothing_from_a_share_reaches_the_terminal_raw(team: Team) -> None:
    """Titles and messages of others may hold anything."""
    with SessionStore(team.owner.store) as store:
        session = Session(id="a", title=HOSTILE)
        session.add_message("user", HOSTILE)
        store.save(session)
    link = team.share("a", "--visibility", "public")
    for told in (
        team.owner.run("share", "list"),
        team.owner.run("share", "show", link),
        team.reader.run("share", "open", link),
        team.reader.run("share", "fork", link),
        team.reader.run("share", "list", "--remote", team.remote),
    ):
        assert not set(told.stdout + told.stderr) & set("\x1b\x07\x9b\u202e")


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["create", "nope"], ExitCode.NOT_FOUND),
        (["create", "session-123", "--remote", "nope"], ExitCode.NOT_FOUND),
        (["create", "session-123", "--remote", "ext::x"], ExitCode.USAGE),
        (["create", "session-123", "--expires", "0d"], ExitCode.USAGE),
        (["create", "session-123", "--visibility", "secret"], ExitCode.USAGE),
        (["open", "nonsense"], ExitCode.USAGE),
        (["open", "01hqz8k3v5w7x9y2a4b6c8d0ef"], ExitCode.NOT_FOUND),
        (["open", "/nowhere/at/all#01hqz8k3v5w7x9y2a4b6c8d0ef"], ExitCode.REMOTE_FAILED),
        (["revoke", "01hqz8k3v5w7x9y2a4b6c8d0ef", "--yes"], ExitCode.NOT_FOUND),
        (["update", "01hqz8k3v5w7x9y2a4b6c8d0ef"], ExitCode.NOT_FOUND),
        (["push", "01hqz8k3v5w7x9y2a4b6c8d0ef"], ExitCode.NOT_FOUND),
        (["passwords", "list", "01hqz8k3v5w7x9y2a4b6c8d0ef"], ExitCode.NOT_FOUND),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else value.name,
)
def test_what_fails_has_its_exit_code(team: Team, args: list[str], code: ExitCode) -> None:
    """Each failure is one line with its own code, in JSON where that was asked for, and changes nothing."""
    told = team.owner.run("share", *args, expect=code)
    assert told.stdout == ""
    assert len(told.stderr.splitlines()) <= 3
    told = team.owner.run("share", *args, "--json", expect=code)
    assert json.loads(told.stderr)["error"]["exit_code"] == code
    assert team.refs() == []


def test_a_share_that_was_tampered_with(team: Team) -> None:
    """Bytes that are not the owner's end with their own code, and nothing comes into the store."""
    link = team.share("session-123")
    (ref,) = team.refs()
    blob = subprocess.run(
        ["git", "-C", str(team.remote), "hash-object", "-w", "--stdin"],
        input=b"x" * 4096,
        capture_output=True,
        check=True,
    )
    listed = subprocess.run(["git", "-C", str(team.remote), "ls-tree", ref], capture_output=True, text=True, check=True)
    rows = [
        f"100644 blob {blob.stdout.decode().strip()}\tmanifest" if row.endswith("\tmanifest") else row
        for row in listed.stdout.splitlines()
    ]
    tree = subprocess.run(
        ["git", "-C", str(team.remote), "mktree"],
        input="\n".join(rows) + "\n",
        capture_output=True,
        text=True,
        check=True,
    )
    message = subprocess.run(
        ["git", "-C", str(team.remote), "log", "-1", "--format=%B", ref], capture_output=True, text=True, check=True
    )
    ident = {
        f"GIT_{who}_{what}": told
        for who in ("AUTHOR", "COMMITTER")
        for what, told in (("NAME", "superqode"), ("EMAIL", "share@superqode.invalid"), ("DATE", "@0 +0000"))
    }
    commit = subprocess.run(
        ["git", "-C", str(team.remote), "commit-tree", tree.stdout.strip()],
        input=message.stdout.rstrip("\n") + "\n",
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | ident,
    )
    subprocess.run(["git", "-C", str(team.remote), "update-ref", ref, commit.stdout.strip()], check=True)
    told = team.reader.run("share", "fork", link, expect=ExitCode.CORRUPT)
    assert "tampered" in told.stderr
    assert team.reader.json("sessions", "list") == []


def test_own_shares_are_completed(team: Team) -> None:
    """Ids with titles; a store that is none completes nothing, silently."""
    team.share("session-123")
    share_id = team.owner.json("share", "list")[0]["id"]
    script = "import sys; sys.argv[0] = 'superqode'; from superqode.cli import main; main(prog_name='superqode')"

    def complete(words: str, store: Path) -> list[str]:
        asked = {
            "_SUPERQODE_COMPLETE": "zsh_complete",
            "COMP_WORDS": f"superqode {words}",
            "COMP_CWORD": str(len(words.split(" "))),
            "SUPERQODE_STORE": str(store),
        }
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=False, env=os.environ | asked
        )
        assert done.stderr == ""
        return done.stdout.split("\n")

    for command in ("show", "revoke", "update", "push"):
        assert complete(f"share {command} {share_id[:4]}", team.owner.store)[1:3] == [share_id, "Fix SQL injection"]
    assert complete("remote remove t", team.owner.store)[1] == "team"
    assert "".join(complete("share show 0", team.owner.store / "nowhere")) == ""


def test_help_is_honest() -> None:
    """Five lines say what a host sees and what nobody can enforce, as they are written."""
    told = CliRunner().invoke(main, ["share", "--help"]).stdout
    _, _, honest = told.partition("what nobody can:\n")
    lines = honest.partition("\n\n")[0].splitlines()
    assert len(lines) == 5
    for part in ("no expiry", "what was fetched stays", "ciphertext", "who pushes"):
        assert part in honest


def test_a_folder_or_url_may_be_named_at_once(team: Team, tmp_path: Path) -> None:
    """--remote takes what `remote add` takes, without configuring it."""
    other = bare(tmp_path / "other.git")
    link = team.share("session-123", "--remote", other)
    assert link.startswith(f"{other}#")
    assert team.refs() == []
    team.reader.run("share", "open", link)


def test_an_owner_sees_a_private_share_without_its_password(team: Team) -> None:
    """The ledger has it, also when it is revoked."""
    link = team.share("session-123", "--visibility", "private", "--password-stdin", given="correct horse\n")
    assert "readers:  link + password" in team.owner.run("share", "show", link).stdout
    share_id = team.owner.json("share", "list")[0]["id"]
    team.owner.run("share", "revoke", share_id, "--yes")
    assert "state:    revoked" in team.owner.run("share", "show", share_id[:6]).stdout


def test_a_share_that_is_refused_is_kept(team: Team) -> None:
    """A remote that says no is an error; the share is named, and can be sent or dropped."""
    away = team.remote.rename(team.remote.with_name("away.git"))
    told = team.owner.run("share", "create", "session-123", expect=ExitCode.REMOTE_FAILED)
    assert told.stdout == ""
    (kept,) = team.owner.json("share", "list")
    assert f"share push {kept['id']}" in told.stderr
    away.rename(team.remote)
    assert [sent["id"] for sent in team.owner.json("share", "push", kept["id"])] == [kept["id"]]
    assert len(team.refs()) == 1
