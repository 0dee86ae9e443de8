"""What is typed to narrow the list."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session.store.results import SessionSummary
from superqode.tui.filtering import Facet, facets, haystack, narrow, read_filter, with_facet

_DAY = datetime(2026, 11, 22, tzinfo=UTC)


def _summary(number, **fields):
    told = {"title": "", "project_path": "", "agents_used": (), "tags": (), "parent_session_id": None} | fields
    return SessionSummary(
        id=f"s-{number}", created_at=_DAY, updated_at=_DAY, message_count=0, execution_count=0, tip="", **told
    )


SESSIONS = [
    _summary(0, title="Größe", project_path="/home/ada/My Shop", tags=("a b", "c"), agents_used=("codex",)),
    _summary(1, title="tag:c is no tag", project_path="/home/ada/parser", tags=("d",), agents_used=("gemini", "codex")),
]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("", [0, 1]),
        ("GRÖSSE", [0]),
        ("s-1", [1]),
        ("tag:c", [0]),
        ('tag:"a b"', [0]),
        ('tag:"a b', [0]),
        ("o'brien", []),
        ("agent:codex agent:gem", [1]),
        ('project:"my shop"', [0]),
        ("project:", [0, 1]),
        ("nothing", []),
    ],
)
def test_a_filter_asks_for_all_it_says(typed, expected):
    """Words and values are parts, whatever their case; a quote still open and a kind without value ask nothing odd."""
    found = narrow(SESSIONS, [haystack(summary) for summary in SESSIONS], read_filter(typed))

    assert [int(summary.id[2:]) for summary in found] == expected


@given(st.text(max_size=60))
def test_any_text_is_a_filter(typed):
    """Nothing that is typed is an error."""
    narrow(SESSIONS, [haystack(summary) for summary in SESSIONS], read_filter(typed))


@given(st.text(alphabet="ab '\"\\:#", min_size=1, max_size=8))
def test_a_picked_value_finds_its_sessions(value):
    """What picking a facet puts into the filter finds just the sessions that have the value, whatever is in it."""
    sessions = [_summary(0, tags=(value,)), _summary(1)]
    typed = with_facet("tag:other", Facet("tag", value, 1))

    found = narrow(sessions, [haystack(summary) for summary in sessions], read_filter(typed))

    assert [summary.id for summary in found] == ["s-0"]


def test_facets_are_counted():
    """Each project, tag and agent comes once, the most frequent of its kind first."""
    told = [(facet.kind, facet.value, facet.sessions) for facet in facets(SESSIONS) if facet.kind == "agent"]

    assert told == [("agent", "codex", 2), ("agent", "gemini", 1)]
