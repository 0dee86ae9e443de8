"""`session.json`: golden bytes, there and back, and damage told."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import sessions
from superqode.session.codec.meta import Meta, decode_meta, encode_meta
from superqode.session.errors import InvalidSession
from superqode.session.models import Session

MOMENT = datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC)

FULL = """\
{
  "agents_used": [
    "tester"
  ],
  "created_at": "2026-11-22T10:00:00.123456Z",
  "files_created": [],
  "files_modified": [
    "src/api/users.py"
  ],
  "id": "session-123",
  "metadata": {
    "a": {
      "x": [
        1
      ]
    },
    "b": null
  },
  "parent_session_id": "parent",
  "project_path": "/path/to/project",
  "tags": [
    "sécurité",
    "\\ud800"
  ],
  "title": "Fix SQL injection"
}
"""


def test_golden_bytes():
    """The very bytes: sorted keys, indented by two, every field there, a newline at the end."""
    session = Session(
        id="session-123",
        title="Fix SQL injection",
        created_at=MOMENT,
        project_path="/path/to/project",
        files_modified=["src/api/users.py"],
        agents_used=["tester"],
        tags=["sécurité", "\ud800"],
        parent_session_id="parent",
        metadata={"b": None, "a": {"x": [1]}},
    )
    assert encode_meta(Meta.of(session)).decode() == FULL
    assert decode_meta(FULL.encode()) == Meta.of(session)


def test_what_is_not_in_it():
    """Times of change and counts are the commit's: adding a message leaves `session.json` as it is."""
    session = Session(id="s", created_at=MOMENT)
    before = encode_meta(Meta.of(session))
    session.add_message("user", "x")
    session.updated_at = datetime(2027, 1, 1, tzinfo=UTC)

    assert encode_meta(Meta.of(session)) == before


@given(sessions(max_entries=0))
def test_any_sessions_fields_come_back(session):
    """Whatever the fields hold, they are read as they were."""
    meta = Meta.of(session)

    assert decode_meta(encode_meta(meta)) == meta
    assert encode_meta(decode_meta(encode_meta(meta))) == encode_meta(meta)


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ({"x": float("nan")}, "nan is no JSON value"),
        ({"x": {1: 2}}, "The key 1 is not text"),
        ({"x": {1, 2}}, "A set is no JSON value"),
        ({"x": b""}, "A bytes is no JSON value"),
    ],
)
def test_metadata_that_cannot_be_stored_is_refused(metadata, told):
    """The session's name and the reason are in the error."""
    with pytest.raises(InvalidSession, match=f"Session s cannot be stored: metadata: .*{told}"):
        Meta.of(Session(id="s", metadata=metadata))


@given(st.binary(max_size=80), st.booleans())
def test_random_bytes_are_no_session(data, newer):
    """Random bytes raise InvalidSession and nothing else."""
    with pytest.raises(InvalidSession):
        decode_meta(data, newer=newer)


@given(sessions(max_entries=0), st.data())
def test_mutated_bytes_are_a_session_or_refused(session, data):
    """However the bytes are changed, they are fields again or InvalidSession."""
    mutated = bytearray(encode_meta(Meta.of(session)))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(mutated) - 1))
        mutated[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        meta = decode_meta(bytes(mutated))
    except InvalidSession:
        return
    assert isinstance(meta, Meta)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"id": "s"}',
        b'{"id": 5, "created_at": "2026-11-22"}',
        b'{"id": "s", "created_at": "2026-11-22", "more": 1}',
        b'{"id": "s", "created_at": "2026-11-22", "metadata": ' + b"[" * 100_000,
        b'{"id": "s", "created_at": "2026-11-22", "metadata": {"a": 1e999}}',
        b'{"id": "s", "created_at": "2026-11-22", "metadata": {"a": NaN}}',
    ],
    ids=range(9),
)
def test_damage_is_one_error(data):
    """Each kind of damage is InvalidSession, told in one line."""
    with pytest.raises(InvalidSession, match=r"session\.json cannot be read") as caught:
        decode_meta(data)
    assert "\n" not in str(caught.value)


def test_a_newer_format_leaves_out_what_we_do_not_know():
    """Of a newer format's session.json the fields we know are read."""
    data = b'{"id": "s", "created_at": "2026-11-22T10:00:00Z", "mood": {"deep": 1}, "title": "T"}'

    assert decode_meta(data, newer=True).title == "T"
    with pytest.raises(InvalidSession):
        decode_meta(data)


@pytest.mark.parametrize(
    ("before", "after"), [(1, True), (1, 1.0), (0, False), ([1], [True]), ({"a": 0.0}, {"a": -0.0})]
)
def test_values_that_python_takes_for_equal_are_not(before, after):
    """JSON tells `1`, `1.0` and `true` apart, and so does whoever asks whether anything changed."""
    session = Session(id="s", metadata={"x": before})
    known = Meta.of(session)
    assert Meta.of(session, known) is known
    session.metadata["x"] = after
    now = Meta.of(session, known)
    assert now != known
    assert encode_meta(now) != encode_meta(known)
