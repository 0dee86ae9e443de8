"""Entries as files: golden bytes for each kind, long text beside them, and garbage refused in one way."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import entries
from superqode.session.codec.entry import decode_entry, encode_entry
from superqode.session.codec.layout import INLINE_MAX, PART_MAX, parse_name
from superqode.session.errors import InvalidEntry
from superqode.session.models import Message, ToolExecution

MOMENT = datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC)


def _message(content="hello", **fields):
    return Message(**({"id": "msg-1", "role": "user", "content": content, "timestamp": MOMENT} | fields))


def _call(result="ok", **fields):
    usual = {"id": "call-1", "tool_name": "edit_file", "arguments": {"path": "a"}, "success": True}
    return ToolExecution(**(usual | {"result": result, "timestamp": MOMENT} | fields))


def _files(entry, digits="00"):
    return dict(encode_entry(entry, digits))


def _decode(files):
    ((name, data),) = [(name, data) for name, data in files.items() if name.endswith(".json")]
    sides = [part for name, part in sorted(files.items()) if name.endswith(".txt")]
    return decode_entry(data, parse_name(name).label, b"".join(sides) if sides else None)


GOLDEN = {
    "user": (
        _message("Fix «it»\n"),
        "00-user.json",
        r"""{
  "content": "Fix «it»\n",
  "id": "msg-1",
  "kind": "message",
  "role": "user",
  "timestamp": "2026-11-22T10:00:00.123456Z"
}
""",
    ),
    "assistant": (
        _message("", role="assistant", agent_name="tester", tool_calls=[{"id": "c", "a": 1}], metadata={"n": [{}]}),
        "00-assistant.json",
        """{
  "agent_name": "tester",
  "content": "",
  "id": "msg-1",
  "kind": "message",
  "metadata": {"n": [{}]},
  "role": "assistant",
  "timestamp": "2026-11-22T10:00:00.123456Z",
  "tool_calls": [{"a": 1, "id": "c"}]
}
""",
    ),
    "system": (
        _message("s", role="system", tool_calls=[]),
        "00-system.json",
        """{
  "content": "s",
  "id": "msg-1",
  "kind": "message",
  "role": "system",
  "timestamp": "2026-11-22T10:00:00.123456Z",
  "tool_calls": []
}
""",
    ),
    "tool": (
        _message("done", role="tool", tool_call_id="c"),
        "00-tool.json",
        """{
  "content": "done",
  "id": "msg-1",
  "kind": "message",
  "role": "tool",
  "timestamp": "2026-11-22T10:00:00.123456Z",
  "tool_call_id": "c"
}
""",
    ),
    "call": (
        _call(success=False, duration_ms=45, agent_name="tester"),
        "00-call.json",
        """{
  "agent_name": "tester",
  "arguments": {"path": "a"},
  "duration_ms": 45,
  "id": "call-1",
  "kind": "call",
  "result": "ok",
  "success": false,
  "timestamp": "2026-11-22T10:00:00.123456Z",
  "tool_name": "edit_file"
}
""",
    ),
    "surrogate": (
        _message("half \ud83d\0"),
        "00-user.json",
        r"""{
  "content": "half \ud83d\u0000",
  "id": "msg-1",
  "kind": "message",
  "role": "user",
  "timestamp": "2026-11-22T10:00:00.123456Z"
}
""",
    ),
}


@pytest.mark.parametrize("kind", GOLDEN)
def test_golden_bytes(kind):
    """The file of each kind of entry, byte for byte: defaults left out, keys sorted, one field a line."""
    entry, name, text = GOLDEN[kind]

    assert _files(entry) == {name: text.encode()}
    assert _decode({name: text.encode()}) == entry


def test_long_text_stands_beside_its_entry():
    """Over 8 KiB of UTF-8 the text is a file of its own, and the entry says how long it is."""
    text = "é" * (INLINE_MAX // 2) + "!"
    files = _files(_call(text))

    assert list(files) == ["00-call.result.txt", "00-call.json"]
    assert files["00-call.result.txt"] == text.encode()
    assert b'"result_bytes": 8193' in files["00-call.json"]
    assert b'"result"' not in files["00-call.json"]
    assert _decode(files) == _call(text)


def test_the_border_counts_bytes():
    """8 KiB stay inside, one byte more stands beside, whatever the characters."""
    for unit in ("a", "é", "東", "😀"):
        full = unit * (INLINE_MAX // len(unit.encode()))
        full += "a" * (INLINE_MAX - len(full.encode()))
        assert len(_files(_message(full))) == 1
        assert len(_files(_message(full + "a"))) == 2


def test_equal_text_is_equal_bytes():
    """The same long text in a message and a call is the same file, so Git stores it once."""
    text = "x" * 10_000

    assert _files(_message(text))["00-user.content.txt"] == _files(_call(text))["00-call.result.txt"]


@pytest.mark.parametrize("unit", ["a", "é", "東", "😀"])
def test_huge_text_is_split_between_characters(unit):
    """Parts have at most 1 MiB, each reads as text by itself, and together they are the text."""
    text = "!" + unit * (2 * PART_MAX // len(unit.encode()) + 7)
    files = _files(_call(text), "42")
    parts = [data for name, data in files.items() if name.endswith(".txt")]

    assert list(files) == ["42-call.result.000.txt", "42-call.result.001.txt", "42-call.result.002.txt", "42-call.json"]
    assert all(PART_MAX - 4 < len(part) <= PART_MAX for part in parts[:-1])
    assert "".join(part.decode() for part in parts) == text
    assert _decode(files) == _call(text)


def test_one_mebibyte_is_one_file():
    """Exactly 1 MiB is not split."""
    assert list(_files(_message("a" * PART_MAX))) == ["00-user.content.txt", "00-user.json"]
    assert len(_files(_message("a" * PART_MAX + "b"))) == 3


def test_long_text_that_is_not_unicode_stays_inside():
    """What UTF-8 cannot hold stays in the JSON as escapes, however long it is."""
    text = "\ud800" + "x" * 100_000
    files = _files(_message(text))

    assert list(files) == ["00-user.json"]
    assert _decode(files) == _message(text)


@given(entries)
def test_any_entry_comes_back(entry):
    """Any entry is what its files say."""
    assert _decode(_files(entry)) == entry


@given(entries, st.sampled_from(["user", "assistant", "call", "later"]))
def test_the_name_only_helps_people(entry, label):
    """The kind is in the JSON: a label that lies changes nothing."""
    files = _files(entry)
    data = next(data for name, data in files.items() if name.endswith(".json"))
    sides = b"".join(part for name, part in files.items() if name.endswith(".txt")) or None

    assert decode_entry(data, label, sides) == entry


@given(st.binary(max_size=60), st.none() | st.binary(max_size=20), st.booleans())
def test_random_bytes_are_no_entry(data, side, newer):
    """Random bytes raise InvalidEntry and nothing else."""
    with pytest.raises(InvalidEntry):
        decode_entry(data, "user", side, newer=newer)


@given(entries, st.data())
def test_mutated_entries_are_entries_or_refused(entry, data):
    """However a file's bytes are changed, it is an entry again or InvalidEntry."""
    files = _files(entry)
    name = next(name for name in files if name.endswith(".json"))
    mutated = bytearray(files[name])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(mutated) - 1))
        mutated[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        again = _decode(files | {name: bytes(mutated)})
    except InvalidEntry:
        return
    assert isinstance(again, Message | ToolExecution)


@pytest.mark.parametrize(
    ("data", "side", "told"),
    [
        (b"", None, "JSON"),
        (b"[]", None, "neither message nor call"),
        (b"{}", None, "neither message nor call"),
        (b'{"kind": "song"}', None, "neither message nor call"),
        (b'{"kind": "message"}', None, "Field required"),
        (b"[" * 100_000, None, "nested too deeply"),
        (b'{"kind": "message", "metadata": ' + b'{"a":' * 300 + b"1" + b"}" * 301, None, "."),
        (b'{"kind": "message", "id": "m", "role": "user", "content_bytes": 5}', None, "its side text is missing"),
        (
            b'{"kind": "message", "id": "m", "role": "user", "content_bytes": 5}',
            b"1234",
            "has 4 bytes, and should have 5",
        ),
        (b'{"kind": "message", "id": "m", "role": "user"}', b"12345", "has 5 bytes, and should have None"),
        (b'{"kind": "message", "id": "m", "role": "user", "content_bytes": 1}', b"\xff", "its side text is not UTF-8"),
        (b'{"kind": "message", "id": "m", "role": "user", "content": "", "more": 1}', None, "more"),
        (
            b'{"kind": "call", "id": "c", "tool_name": "t", "arguments": {"x": 1e999}, "result": "", "success": true}',
            None,
            "too large a number",
        ),
    ],
    ids=range(13),
)
def test_damage_is_told(data, side, told):
    """Each kind of damage is InvalidEntry with a reason."""
    with pytest.raises(InvalidEntry, match=told):
        decode_entry(data, "user", side)


def test_a_newer_format_leaves_out_what_we_do_not_know():
    """Of a newer format's entry the fields we know are read, side text included."""
    data = (
        b'{"kind": "message", "id": "m", "role": "user", "content_bytes": 3, "mood": "good", "timestamp": "2026-11-22"}'
    )

    entry = decode_entry(data, "user", b"abc", newer=True)

    assert (entry.id, entry.content) == ("m", "abc")
