"""What hypothesis draws from: JSON values, text as nasty as transcripts are, entries, whole sessions, hostile ids."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st

from superqode.session.models import Message, MessageRole, Session, ToolExecution

__all__ = [
    "entries",
    "executions",
    "hostile_ids",
    "json_objects",
    "json_values",
    "messages",
    "moments",
    "session_ids",
    "sessions",
    "texts",
]

_NASTY = (
    "",
    "\0",
    "a\0b",
    "\r\n line \u2028 line \u2029 line \x85",
    "\ud800",
    "\udfff\ud800",
    "half \ud83d of a pair",
    "\U0001f600 \U00020000",
    "e\u0301 \u00e9 \ufeff",
    "SQL注入 データベース",
    "Superqode-Session: somebody-else\n\nSuperqode-Messages: 9 +9",
    "*** Add File: x\n",
    "é" * 5_000,
)

texts = st.one_of(
    st.sampled_from(_NASTY),
    st.text(st.characters(codec=None, exclude_categories=()), max_size=40),
    # Around the size from which text stands beside its entry: characters of one to four bytes.
    st.builds(lambda unit, count: unit * count, st.sampled_from("aé東\U0001f600"), st.integers(2_000, 9_000)),
)
_short = st.text(st.characters(codec=None, exclude_categories=()), max_size=12)

json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.integers(10**50, 10**60),
        st.floats(allow_nan=False, allow_infinity=False),
        _short,
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_short, inner, max_size=4)),
    max_leaves=12,
)
json_objects = st.dictionaries(_short, json_values, max_size=4)

moments = st.datetimes(
    min_value=datetime(1, 1, 3),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(9999, 12, 28),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(-timedelta(hours=11, minutes=30))]),
)

messages = st.builds(
    Message,
    role=st.sampled_from(MessageRole),
    content=texts,
    timestamp=moments,
    agent_name=st.none() | _short,
    tool_calls=st.none() | st.lists(json_values, max_size=3),
    tool_call_id=st.none() | _short,
    metadata=json_objects,
)
executions = st.builds(
    ToolExecution,
    tool_name=_short,
    arguments=json_objects,
    result=texts,
    success=st.booleans(),
    timestamp=moments,
    duration_ms=st.integers(0, 2**63 - 1),
    agent_name=st.none() | _short,
    metadata=json_objects,
)
entries = messages | executions

session_ids = st.from_regex(r"\A[a-z0-9][a-z0-9_-]{0,20}\Z").filter(
    lambda name: not name.startswith("superqode") and name not in ("con", "prn", "aux", "nul", "head")
)


@st.composite
def sessions(draw: st.DrawFn, *, max_entries: int = 6) -> Session:
    """A session with any content, its entries in any order; no snapshots."""
    session = Session(
        id=draw(session_ids),
        title=draw(texts),
        created_at=draw(moments),
        updated_at=draw(moments),
        project_path=draw(_short),
        tags=draw(st.lists(_short, max_size=3)),
        parent_session_id=draw(st.none() | _short),
        metadata=draw(json_objects),
    )
    session.files_modified = draw(st.lists(_short, max_size=3))
    for entry in draw(st.lists(entries, max_size=max_entries)):
        session.add(entry)
    return session


# Each would be a path, an option, another revision, a device or another session somewhere.
hostile_ids = (
    "",
    ".",
    "..",
    "../x",
    "a/../b",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "-x",
    "--upload-pack=x",
    ".hidden",
    "a..b",
    "a.lock",
    "A.LOCK",
    "end.",
    "a b",
    "a\nb",
    "a\0b",
    "a~1",
    "a^",
    "a:b",
    "a?",
    "a*",
    "a[b",
    "a@{1}",
    "@",
    "@{-1}",
    "été",
    "\u202eabc",
    "\ud800",
    "CON",
    "con.txt",
    "nul",
    "COM1",
    "lpt9.x",
    "HEAD",
    "head",
    "FETCH_HEAD",
    "ORIG_HEAD",
    "AUTO_MERGE",
    "MERGE_MSG",
    "superqode",
    "SuperQode",
    "superqode-x",
    "0" * 40,
    "aBcDeF0123" * 4,
    "f" * 64,
    "x" * 129,
    "x" * 300,
)
