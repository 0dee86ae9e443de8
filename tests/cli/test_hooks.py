"""`superqode hooks`: the hooks of a store and of a server, for people and as JSON."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from superqode.cli import main
from superqode.cli.exit_codes import ExitCode

NAMES = ["pre-receive", "post-receive"]


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """A bare repository on a server."""
    path = tmp_path / "team.git"
    subprocess.run(["git", "init", "-q", "--bare", "--template=", str(path)], check=True)
    return path


def test_a_store_has_its_hook(cli, save) -> None:
    """It is there from the beginning; taken away and put back, each step says what it means."""
    save("hello")
    hook = cli.store / "hooks" / "pre-push"
    assert cli.run("hooks", "status").stdout == f"{hook} (version 1): installed\n"

    assert cli.run("hooks", "remove").stdout == f"Removed: {hook}. `git push` can send sessions in clear now\n"

    assert not hook.exists()
    assert "not installed. `superqode hooks install` puts it there" in cli.run("hooks", "status").stdout
    assert cli.run("hooks", "remove").stdout == f"Nothing to remove: there is no {hook}\n"
    assert cli.run("hooks", "install").stdout == f"Installed: {hook} (version 1)\n"
    assert hook.exists()


def test_a_stores_hook_as_json(cli, save) -> None:
    """Every command prints one document of one shape: the state it leaves behind."""
    save("hello")
    installed = {
        "path": str(cli.store / "hooks" / "pre-push"),
        "state": "installed",
        "version": 1,
        "available": 1,
        "kept": "",
        "shadowed_by": "",
        "guarding": True,
    }
    agents = {name: value for name, value in cli.json("hooks", "status").items() if name not in installed}
    assert sorted(agents) == ["agents", "last_error"]
    assert cli.json("hooks", "status") == installed | agents
    assert cli.json("hooks", "install") == installed
    gone = installed | {"state": "not installed", "version": 0, "guarding": False}
    assert cli.json("hooks", "remove") == gone
    assert cli.json("hooks", "status") == gone | agents


def test_a_server_gets_its_hooks(cli, server) -> None:
    """Both are installed, told, and taken away; no store is opened or made for it."""
    told = _run("install", server)
    assert told.stdout == "".join(f"Installed: {server / 'hooks' / name} (version 2)\n" for name in NAMES)
    assert f"`{server / 'hooks' / 'post-receive'} --expire {server}` in cron" in " ".join(told.stderr.split())

    assert "set uploadpack.allowFilter=true" in told.stderr
    assert "set " not in _run("install", server).stderr

    assert _run("status", server).stdout.count(" (version 2): installed\n") == 2
    removed = _run("remove", server).stdout
    assert f"Removed: {server / 'hooks' / 'pre-receive'}. The server takes any share now\n" in removed
    assert f"Removed: {server / 'hooks' / 'post-receive'}\n" in removed

    told = _run("status", server).stdout
    assert told.count(f"not installed. `superqode hooks install --server {server}` puts it there") == 2
    assert _run("remove", server).stdout.count("Nothing to remove: there is no ") == 2
    assert not cli.store.exists()


def test_a_servers_hooks_as_json(server) -> None:
    """One document with the layout, each hook and whether all of it guards; nothing else is printed."""
    before = _json("status", server)
    assert (before["layout"], before["path"], before["guarding"]) == ("git", str(server), False)

    installed = _json("install", server)

    assert installed["guarding"]
    assert [Path(hook["path"]).name for hook in installed["hooks"]] == NAMES
    assert [(hook["state"], hook["guarding"]) for hook in installed["hooks"]] == [("installed", True)] * 2
    assert _json("status", server) == installed
    assert _json("remove", server) == before


def test_hooks_that_were_there_are_kept(server) -> None:
    """They are told of, come back, and are left alone where they are not ours."""
    (server / "hooks").mkdir()
    hook = server / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 0\n")
    assert "another hook." in _run("status", server).stdout

    told = _run("install", server)

    assert "the hook from before is kept as " in told.stderr
    assert f"Removed: {hook} is the hook from before again\n" in _run("remove", server).stdout
    assert hook.read_text() == "#!/bin/sh\nexit 0\n"
    assert f"Nothing to remove: {hook} is not superqode's\n" in _run("remove", server).stdout


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_hooks_that_git_does_not_run_are_told(server, as_json) -> None:
    """Where `core.hooksPath` leads elsewhere, installing is partly done, and says how to set it right."""
    subprocess.run(["git", "-C", str(server), "config", "core.hooksPath", "/elsewhere"], check=True)
    if as_json:
        told = _json("install", server, expect=ExitCode.PARTLY)
        assert [hook["shadowed_by"] for hook in told["hooks"]] == ["/elsewhere"] * 2
        return

    told = _run("install", server, expect=ExitCode.PARTLY).stderr

    assert f"git -C {server} config core.hooksPath {server / 'hooks'}" in told
    assert "these hooks" in told


def test_a_server_that_is_none_is_an_error(tmp_path) -> None:
    """A folder that is no bare repository is named, in JSON too."""
    for verb in ("install", "status", "remove"):
        told = _run(verb, tmp_path, expect=ExitCode.ERROR).stderr
        assert "is no bare Git repository. Give the folder of the repository on the server" in " ".join(told.split())


def test_a_store_and_a_server_are_two_places(cli, server) -> None:
    """Naming both is a mistake, and nothing is installed in either."""
    told = cli.run("hooks", "install", "--server", server, expect=ExitCode.USAGE).stderr

    assert "--store and --server are two places" in told
    assert not (server / "hooks").exists()


def _run(verb, server, *more, expect=ExitCode.OK):
    """Run a command on a server, without a store on the command line."""
    result = CliRunner().invoke(main, ["hooks", verb, "--server", str(server), *more])
    assert result.exit_code == expect, (result.exit_code, result.stdout, result.stderr)
    return result


def _json(verb, server, expect=ExitCode.OK):
    """Run it with --json; give the document, and see that nothing else is printed."""
    result = _run(verb, server, "--json", expect=expect)
    assert result.stderr == ""
    return json.loads(result.stdout)
