"""The command line, `superqode`: options, one library call, output.

| module | what it knows |
|---|---|
| `lazy` | groups that list their commands from a static table and import one only when it runs |
| `environment` | the variables that are read |
| `exit_codes` | which error gives which exit code, and nothing else does |
| `common` | `--quiet`, `--yes`, `--colour`: what every command has |
| `config` | the config file and the environment, with one precedence |
| `failures` | how an error is told: one line on stderr, or JSON, never a traceback |
| `options` | what commands share: `--store`, `--json`, ids with completion, opening the store |
| `completing`, `completion` | what a shell may complete; `superqode completion` and its script |
| `asking` | questions that end with yes or no |
| `params` | what people type for times, ages, projects and revisions |
| `text` | text from outside made safe for a terminal |
| `output` | stdout: JSON, tables, the pager; stderr: notes |
| `progress` | a progress bar on stderr, on a terminal, after a second |
| `sessions/` | `superqode sessions …`, one module for each handful of related commands |
| `share/` | `superqode share …`, its passwords and what is never printed |
| `sync/` | `superqode sync …` |
| `qe/` | `superqode qe …` |
| `ops` | `superqode ops`, and how to say that something can be taken back |
| `remote`, `hooks` | `superqode remote …`, `superqode hooks …` |
| `documents`, `schemas`, `schema` | what `--json` prints: its types, JSON Schemas of them, `superqode schema` |
| `configured`, `doctor` | `superqode config`, `superqode doctor` |
| `record`, `tui` | `superqode record`, `superqode tui` |
| `agent_homes`, `agent_hooks` | where agents keep things on this machine; `superqode hooks … --agent` |
| `stopping` | work that goes on until Ctrl-C |
| `demo` | `superqode demo` |

`superqode --help` imports click and nothing heavier, so that help and shell completion are instant; lists, searches and
completion of ids load neither pydantic nor libgit2 where the index answers.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Sequence
from typing import Any, Final

import click

from superqode import __version__
from superqode.cli import environment
from superqode.cli.exit_codes import help_lines
from superqode.cli.lazy import LazyGroup, examples, help_width
from superqode.cli.options import JSON_FLAG, store_option

__all__ = ["main"]

# What lives until the end of a process goes with it: looking it all over for cycles took a tenth of a short command.
atexit.register(gc.freeze)

_COMMANDS: Final = {
    "sessions": ("superqode.cli.sessions:sessions", "Keep, read, search, fork and undo sessions."),
    "share": ("superqode.cli.share:share", "Hand sessions to others through any Git remote."),
    "ops": ("superqode.cli.ops:ops", "List what moved or removed sessions, and take it back."),
    "remote": ("superqode.cli.remote:remote", "Say where shares travel to."),
    "sync": ("superqode.cli.sync:sync", "Keep the stores of your own machines alike, through any Git remote."),
    "serve": ("superqode.cli.serve:serve", "Show the store in a browser of this machine, to read only."),
    "qe": ("superqode.cli.qe:qe", "Run a project's own checks on a copy, and keep what they find."),
    "hooks": ("superqode.cli.hooks:hooks", "Guard a store or a server, and have agents report each turn."),
    "doctor": ("superqode.cli.doctor:doctor", "Look the store and its surroundings over, and say what to do."),
    "completion": ("superqode.cli.completion:completion", "Print the script that makes a shell complete superqode."),
    "config": ("superqode.cli.configured:config", "Show what is configured, and where each value comes from."),
    "schema": ("superqode.cli.schema:schema", "Print the JSON Schema of what a command prints with --json."),
    "record": ("superqode.cli.record:record", "Record what any ACP agent and its client say."),
    "tui": ("superqode.cli.tui:tui", "Find, read, continue and share sessions on one screen."),
    "demo": ("superqode.cli.demo:demo", "Show the whole thing on a small real session."),
}


class _Root(LazyGroup):
    """The outermost group: whatever goes wrong below leaves here as one line and an exit code."""

    def main(self, args: Sequence[str] | None = None, *positional: Any, **options: Any) -> Any:
        given = list(sys.argv[1:] if args is None else args)
        # Asked of the words themselves: an error may come before any option was read.
        as_json = JSON_FLAG in given[: given.index("--")] if "--" in given else JSON_FLAG in given
        if os.environ.get("_SUPERQODE_COMPLETE", "").startswith("bash"):
            from click.shell_completion import add_completion_class

            from superqode.cli.completion import Bash

            add_completion_class(Bash)
        options |= {"standalone_mode": False, "terminal_width": help_width()}
        try:
            code = super().main(args, *positional, **options)
        except (Exception, KeyboardInterrupt) as problem:  # noqa: BLE001 - the last line: no traceback reaches a user
            from superqode.cli.failures import report
            from superqode.cli.share.masking import hide_secrets

            code = report(hide_secrets(problem), as_json=as_json)
        sys.exit(code if isinstance(code, int) else 0)


@click.group(
    cls=_Root,
    table=_COMMANDS,
    epilog=examples(
        "superqode demo",
        "superqode sessions import ~/.codex ~/.claude",
        "superqode sessions list",
        "superqode sessions show @latest",
    )
    + "\n"
    + environment.help_lines()
    + "\n"
    + help_lines(),
)
@click.version_option(__version__, prog_name="superqode")
@store_option
def main() -> None:
    """Agent sessions kept in Git: every session a branch, every save a commit.

    A session is named by its id, by the beginning of its id, by its whole title, or by @latest.
    """
