"""`superqode hooks`: the Git hooks of a store and of a team's own Git server, and the hooks of coding agents."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from superqode.cli.agent_hooks import agent_option, agent_states, change_agents, tell_agents
from superqode.cli.exit_codes import ExitCode
from superqode.cli.lazy import Command, LazyGroup, examples
from superqode.cli.options import json_option, named_store, open_store, store_option, wants_json
from superqode.cli.output import emit, emit_json, note
from superqode.cli.params import expanded
from superqode.cli.text import line
from superqode.session.store.hooks import (
    HookState,
    hook_status,
    install_hooks,
    install_server_hooks,
    remove_hooks,
    remove_server_hooks,
    server_hook_status,
    tune_server,
)

if TYPE_CHECKING:
    from superqode.session.store.hooks import HookStatus, ServerHooks

__all__ = ["hooks", "install", "remove", "status"]

F = TypeVar("F", bound=Callable[..., Any])

_COMMANDS: Final = {
    "install": ("superqode.cli.hooks:install", "Put the hooks in place, keeping those that are there."),
    "status": ("superqode.cli.hooks:status", "Say whether the hooks guard the store, or a server."),
    "remove": ("superqode.cli.hooks:remove", "Take the hooks away, and put earlier ones back."),
}

_TOLD: Final = {
    HookState.MISSING: "not installed. `{install}` puts it there",
    HookState.INSTALLED: "installed",
    HookState.OUTDATED: "older, changed or not executable. `{install}` renews it",
    HookState.FOREIGN: "another hook. `{install}` keeps it, to run after superqode's",
}

_SHAPE: Final = (
    "for a store HookStatus and guarding; with --server ServerHooks and guarding, each hook likewise; of agents"
    " an array of AgentHook, and last_error"
)

# What a server's owner may set; `hooks/server/pre-receive` reads these.
_SETTINGS: Final = """
Settings of the server's repository, with `git config`:
  superqode.onlyShares         refuse every other ref (false)
  superqode.maxShareBytes      the size of a share (2g)
  superqode.maxObjectBytes     the size of an object (1m; public shares: twice that)
  superqode.maxDays            how long a share may live (no limit)
  superqode.maxSharesPerOwner  how many one person may have (no limit)
  superqode.allowDelete        let everybody delete every share (false)
  superqode.pruneExpired       drop the objects of expired shares, too (false)
"""


def _server_option(function: F) -> F:
    return click.option(
        "--server",
        "server",
        metavar="PATH",
        type=click.Path(path_type=Path),
        help="A bare repository on a Git server (plain, gitolite, Gitea, GitLab), instead of the store.",
    )(function)


@click.group(cls=LazyGroup, table=_COMMANDS, epilog=examples("superqode hooks status"))
@store_option
def hooks() -> None:
    """Guard a store or a server, and have agents report each turn.

    A store is a Git repository, and `git push` in it would send sessions as plain text. The hook pre-push
    lets only shares pass. Every new store has it.

    On your own Git server pre-receive lets only well-formed shares in, and nobody overwrite or delete another's;
    post-receive deletes what has expired. Every other ref passes.

    With --agent the settings of a coding agent are edited instead: after each turn it tells superqode, which brings
    that session in, as `superqode sessions rescue` does. The agent does not wait for it, and sees nothing of it.
    """


@click.command(
    "install",
    cls=Command,
    see=("hooks status", "hooks remove"),
    codes=(ExitCode.PARTLY,),
    epilog=examples(
        "superqode hooks install",
        "superqode hooks install --agent claude-code --agent codex",
        "superqode hooks install --server /srv/git/team.git",
    )
    + _SETTINGS,
)
@_server_option
@agent_option
@json_option(_SHAPE, "HookShown | ServerShown | AgentHookShown[]")
@store_option
@click.pass_context
def install(ctx: click.Context, server: Path | None, agents: tuple[str, ...]) -> None:
    """Put the hooks in place, keeping those that are there.

    A hook that was there runs after superqode's. Exit code 3 where Git is told to look for hooks elsewhere.

    On a server two of Git's own settings are made, where nothing is set: uploadpack.allowFilter, with which a list of
    shares leaves their content out, and core.alternateRefsPrefixes, without which a push reads every ref twice.

    With --agent: the agent's own settings get one entry; what they hold besides stays as it is written. A
    program that Codex notified before is still notified.
    """
    if agents:
        change_agents(ctx, agents, server, "install")
        return
    path, found, guarding = _do(server, install_hooks, install_server_hooks)
    tuned = tune_server(path) if server is not None else []
    if not wants_json():
        for hook in found:
            emit(f"Installed: {line(hook.path)} (version {hook.version})")
        _tell_surroundings(path, found)
        for setting in tuned:
            note(f"set {setting}, which many shares need")
        if server is not None:
            cron = shlex.join([found[-1].path, "--expire", str(path)])
            note(f"expired shares go with the next push of one; `{cron}` in cron takes them away in time")
    ctx.exit(ExitCode.OK if guarding else ExitCode.PARTLY)


@click.command(
    "status",
    cls=Command,
    see=("hooks install", "doctor"),
    epilog=examples("superqode hooks status", "superqode hooks status --server /srv/git/team.git --json"),
)
@_server_option
@json_option(_SHAPE, "HookShown + AgentsShown | ServerShown")
@store_option
def status(server: Path | None) -> None:
    """Say whether the hooks guard the store, or a server."""
    states = agent_states() if server is None else None
    path, found, _ = _do(server, hook_status, server_hook_status, more=states.to_dict() if states is not None else {})
    if wants_json():
        return
    command = "superqode hooks install"
    command += f" --server {shlex.quote(str(server))}" if server is not None else ""
    for hook in found:
        version = f" (version {hook.version})" if hook.version else ""
        emit(f"{line(hook.path)}{version}: {_TOLD[hook.state].format(install=line(command))}")
    _tell_surroundings(path, found)
    if states is not None:
        tell_agents(states)


@click.command(
    "remove",
    cls=Command,
    see=("hooks status", "hooks install"),
    epilog=examples(
        "superqode hooks remove",
        "superqode hooks remove --agent claude-code",
        "superqode hooks remove --server /srv/git/team.git",
    ),
)
@_server_option
@agent_option
@json_option(_SHAPE, "HookShown | ServerShown | AgentHookShown[]")
@store_option
@click.pass_context
def remove(ctx: click.Context, server: Path | None, agents: tuple[str, ...]) -> None:
    """Take the hooks away, and put earlier ones back.

    A hook that is not superqode's stays. What a server recorded of owners stays, too. With --agent, the agent's
    settings are again what they were; where they were changed since, only superqode's entry goes.
    """
    if agents:
        change_agents(ctx, agents, server, "remove")
        return
    before = {hook.path: hook for hook in _do(server, hook_status, server_hook_status, quiet=True)[1]}
    _, found, _ = _do(server, remove_hooks, remove_server_hooks)
    if wants_json():
        return
    for after in found:
        shown = line(after.path)
        if before[after.path].state is HookState.FOREIGN:
            emit(f"Nothing to remove: {shown} is not superqode's")
        elif after.state is HookState.FOREIGN:
            emit(f"Removed: {shown} is the hook from before again")
        elif before[after.path].state is HookState.MISSING:
            emit(f"Nothing to remove: there is no {shown}")
        else:
            open_now = (
                "`git push` can send sessions in clear now" if server is None else "The server takes any share now"
            )
            emit(f"Removed: {shown}" + (f". {open_now}" if after.path.endswith(("pre-push", "pre-receive")) else ""))


def _do(
    server: Path | None,
    with_store: Callable[..., HookStatus],
    with_server: Callable[..., ServerHooks],
    *,
    quiet: bool = False,
    more: Mapping[str, Any] | None = None,
) -> tuple[Path, Sequence[HookStatus], bool]:
    """Call the library for the store, or for a server's repository, and print what it found where JSON is wanted.

    Returns:
        The repository, its hooks, and whether they guard it.
    """
    from superqode.session.git.program import config_value

    key = "core.hooksPath"
    found: Sequence[HookStatus]
    if server is None:
        with open_store(notice=False) as store:
            path = store.path
            hook = with_store(path, configured_hooks_path=config_value(path, key))
        found, guarding, told = [hook], hook.guarding, _plain(hook)
    else:
        if named_store() is not None:
            raise click.UsageError("--store and --server are two places: give one of them")
        path = expanded(server)
        every = with_server(path, configured_hooks_path=config_value(path, key))
        found, guarding = every.hooks, every.guarding
        told = {**asdict(every), "hooks": [_plain(hook) for hook in found], "guarding": guarding}
    if wants_json() and not quiet:
        emit_json({**told, **(more or {})})
    return path, found, guarding


def _plain(found: HookStatus) -> dict[str, Any]:
    return {**asdict(found), "guarding": found.guarding}


def _tell_surroundings(path: Path, found: Sequence[HookStatus]) -> None:
    """Say what else has a part in it: earlier hooks, and a setting that makes Git look elsewhere."""
    for hook in found:
        if hook.kept:
            runs = "runs after superqode's" if hook.version else "does not run"
            note(f"the hook from before is kept as {hook.kept} and {runs}")
    shadowed_by = next((hook.shadowed_by for hook in found if hook.shadowed_by), "")
    if shadowed_by:
        here = shlex.quote(str(path.absolute()))
        own = shlex.quote(str(path.absolute() / "hooks"))
        what, where = ("this hook", "store") if len(found) == 1 else ("these hooks", "repository")
        note(
            f"Git does not run {what}, because core.hooksPath is {shadowed_by!r}."
            f" `git -C {here} config core.hooksPath {own}` sets it right for this {where}"
        )
