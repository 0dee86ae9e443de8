r"""`superqode completion`: the script by which a shell completes `superqode`, printed or put where the shell looks.

click's own scripts serve zsh and fish. Bash gets ours: Bash takes `@` for the end of a word, which would cut
`@latest` and `ID@REV`, and inserts what it is given as it is, so that a branch called `$(…)` would be run.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from click.shell_completion import BashComplete, get_completion_class, split_arg_string

from superqode.cli.lazy import Command, examples
from superqode.cli.options import store_option
from superqode.cli.output import emit, note

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["VARIABLE", "Bash", "completion"]

VARIABLE: Final = "_SUPERQODE_COMPLETE"
_PROGRAM: Final = "superqode"
_SHELLS: Final = ("bash", "zsh", "fish")
_BASH: Final = r"""%(complete_func)s() {
    local IFS=$'\n' typed="${COMP_LINE:0:COMP_POINT}" word before type value reply
    # Readline replaces what stands behind the last of these, an @ included; the rest of the word is there already.
    word="${typed##*[[:space:]]}"
    before="${word%%"${word##*[@=:]}"}"
    before="${before%%@}"
    COMPREPLY=()
    while IFS=',' read -r type value; do
        case "$type" in
            dir) compopt -o dirnames 2>/dev/null ;;
            file) compopt -o default 2>/dev/null ;;
            plain) printf -v reply '%%q' "${value#"$before"}"; COMPREPLY+=("$reply") ;;
        esac
    done < <(COMP_WORDS="$typed" COMP_CWORD=0 %(complete_var)s=bash_complete "$1" 2>/dev/null)
    return 0
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""


class Bash(BashComplete):
    """Completion for Bash 4.4 and newer; the script hands over the line up to the cursor."""

    source_template = _BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        """Give the words before the cursor, and the one it stands in."""
        typed = os.environ["COMP_WORDS"]
        words = split_arg_string(typed)[1:]
        if typed[-1:].isspace() or not words:
            return words, ""
        return words[:-1], words[-1]


def _data_home(variables: Mapping[str, str]) -> Path:
    return Path(variables.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")


def _config_home(variables: Mapping[str, str]) -> Path:
    return Path(variables.get("XDG_CONFIG_HOME") or Path.home() / ".config")


def _place(shell: str) -> Path:
    """Where a shell looks for a user's completions, as its manual says."""
    if shell == "bash":  # bash-completion's README, "Where should I put it"
        return _data_home(os.environ) / "bash-completion" / "completions" / _PROGRAM
    if shell == "fish":  # fish-completions(7)
        return _config_home(os.environ) / "fish" / "completions" / f"{_PROGRAM}.fish"
    return Path(os.environ.get("ZDOTDIR") or Path.home()) / ".zfunc" / f"_{_PROGRAM}"


def _told(shell: str, place: Path) -> str:
    if shell == "bash":
        return f"new shells with bash-completion load it; without that package add to ~/.bashrc: source {place}"
    if shell == "fish":
        return "new shells load it"
    return f"add to ~/.zshrc, once, before compinit: fpath=({place.parent} $fpath); autoload -Uz compinit; compinit"


@click.command(
    "completion",
    cls=Command,
    see=("config",),
    storeless=True,
    epilog=examples(
        'eval "$(superqode completion bash)"',
        "superqode completion zsh --install",
        "superqode completion fish | source",
    ),
)
@click.argument("shell", type=click.Choice(_SHELLS), help="The shell: bash (4.4 or newer), zsh or fish.")
@click.option("--install", is_flag=True, help="Write it where the shell looks, and say what is left to do.")
@store_option
@click.pass_context
def completion(ctx: click.Context, shell: str, install: bool) -> None:
    """Print the script that makes a shell complete superqode.

    Completed are commands, options, ids (by their beginning, or by words of the title), snapshots and saves after
    ID@, tags, agents, projects, remotes, shares and the trash.
    """
    found = get_completion_class(shell) if shell != "bash" else Bash
    if found is None:
        raise click.UsageError(f"click has no completion for {shell}", ctx)
    script = found(ctx.find_root().command, {}, _PROGRAM, VARIABLE).source()
    if not install:
        emit(script)
        return
    place = _place(shell)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(script, "utf-8")
    emit(str(place))
    note(_told(shell, place))
