"""Groups whose commands are imported when they run, and help that keeps its examples as they are written."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast

import click

from superqode.cli.common import common_options
from superqode.cli.exit_codes import ExitCode, help_lines

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["Command", "LazyGroup", "Table", "examples", "help_width", "terminal_width"]

Table = Mapping[str, tuple[str, str]]

# What every command can end with, and every one that opens a store.
_ALWAYS: Final = (ExitCode.OK, ExitCode.ERROR, ExitCode.USAGE, ExitCode.CANCELLED)
_OPENING: Final = (ExitCode.NO_STORE, ExitCode.LOCKED, ExitCode.CORRUPT, ExitCode.FORBIDDEN)
_EVERYWHERE: Final = ("store", "quiet", "yes", "colour", "help")


def terminal_width() -> int:
    """How wide the terminal is, in columns; 80 where there is none. click asks shutil, a costly import."""
    try:
        return int(os.environ.get("COLUMNS") or os.get_terminal_size().columns)
    except (ValueError, OSError):  # no number, no terminal
        return 80


def help_width() -> int:
    """How wide help is, in columns: as the terminal, at most 80."""
    return max(min(terminal_width(), 80) - 2, 50)


def examples(*commands: str) -> str:
    """Give the end of a command's help: one example a line."""
    return "Example:\n" + "".join(f"  {command}\n" for command in commands)


def _write_epilog(epilog: str | None, formatter: click.HelpFormatter) -> None:
    # click would wrap it: an example is a line to copy, and a table has lines.
    if epilog:
        formatter.write_paragraph()
        formatter.write(epilog)


def _write_options(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """Write a command's own options first, then those that every command has."""
    told: dict[str, list[tuple[str, str]]] = {"Options": [], "Options of every command": []}
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is not None and not isinstance(parameter, click.Argument):
            told["Options of every command" if parameter.name in _EVERYWHERE else "Options"].append(record)
    for title, records in told.items():
        if records:
            with formatter.section(title):
                formatter.write_dl(records)


class Command(click.Command):
    """A command with the options that every command has; its help ends with examples, exit codes, and what to read on.

    Args:
        see: related commands, without `superqode`.
        codes: what it can end with besides `done`, `an error`, `wrong command line` and what opening a store gives.
        storeless: whether it opens no store.
        args, options: as for `click.Command`; the epilog (see `examples`) is printed as it stands.
    """

    def __init__(
        self,
        *args: Any,
        see: Sequence[str] = (),
        codes: Sequence[ExitCode] = (),
        storeless: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.params += common_options()
        self.see = tuple(see)
        named = any(isinstance(parameter, click.Argument) and not storeless for parameter in self.params)
        opening = () if storeless else (*_OPENING, *((ExitCode.NOT_FOUND,) if named else ()))
        self.codes = tuple(sorted({*_ALWAYS, *opening, *codes}))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options in two sections."""
        _write_options(self, ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the epilog unwrapped, the exit codes, and what to read on."""
        del ctx
        _write_epilog(self.epilog, formatter)
        _write_epilog(help_lines(self.codes), formatter)
        if self.see:
            _write_epilog("See also:\n" + "".join(f"  superqode {name}\n" for name in self.see), formatter)


class LazyGroup(click.Group):
    """A group that knows its commands from a table: name → (`module:attribute`, short help).

    The order of the table is the order of the help. Alone, the group shows its help, unless it `works_alone`: then its
    own function does something.
    """

    def __init__(self, *args: Any, table: Table, works_alone: bool = False, **options: Any) -> None:
        options |= {"invoke_without_command": True, "no_args_is_help": False}
        super().__init__(*args, **options)
        self.params += common_options()
        self.table = table
        self.works_alone = works_alone

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names in the table's order."""
        del ctx
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; `None` where the table has no such name, as click expects."""
        del ctx
        if cmd_name not in self.table:
            return None
        module, _, attribute = self.table[cmd_name][0].partition(":")
        return cast("click.Command", getattr(import_module(module), attribute))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command named, or say which ones are called nearly so."""
        if args[0] not in self.table and not args[0].startswith("-") and not ctx.resilient_parsing:
            *others, last = self._near(ctx, args[0]) or [""]
            near = f"{', '.join(others)} or {last}" if others else last
            raise click.UsageError(f"no such command {args[0]!r}" + (f"; did you mean {near}?" if near else ""), ctx)
        return super().resolve_command(ctx, args)

    def _near(self, ctx: click.Context, word: str) -> list[str]:
        """Commands that may be meant: called nearly so, or called so in a group that was left out."""
        from difflib import get_close_matches

        below = []
        for name in self.table:
            command = self.get_command(ctx, name)
            if isinstance(command, LazyGroup) and word in command.table:
                below.append(f"`{ctx.command_path} {name} {word}`")
        return below or get_close_matches(word, self.table)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options in two sections, and the commands."""
        _write_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table, importing nothing."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, short) for name, (_, short) in self.table.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the epilog unwrapped."""
        del ctx
        _write_epilog(self.epilog, formatter)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete names from the table, importing none of them."""
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=short) for name, (_, short) in self.table.items() if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command named; where none is, show the help, or do what the group does alone."""
        given = super().invoke(ctx)
        if ctx.invoked_subcommand is None and not self.works_alone:
            click.echo(ctx.get_help())
        return given
