"""`superqode doctor`: what is well, what is not, what that means, and what to do."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from superqode.cli.exit_codes import ExitCode
from superqode.cli.lazy import Command, examples
from superqode.cli.options import json_option, named_store, store_option, store_path, wants_json
from superqode.cli.output import emit, emit_json, note, style, wrapped
from superqode.cli.progress import progress
from superqode.cli.text import count, line

if TYPE_CHECKING:
    from superqode.session.store.doctor import DoctorReport, Examined, Level

__all__ = ["doctor"]

_COLOURS: Final[dict[Level, str]] = {"ok": "green", "warning": "yellow", "problem": "red"}
_LEVEL: Final = 9
_AREA: Final = 13


@click.command(
    "doctor",
    cls=Command,
    see=("sessions verify", "sessions maintain", "hooks status", "config"),
    epilog=examples(
        "superqode doctor",
        "superqode doctor --fix",
        "superqode doctor --remotes --json",
        "superqode doctor --store /mnt/backup/sessions",
    ),
)
@click.option("--fix", is_flag=True, help="Mend what is always safe to mend: mode, stale locks, index, hook.")
@click.option("--remotes", is_flag=True, help="Also ask every remote whether it answers.")
@json_option(
    "{path, level, findings: [{area, level, found, meaning, remedy, repair}], repaired}",
    "superqode.session.store.doctor:DoctorReport + Diagnosis",
)
@store_option
@click.pass_context
def doctor(ctx: click.Context, fix: bool, remotes: bool) -> None:
    """Look the store and its surroundings over, and say what to do.

    Looks at git, the disk, the config file, the store's owner, mode, format, settings and permissions, its hook,
    locks, refs, the newest save of each session, packs, the journal, the index, times, leftovers and
    remotes. Changes nothing without --fix, but for the mode, which every command sets right; `superqode sessions
    verify` reads every byte.

    Exit code 1 where a problem is left; warnings alone are 0.
    """
    from superqode.session.store.doctor import examine, repair

    own = list(_config())
    path = _path()
    with progress("Looking") as drawn:
        report = examine(path, reach_remotes=remotes, progress=drawn)
        wanted = [finding.repair for finding in report.findings if finding.repair is not None] if fix else []
        if wanted:
            repaired = repair(path, wanted)
            report = replace(examine(path, reach_remotes=remotes, progress=drawn), repaired=repaired)
    report = replace(report, findings=tuple(_with_store(finding) for finding in (*own, *report.findings)))
    if wants_json():
        emit_json({**report.to_dict(), "level": report.level})
    else:
        _tell(report)
    ctx.exit(ExitCode.ERROR if report.level == "problem" else ExitCode.OK)


def _path() -> Path:
    """The store to look at; raises StoreNotFound where one was named and nothing is there."""
    from superqode.session.errors import StoreNotFound
    from superqode.session.store.handle import DEFAULT_STORE

    default = (Path.home() / DEFAULT_STORE).absolute()
    path = (store_path() or default).absolute()
    if path != default and not os.path.lexists(path):
        raise StoreNotFound(path)
    return path


def _config() -> Iterator[Examined]:
    """The config file: whether it can be read, and nobody else can write it."""
    from superqode.cli.config import ConfigError, config_path, go_without, read_config
    from superqode.session.store.doctor import Examined

    path, area = config_path(), "config"
    try:
        found = read_config()
    except ConfigError as reason:
        go_without()
        remedy = "superqode config --help"
        yield Examined(area, "problem", reason.message, "commands that need its values do not work", remedy)
        return
    if not path.is_file():
        yield Examined(area, "ok", f"there is no {path}, and none is needed")
        return
    for key, nearest in found.unknown:
        guess = f"; did you mean {nearest}?" if nearest else ""
        told = f"nobody knows the key {key} in {path}{guess}"
        yield Examined(area, "warning", told, "it has no effect", "superqode config")
    if stat.S_IMODE(path.stat().st_mode) & 0o022:
        meaning = "others can make superqode start a program of theirs as your agent"
        yield Examined(area, "problem", f"others can write {path}", meaning, f"chmod go-w {shlex.quote(str(path))}")
    elif not found.unknown:
        yield Examined(area, "ok", f"{path} is well")


def _with_store(finding: Examined) -> Examined:
    """The same finding, its commands for the store that was named."""
    named = named_store()
    if named is None or "--store" in finding.remedy:
        return finding
    option = f" --store {shlex.quote(str(named))}"
    commands = finding.remedy.split("; ")
    ours = [command + option if command.startswith("superqode ") else command for command in commands]
    return replace(finding, remedy="; ".join(ours))


def _tell(report: DoctorReport) -> None:
    for repaired in report.repaired:
        emit(f"Mended: {repaired}")
    emit(f"{line(report.path)}\n")
    for finding in report.findings:
        emit("\n".join(_lines(finding)))
    levels = [finding.level for finding in report.findings]
    counted = [count(levels.count(level), level) for level in ("problem", "warning") if level in levels]
    emit(f"\n{', '.join(counted) or 'all is well'}")
    if any(finding.repair for finding in report.findings):
        note("`superqode doctor --fix` mends what is always safe to mend")


def _lines(finding: Examined) -> Iterator[str]:
    level = style(finding.level.ljust(_LEVEL), fg=_COLOURS[finding.level], bold=finding.level == "problem")
    indent = _LEVEL + _AREA
    yield f"{level}{finding.area.ljust(_AREA)}{wrapped(line(finding.found), indent)}"
    if finding.meaning:
        yield f"{' ' * indent}{wrapped(line(finding.meaning), indent)}"
    for command in finding.remedy.split("; ") if finding.remedy else ():
        yield f"{' ' * indent}{style('$ ' + line(command), fg='cyan')}"
