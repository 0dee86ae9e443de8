"""Real shells on a real terminal: what a Tab key puts on the command line."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from superqode.cli import main
from superqode.session import Session
from terminal import TAKE_TERMINAL, converse

from .conftest import Cli

Save = Callable[..., Session]

_COMMANDS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "--interactive"],
}
_SETUP = {
    "bash": 'PS1="rea""dy> "; eval "$(superqode completion bash)"\n',
    "zsh": 'autoload -Uz compinit; compinit -u -D; PROMPT="rea""dy> "; eval "$(superqode completion zsh)"\n',
    "fish": 'function fish_prompt; echo -n "rea""dy> "; end; superqode completion fish | source\n',
}
_PROGRAM = "import sys; sys.argv[0] = 'superqode'; from superqode.cli import main; main(prog_name='superqode')"


@pytest.fixture(params=list(_COMMANDS))
def shell(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A shell that is installed, with `superqode` on its PATH; `echo` stands for the command, to see what it would get."""
    name: str = request.param
    if shutil.which(name) is None:
        if os.environ.get("SUPERQODE_REQUIRE_SERVERS"):
            pytest.fail(f"{name} is not installed")
        pytest.skip(f"{name} is not installed")
    programs = tmp_path / "bin"
    programs.mkdir()
    # What was typed is written down word by word, so that a test reads words and no terminal's drawing.
    script = f'#!/bin/sh\nif [ -n "$_SUPERQODE_COMPLETE" ] || [ "$1" = completion ]; then exec "{sys.executable}" -c "{_PROGRAM}" "$@"; fi\n'
    (programs / "superqode").write_text(script + 'printf "%s\\n" "$@" -- >> "$TOLD"\n')
    (programs / "superqode").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("TOLD", str(tmp_path / "told"))
    return name


def _typed(shell: str, tmp_path: Path, *lines: str) -> list[list[str]]:
    """What the command gets when each line is typed, and Tab and Return pressed behind it."""
    start = f"{TAKE_TERMINAL}os.execvp({_COMMANDS[shell][0]!r}, {_COMMANDS[shell]!r})"
    answers = [("", _SETUP[shell].encode())]
    for line in lines:
        answers += [("ready> ", f"superqode {line}\t".encode()), (line.split(" ")[-1], b"\n")]
    answers.append(("ready> ", b"exit\n"))
    _, told = converse([sys.executable, "-c", start], answers, {"TERM": "xterm", "COLUMNS": "200", "LINES": "40"})
    file = tmp_path / "told"
    assert file.exists(), told
    return [words.splitlines() for words in file.read_text().split("--\n")[:-1]]


def test_a_tab_completes_what_was_typed(
    shell: str, tmp_path: Path, cli: Cli, save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands, ids, `@latest`, snapshots behind `ID@`, tags: each becomes the whole word, with nothing lost before it.

    A branch that plain git called `evil$(…)` is put there quoted: it is an argument, and nothing runs.
    """
    save("hello", id="apple-pie", title="Dessert", tags=["sweet"])
    save(id="bread")
    made = cli.run("sessions", "snapshot", "apple-pie", "Before").stdout.strip()
    hostile = "evil$(touch${IFS}owned)"
    (cli.store / "refs" / "heads" / hostile).write_text((cli.store / "refs" / "heads" / "bread").read_text())
    monkeypatch.setenv("SUPERQODE_STORE", str(cli.store))
    monkeypatch.chdir(tmp_path)
    typed = {
        "sessions undel": ["sessions", "undelete"],
        "sessions show app": ["sessions", "show", "apple-pie"],
        "sessions show @la": ["sessions", "show", "@latest"],
        f"sessions diff apple-pie@{made[:5]}": ["sessions", "diff", f"apple-pie@{made}"],
        "sessions list --tag sw": ["sessions", "list", "--tag", "sweet"],
        "sessions show evi": ["sessions", "show", hostile],
    }
    assert _typed(shell, tmp_path, *typed) == list(typed.values())
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("name", list(_COMMANDS))
def test_install_writes_where_the_shell_looks(name: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is named, holds the script that is printed otherwise, and what is left to do is told."""
    for variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "ZDOTDIR"):
        monkeypatch.delenv(variable, raising=False)
    printed = CliRunner().invoke(main, ["completion", name]).stdout
    told = CliRunner().invoke(main, ["completion", name, "--install"])
    place = Path(told.stdout.strip())
    assert place.is_relative_to(home)
    assert place.read_text().strip() == printed.strip()
    assert "superqode: " in told.stderr
