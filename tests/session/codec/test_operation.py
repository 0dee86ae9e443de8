"""`op.json`: golden bytes, there and back, and whatever could not have been written here refused in one way."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session.codec import jsontext
from superqode.session.codec.operation import Entry, Move, decode_entry, encode_entry, format_of, new_moves, subject_of

A, B = "a" * 40, "b" * 40
ENTRY = Entry(
    id="7m2q9x4k0123",
    verb="delete",
    at=datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC),
    by="Ada Example <ada@example.invalid>",
    sessions=(("session-123", "Fix the login bug"),),
    previous="0123456789ab",
    moves=(
        Move("refs/heads/session-123", A, ""),
        Move("refs/superqode/trash/session-123/20261122T100000.123456Z/branch", "", A),
    ),
)
GOLDEN = b"""\
{
  "at": "2026-11-22T10:00:00.123456Z",
  "before": [],
  "begun": false,
  "by": "Ada Example <ada@example.invalid>",
  "final": false,
  "format": 1,
  "id": "7m2q9x4k0123",
  "interrupted": false,
  "moves": [["refs/heads/session-123", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ""], \
["refs/superqode/trash/session-123/20261122T100000.123456Z/branch", "", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]],
  "previous": "0123456789ab",
  "renamed": [],
  "sessions": [["session-123", "Fix the login bug"]],
  "share": "",
  "undoes": "",
  "verb": "delete"
}
"""


def test_golden_bytes():
    """These bytes are the format: they must never change, and be readable for ever."""
    assert encode_entry(ENTRY) == GOLDEN
    assert decode_entry(GOLDEN) == ENTRY
    assert format_of(GOLDEN) == 1


_NAMES = st.sampled_from(
    ["refs/heads/a", "refs/tags/a/snap", "refs/superqode/trash/a/x/branch", "refs/superqode/sources/a"]
)
_OIDS = st.sampled_from([A, B, ""])
_IDS = st.sampled_from(["7m2q9x4k0123", "0123456789ab"])
_ENTRIES = st.builds(
    Entry,
    id=_IDS,
    verb=st.sampled_from(["delete", "ops-undo"]),
    at=st.datetimes(min_value=datetime(1970, 1, 2), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds the zone
    by=st.text(max_size=20),
    sessions=st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=3).map(tuple),
    previous=st.one_of(st.just(""), _IDS),
    begun=st.booleans(),
    interrupted=st.booleans(),
    final=st.booleans(),
    before=st.lists(st.tuples(_NAMES, st.sampled_from([A, B])), max_size=3).map(tuple),
    moves=st.lists(st.builds(Move, _NAMES, _OIDS, _OIDS), max_size=3).map(tuple),
    renamed=st.one_of(st.just(()), st.tuples(st.text(max_size=5), st.text(max_size=5))),
    share=st.sampled_from(["", "01hq"]),
    undoes=st.one_of(st.just(""), _IDS),
)


@given(_ENTRIES)
def test_there_and_back(entry):
    """What is written is what is read."""
    assert decode_entry(encode_entry(entry)) == entry
    assert "\n" not in subject_of(entry)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "../../etc"), ("id", 3), ("verb", "rm -rf"), ("at", "yesterday"), ("by", None), ("begun", 1),
        ("moves", [["refs/heads/a", A]]), ("moves", [["refs/heads/a", "HEAD", ""]]),
        ("moves", [["refs/superqode/ledger", A, ""]]), ("moves", [["refs/superqode/oplog", A, ""]]),
        ("moves", [["refs/heads/superqode", A, ""]]), ("moves", [["refs/remotes/x/y", A, ""]]),
        ("before", [["refs/heads/a", ""]]), ("before", {"refs/heads/a": A}), ("renamed", ["a"]), ("sessions", [["a"]]),
        ("sessions", 7), ("previous", 7), ("undoes", "no"), ("share", "../x"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(field, value):
    """A field of another kind, a ref that no operation moves, an id that is none: ValueError, whatever it is."""
    with pytest.raises(ValueError):
        decode_entry(jsontext.dump_lines({**jsontext.load(GOLDEN), field: value}))


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"null", b"\xff", b'{"format": 1}', b"[" * 100_000])
def test_garbage_is_refused(data):
    """No entry at all is the same error."""
    with pytest.raises(ValueError):
        decode_entry(data)


@pytest.mark.parametrize("data", [b"{}", b"[]", b'{"format": true}', b'{"format": "1"}', b'{"format": 0}'])
def test_a_number_that_is_none_is_refused(data):
    """What says no format number is not read any further."""
    with pytest.raises(ValueError):
        format_of(data)


@pytest.mark.parametrize(
    ("entry", "subject"),
    [
        (ENTRY, "delete: session-123 Fix the login bug"),
        (replace(ENTRY, sessions=(("a", ""),)), "delete: a"),
        (replace(ENTRY, verb="prune", sessions=(("a", "x"), ("b", "y"))), "prune: 2 sessions"),
        (replace(ENTRY, verb="rename", renamed=("a", "b")), "rename: a to b"),
        (replace(ENTRY, verb="revoke", share="01hq23456789", sessions=(("a", "T"),)), "revoke: share 01hq2345 of a T"),
        (replace(ENTRY, sessions=(("a", "x\ny\0z"),)), "delete: a x y z"),
    ],
)
def test_the_subject_tells_it(entry, subject):
    """One line for people, whatever a title holds."""
    assert subject_of(entry) == subject


def test_moves_are_what_differs():
    """Refs that came, went and changed, by name; the others are no moves."""
    before, after = {"r/a": A, "r/b": A, "r/c": A}, {"r/b": B, "r/c": A, "r/d": B}
    assert new_moves(before, after) == (Move("r/a", A, ""), Move("r/b", A, B), Move("r/d", "", B))
