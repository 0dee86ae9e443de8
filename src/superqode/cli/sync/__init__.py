"""`superqode sync`: the group, in which `run` may be left out; its commands stand in the modules beside this one.

| module | what it knows |
|---|---|
| `running` | `run`, with `--watch`, and what is told of it |
| `setting_up` | `init`, `join`, `leave`, `status` |
| `key` | the key's words shown and read, and a new key |
"""

from __future__ import annotations

from typing import Final

import click

from superqode.cli.exit_codes import help_lines
from superqode.cli.lazy import LazyGroup, examples
from superqode.cli.options import store_option

__all__ = ["sync"]

_HERE: Final = "superqode.cli.sync"

_COMMANDS: Final = {
    "run": (f"{_HERE}.running:run", "Sync now; `superqode sync` alone does it, too."),
    "init": (f"{_HERE}.setting_up:init", "Begin with a remote, on the first machine."),
    "join": (f"{_HERE}.setting_up:join", "Join from another machine, with the key's words."),
    "status": (f"{_HERE}.setting_up:status", "Show how this store stands with its remotes."),
    "key": (f"{_HERE}.key:key", "Show the key's words, or make a new key."),
    "leave": (f"{_HERE}.setting_up:leave", "Sync no more with a remote; nothing is deleted."),
}
# Options that take the next word.
_TAKES_ONE: Final = ("--store", "--colour")

_HONESTY: Final = """
What the remote sees, unless you chose --plain:
  Ciphertext, its size, and when you push. No titles, ids, names, times or text,
  nor how many sessions or machines there are.
  It can lose everything, and put an older state back: that is noticed and told.
  Whoever has the words and can read the remote can read everything.
"""


class _SyncGroup(LazyGroup):
    """A group in which words that name no command are meant for `run`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `run` before what names no command, so that its options are read as its own."""
        return super().parse_args(ctx, self._with_run(args))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is named, or `run`."""
        return super().resolve_command(ctx, self._with_run(args))

    def _with_run(self, args: list[str]) -> list[str]:
        return args if self._names_command(args) else ["run", *args]

    def _names_command(self, args: list[str]) -> bool:
        words = iter(args)
        for word in words:
            if word in ("--help", "-h"):
                return True
            if word in _TAKES_ONE:
                next(words, None)
            elif not word.startswith("-"):
                return word in self.table
        return False


@click.group(
    cls=_SyncGroup,
    table=_COMMANDS,
    epilog=examples(
        "superqode sync init git@github.com:me/sessions.git",
        "superqode sync join git@github.com:me/sessions.git",
        "superqode sync",
        "superqode sync --watch",
    )
    + _HONESTY
    + "\n"
    + help_lines(),
)
@store_option
def sync() -> None:
    """Keep the stores of your own machines alike, through any Git remote.

    Sessions, snapshots, trash, originals, shares and their keys travel, sealed under a key that only your
    machines have. What was changed on two machines is merged. `superqode sync` alone syncs now.
    """
