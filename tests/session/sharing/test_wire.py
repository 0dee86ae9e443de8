"""The spellings that every file of a share keeps: one for each value, and no other is read."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import json_objects
from superqode.session.models.values import normal_text
from superqode.session.sharing import wire


def test_canonical_json_is_one_line_of_ascii():
    """Sorted keys, no spaces, escapes for all but ASCII, a newline."""
    assert wire.canonical({"b": [1, "é\ud800"], "a": None}) == b'{"a":null,"b":[1,"\\u00e9\\ud800"]}\n'


@given(json_objects)
def test_canonical_json_is_read_again(value):
    """Any JSON object survives the way there and back (a pair of surrogates comes back as the character it is)."""
    again = wire.read_object(wire.canonical(value))

    assert wire.canonical(again) == wire.canonical(value)
    assert {normal_text(key) for key in again} == {normal_text(key) for key in value}


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"1", b"{", b'{"a":NaN}', b'{"a":1e999}', b"\xff{}", '{"a":1}'.encode("utf-16"), b"[" * 100_000],
    ids=["empty", "list", "number", "cut", "nan", "infinite", "bytes", "utf-16", "deep"],
)
def test_other_json_is_refused(data):
    """Whatever is no JSON object in UTF-8 is a ValueError, not a crash."""
    with pytest.raises(ValueError):
        wire.read_object(data)


@given(st.binary(max_size=40))
def test_base64_is_read_again(data):
    """Bytes survive base64."""
    assert wire.decode_base64(wire.encode_base64(data), len(data)) == data


@pytest.mark.parametrize(
    "text",
    ["AAAAAAAAAAAAAAAAAAAAAB==", "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAA===", "AAAAAAAAAAAAAAAAAAAA\nA==",
     "-_AAAAAAAAAAAAAAAAAAAA==", "éAAAAAAAAAAAAAAAAAAAAA==", "", None, 7, ["A"]],
    ids=["spare bits", "no padding", "too short", "newline", "url-safe", "not ascii", "empty", "null", "number", "list"],
)  # fmt: skip
def test_base64_has_one_spelling(text):
    """Another spelling of the same bytes, another length or another type is a ValueError."""
    assert wire.decode_base64("AAAAAAAAAAAAAAAAAAAAAA==", 16) == bytes(16)
    with pytest.raises(ValueError):
        wire.decode_base64(text, 16)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22T10:00:00Z", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22T10:00:00.5Z", datetime(2026, 11, 22, 10, 0, 0, 500_000, tzinfo=UTC)),
        ("0001-01-01T00:00:00.000001Z", datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC)),
    ],
    ids=["seconds", "tenth", "first"],
)
def test_times_are_read(text, moment):
    """With and without a fraction, in UTC."""
    assert wire.parse_time(text) == moment


@pytest.mark.parametrize(
    "text",
    ["2026-11-22", "2026-11-22T10:00:00", "2026-11-22T10:00:00+01:00", "2026-13-22T10:00:00Z", "0000-01-01T00:00:00Z",
     "2026-11-22T10:00:00.1234567Z", "2026-11-22T10:00:00Z\n", "٢٠٢٦-11-22T10:00:00Z", 1_795_341_660, None],
    ids=range(10),
)  # fmt: skip
def test_other_times_are_refused(text):
    """Other ways to tell a time, and times that are none, are a ValueError."""
    with pytest.raises(ValueError):
        wire.parse_time(text)


@given(st.datetimes(max_value=datetime(9999, 12, 31, 23, 59, 59), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis adds the zone
def test_whole_seconds_are_never_too_early(moment):
    """A time in whole seconds is the time itself, or less than a second later."""
    whole = wire.parse_time(wire.format_seconds(moment))

    assert whole.microsecond == 0
    assert 0 <= (whole - moment).total_seconds() < 1
