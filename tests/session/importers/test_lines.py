"""Records out of lines: what is whole is given, what is not is counted, and nothing is held or raised."""

from __future__ import annotations

import io
import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session.errors import TranscriptError
from superqode.session.importers import lines
from superqode.session.importers.base import Receipt, Source
from superqode.session.models import freeze


def read(data, **options):
    """Read bytes; gives the records without their numbers, and the receipt."""
    receipt = Receipt()
    found = list(lines.read_records(Source("a.jsonl", lambda: io.BytesIO(data)), receipt, **options))
    return [record for _, record in found], receipt


def test_only_newlines_end_a_line():
    """A line separator of Unicode inside a text belongs to the text."""
    record = {"text": "one\u2028two\u2029three\x85four\x0bfive\rsix"}
    data = json.dumps(record, ensure_ascii=False).encode() + b"\n" + b'{"a": 1}\n'
    assert read(data) == ([record, {"a": 1}], Receipt(lines=2))


def test_numbers_are_those_of_the_lines():
    """A record carries the number its line has in an editor, blank and damaged lines included."""
    receipt = Receipt()
    source = Source("a.jsonl", lambda: io.BytesIO(b'{"a": 1}\n\nnonsense\n{"a": 2}{"a": 3}\n'))
    assert [(number, record["a"]) for number, record in lines.read_records(source, receipt)] == [
        (1, 1),
        (4, 2),
        (4, 3),
    ]
    assert receipt.dropped == {"blank lines": 1, "damaged": 1}
    assert receipt.problems == ["line 3: not readable as JSON (Expecting value)"]


@pytest.mark.parametrize("glue", ["", " ", "\0\0\0", "\r"])
def test_glued_records_come_apart(glue):
    """Two records on one line are two records, whatever little stands between them."""
    assert read(f'{{"a": 1}}{glue}{{"b": [2]}}\n'.encode()) == ([{"a": 1}, {"b": [2]}], Receipt(lines=2))


def test_a_record_behind_a_torn_one_is_found():
    """Where a write stopped in the middle and the next began on the same line, the next is read."""
    torn = b'{"type": "user", "content": [{"type": "text", "text": "half a sen'
    pair = b'{"type": "user", "n": 2}{"type": "user", "n": 3}\n'
    records, receipt = read(b'{"type": "user", "n": 1}\n' + torn + pair)
    assert [record["n"] for record in records] == [1, 2, 3]
    assert (receipt.lines, receipt.dropped) == (4, {"damaged": 1})


def test_records_inside_a_damaged_record_are_not_taken_for_it():
    """A part of a torn record that looks like a record is no record: it does not end the line."""
    records, _ = read(b'{"type": 1}\n{"type": 2, "content": [{"type": "text"}, {"x": nonsense}]}\n{"type": 3}\n')
    assert records == [{"type": 1}, {"type": 3}]


def test_a_hostile_line_ends():
    """A line made to be tried again and again is given up after a while; otherwise this takes minutes."""
    records, receipt = read(b'{"n": 1}{bad' * 1_000_000 + b'\n{"n": 2}\n')
    assert (records[0], records[-1]) == ({"n": 1}, {"n": 2})
    assert receipt.lines == len(records) + receipt.dropped["damaged"]


def test_a_torn_last_line_is_normal():
    """A running agent may be in the middle of a line: that is counted, and no damage."""
    assert read(b'{"a": 1}\n{"a": 2, "b') == ([{"a": 1}], Receipt(lines=2, dropped={"torn last line": 1}))
    assert read(b'{"a": 1}\n{"a": 2}') == ([{"a": 1}, {"a": 2}], Receipt(lines=2))


def test_padding_is_no_damage():
    """A byte order mark, carriage returns, and the NULs of a power loss around a record are passed over."""
    records, receipt = read(b'\xef\xbb\xbf{"a": 1}\r\n\0\0\0\0{"a": 2}\0\0\n')
    assert (records, receipt.dropped) == ([{"a": 1}, {"a": 2}], {})


@pytest.mark.parametrize(
    "bad",
    [
        b"[1, 2]",
        b'"text"',
        b"12",
        b"null",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": ' + b"[" * 160 + b"]" * 160 + b"}",
        b'{"a": ' * 100_000,
        b"[" * 100_000,
        b'{"n": [' * 100_000,
        b'{"n": 1, ' * 100_000,
        b'{"n": "' * 100_000,
        b'{"x": [{"n": 1e999}' * 1000,
        b'{"a" 1}',
        b"\xff\xfe\x00",
    ],
    ids=lambda bad: bad[:12].decode(errors="replace"),
)
def test_what_is_no_record_is_skipped_and_counted(bad):
    """Bad lines cost themselves only: their neighbours are read, and the receipt knows of each."""
    records, receipt = read(b'{"n": 1}\n' + bad + b'\n{"n": 2}\n')
    assert [record["n"] for record in records] == [1, 2]
    assert receipt.lines == 2 + sum(receipt.dropped.values())
    assert receipt.dropped["damaged"] >= 1
    assert receipt.problems


def test_the_deepest_record_fits_into_an_entry():
    """Every record that is given, and every part of it, can be stored; one level more is refused."""
    depth = lines.MAX_DEPTH
    fits = b'{"a": ' + b"[" * depth + b"]" * depth + b"}"
    records, _ = read(fits + b"\n")
    assert freeze({"kept": [records[0]]}) == {"kept": [records[0]]}
    assert read(b'{"a": ' + fits + b"}\n")[0] == []


def test_bytes_that_are_no_text_are_replaced_and_noted():
    """A record with broken UTF-8 is kept, with the replacement character and a remark."""
    records, receipt = read(b'{"text": "caf\xe9"}\n')
    assert records == [{"text": "caf\ufffd"}]
    assert receipt.problems == ["line 1: not valid UTF-8, read with replacement characters"]


def test_a_line_without_end_is_passed_over_in_pieces(monkeypatch):
    """A line over the limit is not held, and the next one is read."""
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 1000)
    records, receipt = read(b'{"a": "' + b"x" * 5_000_000 + b'"}\n{"a": 2}\n')
    assert records == [{"a": 2}]
    assert receipt.dropped == {"damaged": 1}


def test_reading_is_lazy():
    """The first records come while the file goes on without end."""

    class Endless(io.RawIOBase):
        def readable(self):
            return True

        def readinto(self, buffer):
            buffer[:] = (b'{"a": 1}\n' * (len(buffer) // 9 + 1))[: len(buffer)]
            return len(buffer) - len(buffer) % 9

    source = Source("a.jsonl", lambda: io.BufferedReader(Endless()))
    found = itertools.islice(lines.read_records(source, Receipt()), 10_000)
    assert sum(record["a"] for _, record in found) == 10_000


def test_lines_can_be_chosen_by_their_bytes():
    """With `holding` the other lines are neither read nor counted, so that damage in them does not matter."""
    records, receipt = read(b'{"id": "x1"}\nnonsense\n{"id": "x2"}\n', holding=b"x2")
    assert (records, receipt) == ([{"id": "x2"}], Receipt(lines=1))


def test_a_file_that_cannot_be_read_is_a_transcript_error():
    """What the system says about a file becomes the library's own error, with the file's name."""

    def gone():
        raise FileNotFoundError(2, "No such file or directory")

    with pytest.raises(TranscriptError, match=r"a\.jsonl was not imported: it cannot be read \(No such file"):
        list(lines.read_records(Source("a.jsonl", gone), Receipt()))


@pytest.mark.parametrize("text", ["", "{", "1 2", "[" * 100_000, '{"a": NaN}', "[" * 160 + "]" * 160])
def test_a_value_that_is_none_is_a_value_error(text):
    """`parse_json` refuses with one kind of error, however the text is broken."""
    with pytest.raises(ValueError):
        lines.parse_json(text)


def test_a_value_is_read_with_padding():
    """`parse_json` reads any JSON value, and passes over what may stand around it."""
    assert lines.parse_json('\ufeff [1, {"a": null}]\n') == [1, {"a": None}]


_PIECES = st.sampled_from(
    [
        b'{"type": 1}',
        b'{"a": {"type": [1, 2.5, "\\u2028"]}}',
        b'{"type": "x',
        b"}",
        b"\n",
        b"\r\n",
        b"\0",
        b"\xe2\x80\xa8",
        b"\xff",
        b"NaN",
        b"[1]",
        b"1e999",
    ]
)


@given(st.lists(st.one_of(_PIECES, st.binary(max_size=6))).map(b"".join))
def test_any_bytes_are_counted_and_raise_nothing(data):
    """Whatever the bytes, reading ends, and the receipt accounts for every piece."""
    records, receipt = read(data)
    assert receipt.lines == len(records) + sum(receipt.dropped.values())
    for record in records:
        freeze(record)
