"""`doctor`: what is wrong, what that means, and a command to copy, for the store that was named."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner

from superqode.cli import main
from superqode.cli.exit_codes import ExitCode
from superqode.session import Session

from .conftest import Cli

Save = Callable[..., Session]


def test_a_well_store_is_told_so(cli: Cli, save: Save) -> None:
    """Exit code 0, every area a line, nothing to do."""
    save("hello", id="a")
    told = cli.run("doctor")
    assert told.stdout.splitlines()[-1] == "all is well"
    assert "$ " not in told.stdout
    assert cli.json("doctor")["level"] == "ok"


def test_a_problem_is_told_with_a_command_that_mends_it(cli: Cli, save: Save) -> None:
    """The command is whole, names the store, and works when it is copied; then all is well."""
    save("hello", id="a")
    (cli.store / "hooks" / "pre-push").unlink()
    told = cli.run("doctor", expect=ExitCode.ERROR).stdout
    (command,) = [row.strip().removeprefix("$ ") for row in told.splitlines() if row.strip().startswith("$ ")]
    assert CliRunner().invoke(main, shlex.split(command)[1:]).exit_code == ExitCode.OK
    cli.run("doctor")


def test_fix_mends_what_is_safe_and_nothing_else(cli: Cli, save: Save) -> None:
    """Hook and index are mended and said; a setting somebody changed is left, and told."""
    save("hello", id="a")
    (cli.store / "hooks" / "pre-push").unlink()
    cli.run("sessions", "list")
    (cli.store / "superqode" / "index.sqlite").write_bytes(b"x" * 4096)
    (cli.store / "config").write_text((cli.store / "config").read_text().replace("auto = 0", "auto = 5"))
    told = cli.run("doctor", "--fix").stdout
    assert "Mended: hooks" in told
    assert "Mended: index" in told
    assert "gc.auto is 5" in told
    assert told.splitlines()[-1] == "1 warning"
    assert cli.json("doctor", "--fix")["repaired"] == []


def test_the_config_file_is_looked_at(cli: Cli, home: Path) -> None:
    """One that is wrong is a problem with its key, and the rest is looked at all the same; so is one others can write."""
    cli.store.mkdir()
    file = home / ".superqode" / "config.toml"
    file.parent.mkdir()
    file.write_text("quiet = 3\n")
    told = cli.json("doctor", expect=ExitCode.ERROR)
    assert "key quiet" in told["findings"][0]["found"]
    assert len(told["findings"]) > 2
    file.write_text("color = 'never'\n")
    assert cli.json("doctor")["findings"][0]["level"] == "warning"
    file.write_text("quiet = false\n")
    file.chmod(0o666)
    assert "others can write" in cli.json("doctor", expect=ExitCode.ERROR)["findings"][0]["found"]


def test_no_store_is_no_error(home: Path) -> None:
    """Before the first save there is nothing to find in the default place, with and without --fix, named or not."""
    default = home / ".superqode" / "sessions"
    for options in ([], ["--fix"], ["--store", str(default)]):
        told = CliRunner().invoke(main, ["doctor", *options])
        assert (told.exit_code, told.stdout.splitlines()[-1]) == (ExitCode.OK, "all is well")
        assert "the first save makes it" in told.stdout
    assert not default.exists()


def test_a_store_that_is_named_and_not_there_is_told(home: Path) -> None:
    """As by every other command: a slip of the pen must not read as a store that is well."""
    for named in ("/nonexistent", str(home / "typo")):
        told = CliRunner().invoke(main, ["doctor", "--store", named])
        assert (told.exit_code, told.stdout) == (ExitCode.NO_STORE, "")
        assert f"no session store at {named}" in told.stderr
