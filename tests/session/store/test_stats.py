"""Numbers about a store: every entry once, in the right period, and only what is really there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session import Session
from superqode.session.store.disk import disk_use
from superqode.session.store.usage import Usage, usage_of


def _worked(store, session_id: str, day: datetime, **fields) -> Session:
    """A session of one question, one answer with usage, a call that worked and one that failed, on a day."""
    session = Session(id=session_id, created_at=day, **fields)
    session.add_message("user", "Please")
    session.add_message(
        "assistant", "Done", agent_name="codex", metadata={"usage": {"input": 100, "output": 7, "cost": 0.5}}
    )
    session.add_tool_execution("bash", {"n": 1}, "ok", success=True, agent_name="codex")
    session.add_tool_execution("bash", {"n": 2}, "no", success=False, agent_name="codex")
    store.save(session)
    return session


def test_an_empty_store_has_empty_numbers(store) -> None:
    """No store yet: zeros, no periods, no disk."""
    found = store.stats()
    assert (found.sessions, found.messages, found.periods, found.disk, found.first) == (0, 0, (), None, None)


def test_everything_is_counted(store, still_clock) -> None:
    """Totals, agents, projects, tools with their success, tags and usage are those of what was saved."""
    _worked(store, "a", still_clock(), project_path="/p", tags=["x", "y"])
    _worked(store, "b", still_clock(), project_path="/q", tags=["x"])
    found = store.stats()
    assert (found.sessions, found.messages, found.executions, found.failed) == (2, 4, 4, 2)
    assert [one.to_dict() for one in found.agents] == [
        {"agent": "codex", "sessions": 2, "messages": 2, "executions": 4}
    ]
    assert {one.project_path: (one.sessions, one.messages, one.executions) for one in found.projects} == {
        "/p": (1, 2, 2),
        "/q": (1, 2, 2),
    }
    assert [(one.tool, one.executions, one.failed, one.success_rate) for one in found.tools] == [("bash", 4, 2, 0.5)]
    assert [(one.tag, one.sessions) for one in found.tags] == [("x", 2), ("y", 1)]
    assert found.usage.to_dict() == {"sessions": 2, "input_tokens": 200, "output_tokens": 14, "dollars": 1.0}
    assert [one.id for one in found.biggest] == ["a", "b"]
    assert found.disk is not None
    assert found.disk.loose.count > 0


def test_what_forks_share_counts_once(store, still_clock) -> None:
    """A fork adds what is said in it, not what it began with; a deleted session takes its numbers along."""
    _worked(store, "a", still_clock())
    forked = store.fork("a", new_id="b")
    forked.add_message("user", "More")
    store.save(forked)
    found = store.stats()
    assert (found.sessions, found.messages, found.executions) == (2, 3, 2)
    store.delete("a")
    assert (store.stats().sessions, store.stats().messages) == (1, 3)
    store.delete("b")
    assert (store.stats().sessions, store.stats().messages, store.stats().tools) == (0, 0, ())


def test_periods_have_no_gaps_and_suit_the_span(store, still_clock) -> None:
    """A few days by day, months by week, years by month; each period begins where the one before ends."""
    _worked(store, "a", still_clock())
    still_clock.advance(days=3)
    _worked(store, "b", still_clock())
    found = store.stats()
    assert (found.unit, [period.messages for period in found.periods]) == ("day", [2, 0, 0, 2])
    assert [period.sessions for period in found.periods] == [1, 0, 0, 1]
    still_clock.advance(days=80)
    _worked(store, "c", still_clock())
    weeks = [datetime.fromisoformat(period.start) for period in store.stats().periods]
    assert store.stats().unit == "week"
    assert {day.weekday() for day in weeks} == {0}
    assert {after - before for before, after in zip(weeks, weeks[1:], strict=False)} == {timedelta(days=7)}
    still_clock.advance(days=700)
    _worked(store, "d", still_clock())
    assert store.stats().unit == "month"
    assert {period.start[8:] for period in store.stats().periods} == {"01"}
    assert sum(period.executions for period in store.stats(unit="week").periods) == 8


def test_a_wrong_date_does_not_make_thousands_of_periods(store, still_clock) -> None:
    """A message from the year 1, or 9999, is one more period, whatever the unit."""
    _worked(store, "a", still_clock())
    still_clock.moment = datetime(1, 1, 1, 0, 5, tzinfo=UTC)
    old = store.load("a")
    old.add_message("user", "old")
    still_clock.moment = datetime(9999, 12, 31, 23, 55, tzinfo=UTC)
    old.add_message("user", "far")
    store.save(old)
    for unit in ("day", "week", "month"):
        found = store.stats(unit=unit)
        assert len(found.periods) <= 400
        assert sum(period.messages for period in found.periods) == 4


def test_filters_choose_sessions_and_their_time(store, still_clock) -> None:
    """By project, tag and agent as in listings; since and until also leave out entries of other times."""
    session = _worked(store, "a", still_clock(), project_path="/p", tags=["x"])
    still_clock.advance(days=10)
    session.add_message("user", "Again")
    store.save(session)
    _worked(store, "b", still_clock(), project_path="/q")
    assert store.stats(project_path="/p").messages == 3
    assert store.stats(tags=["x"]).sessions == 1
    assert store.stats(agent="nobody").sessions == 0
    lately = store.stats(since=still_clock() - timedelta(days=1))
    assert (lately.sessions, lately.messages, lately.usage.sessions) == (2, 3, 1)


def test_a_session_tells_usage_where_its_messages_do_not(store) -> None:
    """The session's own count stands in, and is not added to that of its messages."""
    session = Session(id="a", metadata={"usage": {"input_tokens": 11, "output_tokens": 2}})
    session.add_message("user", "hi")
    store.save(session)
    assert store.stats().usage.to_dict() == {"sessions": 1, "input_tokens": 11, "output_tokens": 2, "dollars": 0.0}
    session.add_message("assistant", "ho", metadata={"usage": {"input": 5, "output": 1}})
    store.save(session)
    assert store.stats().usage.to_dict() == {"sessions": 1, "input_tokens": 5, "output_tokens": 1, "dollars": 0.0}


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ({}, Usage()),
        ({"usage": {"input_tokens": 3, "output_tokens": 4}}, Usage(3, 4)),
        ({"usage": {"promptTokenCount": 3, "candidatesTokenCount": 4}}, Usage(3, 4)),
        ({"acp": {"usage": {"inputTokens": 1, "cost": {"amount": 0.5, "currency": "USD"}}}}, Usage(1, None, 0.5)),
        ({"usage": {"input": 1, "cost": {"amount": 0.5, "currency": "EUR"}}}, Usage(1)),
        ({"usage": {"input": -1, "output": True, "cost": float("inf")}}, Usage()),
        ({"usage": {"input": 10**30, "cost": "much"}}, Usage()),
        ({"usage": 3, "acp": []}, Usage()),
    ],
)
def test_usage_is_read_in_each_agents_words(metadata, told) -> None:
    """What an agent wrote is taken where it is a count; anything else is nothing."""
    assert usage_of(metadata) == told


@given(
    st.dictionaries(
        st.sampled_from(["usage", "acp"]),
        st.recursive(
            st.none() | st.integers() | st.floats() | st.text(),
            lambda inner: st.dictionaries(st.sampled_from(["usage", "input", "cost", "amount"]), inner),
        ),
    )
)
def test_no_metadata_spoils_a_sum(metadata) -> None:
    """Whatever stands there, what comes out can be added."""
    found = usage_of(metadata)
    assert all(
        value is None or 0 <= value <= 10**12 for value in (found.input_tokens, found.output_tokens, found.dollars)
    )


def test_the_disk_is_measured_part_by_part(store, store_path: Path, git) -> None:
    """The parts are there, the whole is their sum and more, and packing moves bytes from loose to packs."""
    session = Session(id="a")
    for number in range(20):
        session.add_message("user", f"number {number}")
        store.save(session)
    before = disk_use(store_path)
    assert before.packs.count == 0
    assert before.loose.count > 20
    assert before.refs.count > 0
    parts = (before.refs, before.packs, before.loose, before.index)
    assert before.total.bytes > sum(part.bytes for part in parts)
    assert before.free > 0
    assert before.sources is not None
    assert before.sources.count == 0
    store.maintain()
    after = disk_use(store_path)
    assert after.packs.bytes > 0
    assert after.loose.count < before.loose.count
    git("update-ref", "refs/superqode/sources/x", git("hash-object", "-w", "--stdin", stdin="original " * 1000))
    kept = disk_use(store_path).sources
    assert kept is not None
    assert kept.count == 1
    assert 0 < kept.bytes < 9000
