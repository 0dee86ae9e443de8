"""`stats`: a store in numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

import click

from superqode.cli.lazy import Command, examples
from superqode.cli.options import json_option, open_store, store_option, wants_json
from superqode.cli.output import Column, emit, emit_json, note, on_terminal, table
from superqode.cli.progress import progress
from superqode.cli.sessions.filters import filters
from superqode.cli.text import count, size
from superqode.cli.times import local

if TYPE_CHECKING:
    from superqode.session.store.disk import DiskUse
    from superqode.session.store.stats import Period, StoreStats, Unit

__all__ = ["stats"]

_BAR: Final = 24
_PERIODS_SHOWN: Final = 31


@click.command(
    "stats",
    cls=Command,
    see=("sessions list", "sessions maintain", "doctor"),
    epilog=examples(
        "superqode sessions stats",
        "superqode sessions stats --since 30d --by day",
        "superqode sessions stats --agent codex --top 5",
        "superqode sessions stats --json",
    ),
)
@filters
@click.option(
    "--by", "unit", type=click.Choice(("day", "week", "month")), help="What a bar stands for; without it, what fits."
)
@click.option(
    "--top",
    metavar="N",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="How many agents, projects, tools, tags and sessions to name.",
)
@json_option(
    "the numbers as in StoreStats; all of them, but --top sessions", "superqode.session.store.stats:StoreStats"
)
@store_option
def stats(
    *,
    project: str | None,
    tags: Sequence[str],
    agent: str | None,
    since: datetime | None,
    until: datetime | None,
    unit: Unit | None,
    top: int,
) -> None:
    """Count what is here: by time, agent, project, tool, tag; the disk.

    An entry that several forks share counts once. Tokens and cost are sums of what agents wrote down; many write
    nothing. With --since or --until only what was said and done in that time counts.
    """
    with open_store() as store, progress("Counting") as drawn:
        found = store.stats(
            project_path=project,
            tags=list(tags) or None,
            agent=agent,
            since=since,
            until=until,
            unit=unit,
            biggest=top,
            progress=drawn,
        )
    if wants_json():
        emit_json(found.to_dict())
    elif found.sessions:
        _tell(found, top)
    else:
        note("no sessions here")


def _tell(found: StoreStats, top: int) -> None:
    emit("\n".join(_head(found)))
    if found.periods:
        _chart(found)
    _ranking(
        ("AGENT", "SESSIONS", "MESSAGES", "TOOL CALLS"),
        [(one.agent, one.sessions, one.messages, one.executions) for one in found.agents],
        top,
    )
    _ranking(
        ("PROJECT", "SESSIONS", "MESSAGES", "TOOL CALLS"),
        [(one.project_path or "(none)", one.sessions, one.messages, one.executions) for one in found.projects],
        top,
    )
    _ranking(
        ("TOOL", "CALLS", "FAILED", "SUCCESS"),
        [(one.tool, one.executions, one.failed, f"{one.success_rate:.0%}") for one in found.tools],
        top,
    )
    _ranking(("TAG", "SESSIONS"), [(one.tag, one.sessions) for one in found.tags], top)
    emit("")
    columns = (
        Column("BIGGEST", style="cyan"),
        Column("TITLE", flexible=True),
        *_numbers("MESSAGES", "TOOL CALLS", spare=1),
    )
    table(columns, [(one.id, one.title, one.message_count, one.execution_count) for one in found.biggest])
    if found.disk is not None:
        _disk(found.disk)


def _head(found: StoreStats) -> Iterable[str]:
    failed = f" ({found.failed:,} failed)" if found.failed else ""
    counts = count(found.sessions, "session"), count(found.messages, "message"), count(found.executions, "tool call")
    yield f"{', '.join(counts)}{failed}"
    if found.first is not None and found.last is not None:
        yield f"from {local(found.first, day=True)} to {local(found.last, day=True)}"
    used = found.usage
    if used.sessions:
        cost = f", ${used.dollars:,.2f}" if used.dollars else ""
        told = count(used.sessions, "session")
        yield f"{used.input_tokens:,} tokens in, {used.output_tokens:,} out{cost} (as {told} told)"


def _numbers(*names: str, spare: int = 0) -> tuple[Column, ...]:
    return tuple(Column(name, right=True, spare=spare and spare + place) for place, name in enumerate(names))


def _chart(found: StoreStats) -> None:
    """What happened in each period, as numbers, and as bars where people see them."""
    shown = found.periods[-_PERIODS_SHOWN:]
    most = max(period.messages + period.executions for period in shown)
    bars = (Column("", style="green"),) if on_terminal() else ()
    columns = (Column(found.unit.upper()), *_numbers("BEGUN", "MESSAGES", "TOOL CALLS"), *bars)
    emit("")
    table(columns, [_period(period, most, found.unit)[: len(columns)] for period in shown])
    if len(shown) < len(found.periods):
        note(f"{len(found.periods) - len(shown)} earlier periods are not shown; --json has them")


def _period(period: Period, most: int, unit: Unit) -> tuple[object, ...]:
    happened = period.messages + period.executions
    # The smallest bar is half a block: something happened.
    halves = max(1, round(2 * _BAR * happened / most)) if happened else 0
    bar = "█" * (halves // 2) + "▌" * (halves % 2)
    start = period.start[:7] if unit == "month" else period.start
    return start, f"{period.sessions:,}", f"{period.messages:,}", f"{period.executions:,}", bar


def _ranking(names: Sequence[str], rows: Sequence[tuple[object, ...]], top: int) -> None:
    if not rows:
        return
    emit("")
    cells = [(row[0], *(f"{cell:,}" if isinstance(cell, int) else cell for cell in row[1:])) for row in rows[:top]]
    table((Column(names[0], style="cyan", flexible=True), *_numbers(*names[1:])), cells)
    if len(rows) > top:
        note(f"{len(rows) - top} more; --top {len(rows)} names them")


def _disk(found: DiskUse) -> None:
    parts = [
        ("packs", found.packs),
        ("loose objects", found.loose),
        ("refs", found.refs),
        ("index", found.index),
        ("kept originals", found.sources),
        ("all", found.total),
    ]
    emit("")
    rows = [(name, f"{part.count:,}", size(part.bytes)) for name, part in parts if part is not None and part.count]
    table((Column("DISK"), *_numbers("NUMBER", "SIZE")), rows)
