"""`remote`: remotes are ordinary Git remotes of the store, and their credentials are never shown."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from superqode.cli import main
from superqode.cli.exit_codes import ExitCode

from .conftest import HOSTILE, Cli


def _git(cli: Cli, *args: str) -> str:
    return subprocess.run(["git", "-C", str(cli.store), *args], capture_output=True, text=True, check=True).stdout


def test_a_remote_is_added_before_anything_is_saved(cli: Cli) -> None:
    """On a new machine the store is made, guarded by its hook; plain git sees the remote, without a refspec."""
    told = cli.run("remote", "add", "team", "git@git.example:team/shares.git")
    assert told.stdout == "Added team: git@git.example:team/shares.git (default)\n"
    assert _git(cli, "remote", "get-url", "team").strip() == "git@git.example:team/shares.git"
    assert "fetch" not in _git(cli, "config", "--local", "--list").replace("remote.team.url", "")
    assert cli.json("hooks", "status")["guarding"]


def test_a_folder_is_kept_as_a_whole_path(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shared folder may be named from where one stands."""
    (tmp_path / "shares.git").mkdir()
    monkeypatch.chdir(tmp_path)
    added = cli.json("remote", "add", "folder", "./shares.git")
    assert added == {"name": "folder", "url": str(tmp_path / "shares.git"), "default": True}


def test_the_default_is_the_only_one_or_the_chosen_one(cli: Cli) -> None:
    """A second one leaves the first the default, and says so; removing the chosen of three leaves none, and says so."""
    cli.run("remote", "add", "one", "https://git.example/one.git")
    assert cli.json("remote", "default")["name"] == "one"
    told = cli.run("remote", "add", "two", "https://git.example/two.git")
    assert "one stays the default; `superqode remote default two`" in told.stderr
    assert cli.json("remote", "default")["name"] == "one"
    assert cli.run("remote", "default", "two").stdout == "two: https://git.example/two.git\n"
    assert [(one["name"], one["default"]) for one in cli.json("remote", "list")] == [("one", False), ("two", True)]
    cli.run("remote", "add", "three", "https://git.example/three.git", "--default")
    assert cli.json("remote", "default")["name"] == "three"
    assert "one and two are set, and none is the default" in cli.run("remote", "remove", "three").stderr
    assert cli.json("remote", "default") is None
    assert "chooses one" in cli.run("remote", "default").stderr
    assert cli.json("remote", "remove", "two") == {"removed": "two"}
    assert cli.json("remote", "default")["name"] == "one"
    assert [row.split()[0] for row in cli.run("remote", "list").stdout.splitlines()] == ["NAME", "one"]


def test_credentials_are_never_shown(cli: Cli) -> None:
    """A URL with a password works as it does for git, is warned of, and is shown without it."""
    url = "https://user:s3cret-token@git.example/shares.git"
    told = cli.run("remote", "add", "team", url)
    assert "credential helper" in told.stderr
    outputs = [told.stdout, told.stderr]
    for command in (["list"], ["default"], ["list", "--json"], ["default", "--json"], ["remove", "team"]):
        outputs += [cli.run("remote", *command).stdout]
    assert "s3cret" not in "".join(outputs)


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("team", "ext::sh -c touch% /tmp/x"),
        ("team", "--upload-pack=x"),
        ("team", "ssh://-oProxyCommand=x/y"),
        ("te am", "https://git.example/x.git"),
        ("../x", "https://git.example/x.git"),
        ("team", "gopher://git.example/x"),
        ("team", HOSTILE),
    ],
    ids=["program", "option", "host as option", "name with a space", "name as a path", "scheme", "controls"],
)
def test_what_is_no_remote_is_a_usage_error(cli: Cli, name: str, url: str) -> None:
    """It is refused before git sees it, nothing is kept, and nothing raw reaches the terminal."""
    told = cli.run("remote", "add", "--", name, url, expect=ExitCode.USAGE)
    assert "\x1b" not in told.stderr
    assert cli.json("remote", "list") == []


def test_a_name_is_given_once(cli: Cli) -> None:
    """A second remote of one name is refused with the way out."""
    cli.run("remote", "add", "team", "https://git.example/x.git")
    told = cli.run("remote", "add", "Team", "https://git.example/y.git", expect=ExitCode.USAGE)
    assert "remote remove team" in told.stderr


def test_a_name_that_is_not_there_is_not_found(cli: Cli) -> None:
    """The error names those that are; in a store without any it says how to add one."""
    cli.run("sessions", "new", "--id", "a")
    assert "remote add" in cli.run("remote", "remove", "team", expect=ExitCode.NOT_FOUND).stderr
    cli.run("remote", "add", "team", "https://git.example/x.git")
    assert "team" in cli.run("remote", "default", "teem", expect=ExitCode.NOT_FOUND).stderr


def test_nothing_is_made_by_looking(home: Path) -> None:
    """Without a default store, listing finds none and makes none."""
    told: Any = CliRunner().invoke(main, ["remote", "list", "--json"])
    assert (told.exit_code, json.loads(told.stdout)) == (0, [])
    assert CliRunner().invoke(main, ["remote", "remove", "x"]).exit_code == ExitCode.NOT_FOUND
    assert os.listdir(home) == []


def test_help_shows_the_kinds_of_hosts() -> None:
    """A hosted repository, ssh, HTTPS and a shared folder each have an example."""
    told = CliRunner().invoke(main, ["remote", "--help"]).stdout
    for part in ("git@github.com:", "https://", "ssh://", "/mnt/", "git init --bare"):
        assert part in told
