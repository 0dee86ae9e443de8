"""`superqode hooks`: the Git hook that keeps a store's sessions from leaving in clear by `git push`."""

from __future__ import annotations

import shlex
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import click

from superqode.cli.exit_codes import ExitCode
from superqode.cli.lazy import Command, LazyGroup, examples
from superqode.cli.options import json_option, open_store, store_option, wants_json
from superqode.cli.output import emit, emit_json, note
from superqode.cli.text import line
from superqode.session.store.hooks import HookState, hook_status, install_hooks, remove_hooks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from superqode.session.store.hooks import HookStatus

__all__ = ["hooks", "install", "remove", "status"]

_COMMANDS: Final = {
    "install": ("superqode.cli.hooks:install", "Put the hook into the store, keeping one that is there."),
    "status": ("superqode.cli.hooks:status", "Say whether the hook guards the store."),
    "remove": ("superqode.cli.hooks:remove", "Take the hook away, and put an earlier one back."),
}

_TOLD: Final = {
    HookState.MISSING: "not installed. `superqode hooks install` puts it there",
    HookState.INSTALLED: "installed",
    HookState.OUTDATED: "older, changed or not executable. `superqode hooks install` renews it",
    HookState.FOREIGN: "another hook. `superqode hooks install` keeps it, to run after superqode's",
}


@click.group(cls=LazyGroup, table=_COMMANDS, epilog=examples("superqode hooks status"))
@store_option
def hooks() -> None:
    """Keep sessions from leaving the store in clear.

    A store is a Git repository, and `git push` in it would send sessions as plain text. The hook pre-push
    lets only shares pass. Every new store has it.
    """


@contextmanager
def _store() -> Iterator[tuple[Path, str | None]]:
    """The store's path, and its `core.hooksPath` as Git sees it."""
    from superqode.session.git.program import config_value

    with open_store(notice=False) as store:
        yield store.path, config_value(store.path, "core.hooksPath")


@click.command("install", cls=Command, epilog=examples("superqode hooks install"))
@store_option
@click.pass_context
def install(ctx: click.Context) -> None:
    """Put the hook into the store, keeping one that is there.

    A hook that was there runs after superqode's. Exit code 3 where Git is told to look for hooks elsewhere.
    """
    with _store() as (path, configured):
        installed = install_hooks(path, configured_hooks_path=configured)
    emit(f"Installed: {line(installed.path)} (version {installed.version})")
    _tell_surroundings(path, installed)
    ctx.exit(ExitCode.OK if installed.guarding else ExitCode.PARTLY)


@click.command("status", cls=Command, epilog=examples("superqode hooks status", "superqode hooks status --json"))
@json_option("the status as in HookStatus, and guarding")
@store_option
def status() -> None:
    """Say whether the hook guards the store."""
    with _store() as (path, configured):
        found = hook_status(path, configured_hooks_path=configured)
    if wants_json():
        emit_json(_plain(found))
        return
    version = f" (version {found.version})" if found.version else ""
    emit(f"{line(found.path)}{version}: {_TOLD[found.state]}")
    _tell_surroundings(path, found)


@click.command("remove", cls=Command, epilog=examples("superqode hooks remove"))
@store_option
def remove() -> None:
    """Take the hook away, and put an earlier one back.

    A hook that is not superqode's stays.
    """
    with _store() as (path, configured):
        before = hook_status(path, configured_hooks_path=configured)
        after = remove_hooks(path, configured_hooks_path=configured)
    shown = line(after.path)
    if before.state is HookState.FOREIGN:
        emit(f"Nothing to remove: {shown} is not superqode's")
    elif after.state is HookState.FOREIGN:
        emit(f"Removed: {shown} is the hook from before again")
    elif before.state is HookState.MISSING:
        emit(f"Nothing to remove: there is no {shown}")
    else:
        emit(f"Removed: {shown}. `git push` can send sessions in clear now")


def _plain(found: HookStatus) -> dict[str, Any]:
    return {**asdict(found), "guarding": found.guarding}


def _tell_surroundings(path: Path, found: HookStatus) -> None:
    """Say what else has a part in it: an earlier hook, and a setting that makes Git look elsewhere."""
    if found.kept:
        runs = "runs after superqode's" if found.version else "does not run"
        note(f"the hook from before is kept as {found.kept} and {runs}")
    if found.shadowed_by:
        here = shlex.quote(str(path.absolute()))
        own = shlex.quote(str(path.absolute() / "hooks"))
        note(
            f"Git does not run this hook, because core.hooksPath is {found.shadowed_by!r}."
            f" `git -C {here} config core.hooksPath {own}` sets it right for this store"
        )
