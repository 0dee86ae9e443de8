"""Numbers about a store: how much was said and done, when, by whom, with what success, and what it takes of the disk.

They come from the index, so that they are quick where there are ten thousand sessions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import takewhile
from typing import Any, Final, Literal

from superqode.session.git.repository import Repository
from superqode.session.store.disk import DiskUse, disk_use
from superqode.session.store.index.activity import Activity, gather
from superqode.session.store.index.catalogue import Catalogue, Progress
from superqode.session.store.index.filters import Filter
from superqode.session.store.results import Record, SessionSummary

__all__ = ["AgentStats", "Period", "ProjectStats", "StoreStats", "TagStats", "ToolStats", "Unit", "UsageStats", "stats"]

Unit = Literal["day", "week", "month"]

# Up to so many days of a history are told by day, up to so many by week.
_DAYS: Final = 31
_WEEKS: Final = 31 * 7
# Empty periods are listed as well, so that a chart has no gaps; a wrong date must not make thousands of them.
_PERIODS_MAX: Final = 400


@dataclass(frozen=True, slots=True)
class Period(Record):
    """A day, week (from Monday) or month: its first day as `2026-11-22`, and what happened in it."""

    start: str
    sessions: int = 0
    messages: int = 0
    executions: int = 0


@dataclass(frozen=True, slots=True)
class AgentStats(Record):
    """An agent: the sessions it took part in, and what of it was its own."""

    agent: str
    sessions: int
    messages: int
    executions: int


@dataclass(frozen=True, slots=True)
class ProjectStats(Record):
    """A project, by its path."""

    project_path: str
    sessions: int
    messages: int
    executions: int


@dataclass(frozen=True, slots=True)
class ToolStats(Record):
    """A tool: how often it was called, how often that failed, and the share that worked, from 0 to 1."""

    tool: str
    executions: int
    failed: int
    success_rate: float


@dataclass(frozen=True, slots=True)
class TagStats(Record):
    """A tag, and how many sessions have it."""

    tag: str
    sessions: int


@dataclass(frozen=True, slots=True)
class UsageStats(Record):
    """Tokens and US dollars, as far as agents told them: in `sessions` of the sessions."""

    sessions: int
    input_tokens: int
    output_tokens: int
    dollars: float


@dataclass(frozen=True, slots=True)
class StoreStats(Record):
    """What `SessionStore.stats` counts. An entry that several forks share counts once.

    Attributes:
        sessions: how many sessions fit.
        messages: messages in them, in the time asked for.
        executions: tool calls likewise.
        failed: tool calls of these that failed.
        first: when the first of these entries was made, to a quarter of an hour; `None` without any.
        last: when the last one was made, likewise.
        unit: what a period is.
        periods: what happened in each period, oldest first, without gaps (but at most 400).
        agents: by agent, most active first.
        projects: by project, most sessions first.
        tools: by tool, most called first.
        tags: by tag, most used first.
        biggest: the sessions with the most entries.
        usage: tokens and cost.
        disk: what the whole store takes; `None` where there is no store yet.
    """

    sessions: int = 0
    messages: int = 0
    executions: int = 0
    failed: int = 0
    first: datetime | None = None
    last: datetime | None = None
    unit: Unit = "day"
    periods: tuple[Period, ...] = ()
    agents: tuple[AgentStats, ...] = ()
    projects: tuple[ProjectStats, ...] = ()
    tools: tuple[ToolStats, ...] = ()
    tags: tuple[TagStats, ...] = ()
    biggest: tuple[SessionSummary, ...] = ()
    usage: UsageStats = UsageStats(0, 0, 0, 0.0)
    disk: DiskUse | None = None


def stats(
    repository: Repository,
    catalogue: Catalogue,
    wanted: Filter,
    *,
    unit: Unit | None,
    biggest: int,
    progress: Progress | None,
) -> StoreStats:
    """Count; see `SessionStore.stats`."""
    told = gather(catalogue, wanted, progress)
    return StoreStats(
        sessions=len(told.made),
        **_entries(told.activity),
        **_periods(told.activity, told.made, unit),
        agents=tuple(_agents(told.activity, told.agents)),
        projects=tuple(ProjectStats(*row) for row in told.projects),
        tools=tuple(_tools(told.activity)),
        tags=tuple(TagStats(*item) for item in _most(told.tags)),
        biggest=tuple(catalogue.summaries(wanted, biggest, biggest=True)),
        usage=_usage(*told.usage),
        disk=disk_use(repository.path),
    )


def _entries(found: Sequence[Activity]) -> dict[str, Any]:
    starts = [item.start for item in found]
    return {
        "messages": sum(item.count for item in found if not item.call),
        "executions": sum(item.count for item in found if item.call),
        "failed": sum(item.failed for item in found),
        "first": min(starts, default=None),
        "last": max(starts, default=None),
    }


def _day(moment: datetime) -> date:
    try:
        return moment.astimezone().date()
    except (OverflowError, ValueError, OSError):  # the first and last days of the calendar have no other zone
        return moment.date()


def _begin(day: date, unit: Unit) -> date:
    if unit == "month":
        return day.replace(day=1)
    if unit == "week":
        return day - timedelta(days=min(day.weekday(), day.toordinal() - 1))
    return day


def _following(start: date, unit: Unit) -> Iterator[date]:
    """The beginnings of periods from one on, as far as the calendar goes."""
    while True:
        yield start
        try:
            start = _begin(start + timedelta(days={"day": 1, "week": 7, "month": 31}[unit]), unit)
        except OverflowError:
            return


def _periods(found: Sequence[Activity], made: Sequence[datetime], unit: Unit | None) -> dict[str, Any]:
    days = [_day(item.start) for item in found]
    span = (max(days) - min(days)).days if days else 0
    chosen: Unit = unit or ("day" if span < _DAYS else "week" if span < _WEEKS else "month")
    messages, calls = Counter[date](), Counter[date]()
    for item, day in zip(found, days, strict=True):
        (calls if item.call else messages)[_begin(day, chosen)] += item.count
    begun = Counter(_begin(_day(moment), chosen) for moment in made)
    starts = sorted(messages.keys() | calls.keys())[-_PERIODS_MAX:]
    if starts:
        whole = list(takewhile(lambda start: start <= starts[-1], _following(starts[0], chosen)))[:_PERIODS_MAX]
        # Dates far apart (one of them is wrong) are told without the empty years between.
        starts = whole if whole[-1] == starts[-1] else starts
    periods = (Period(start.isoformat(), begun[start], messages[start], calls[start]) for start in starts)
    return {"unit": chosen, "periods": tuple(periods)}


def _agents(found: Iterable[Activity], sessions: dict[str, int]) -> Iterator[AgentStats]:
    messages, calls = Counter[str](), Counter[str]()
    for item in found:
        if item.agent:
            (calls if item.call else messages)[item.agent] += item.count
    active = messages + calls
    for name in sorted(sessions.keys() | active.keys(), key=lambda name: (-active[name], name)):
        yield AgentStats(name, sessions.get(name, 0), messages[name], calls[name])


def _tools(found: Iterable[Activity]) -> Iterator[ToolStats]:
    calls, failed = Counter[str](), Counter[str]()
    for item in found:
        if item.call:
            calls[item.tool] += item.count
            failed[item.tool] += item.failed
    for tool, count in _most(calls):
        yield ToolStats(tool, count, failed[tool], (count - failed[tool]) / count)


def _usage(received: int, sent: int, dollars: float, sessions: int) -> UsageStats:
    return UsageStats(sessions, received, sent, round(dollars, 6))


def _most(counted: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counted.items(), key=lambda item: (-item[1], item[0]))
