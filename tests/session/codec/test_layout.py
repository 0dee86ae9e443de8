"""The names inside a session's tree: they are the format, so they never change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session.codec import layout
from superqode.session.codec.layout import EntryFile, Place, entry_label, parse_format, parse_name, side_names
from superqode.session.models import Message, ToolExecution


def test_the_format_file():
    """The file `format` of today, and how one of tomorrow is read."""
    assert layout.format_bytes() == b"superqode-session 1\n"
    assert parse_format(b"superqode-session 1\n") == layout.FORMAT_NUMBER == 1
    assert parse_format(b"superqode-session 27\n") == 27


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"superqode-session 1",
        b"superqode-session 1\n\n",
        b"superqode-session 01x\n",
        b"superqode-session -1\n",
        b"superqode-store 1\n",
        b"superqode-session 9999999999\n",
        b"\xff",
        "superqode-session \u0661\n".encode(),
    ],
)
def test_other_format_files_are_none_of_ours(data):
    """Anything else in `format` is not taken for a number."""
    assert parse_format(data) is None


@pytest.mark.parametrize(
    ("index", "place"),
    [
        (0, ("0000", "00", "00")),
        (99, ("0000", "00", "99")),
        (100, ("0000", "01", "00")),
        (9_999, ("0000", "99", "99")),
        (10_000, ("0001", "00", "00")),
        (123_456, ("0012", "34", "56")),
        (layout.MAX_ENTRIES - 1, ("9999", "99", "99")),
    ],
)
def test_places(index, place):
    """Entry n stands in directories n/10000 and n/100 % 100, under the number n % 100."""
    assert Place.of(index) == place


@given(st.integers(0, layout.MAX_ENTRIES - 2))
def test_places_sort_like_their_numbers(index):
    """Git's order of names is the order of entries, so a timeline is read in one go."""
    assert "/".join(Place.of(index)) < "/".join(Place.of(index + 1))


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("00-user.json", EntryFile("00", "user", "", -1)),
        ("99-call.json", EntryFile("99", "call", "", -1)),
        ("01-call.result.txt", EntryFile("01", "call", "result", -1)),
        ("01-assistant.content.000.txt", EntryFile("01", "assistant", "content", 0)),
        ("01-assistant.content.123456.txt", EntryFile("01", "assistant", "content", 123456)),
        ("00-later.json", EntryFile("00", "later", "", -1)),
    ],
)
def test_names_are_read(name, read):
    """A name tells the number, the label, the field and the part."""
    assert parse_name(name) == read


@pytest.mark.parametrize(
    "name",
    [
        "",
        "0-user.json",
        "000-user.json",
        "00-user.txt",
        "00-user.content.json",
        "00-User.json",
        "00-user.other.txt",
        "00-user.content.00.txt",
        "00-user.content.0000000.txt",
        "00-user.json\n",
        "x00-user.json",
        "\u0660\u0660-user.json",
        "00-user.json.lock",
        "../00-user.json",
    ],
)
def test_other_names_are_none_of_the_formats(name):
    """Anything else in a timeline directory is refused."""
    assert parse_name(name) is None


def test_names_written_are_names_read():
    """Every name we give is one that we read, in Git's order: side text before the part numbers turn over."""
    for parts in (1, 2, 1_001):
        names = side_names("07-call", "result", parts)
        assert [parse_name(name).field for name in names] == ["result"] * parts
        assert names[:1_000] == sorted(names[:1_000])
    assert side_names("07-call", "result", 1) == ["07-call.result.txt"]
    assert side_names("07-call", "result", 2) == ["07-call.result.000.txt", "07-call.result.001.txt"]


def test_labels_are_the_role_or_call():
    """The word in a name is the message's role, or `call`."""
    message = {"content": ""}
    assert [entry_label(Message(role=role, **message)) for role in ("user", "assistant", "system", "tool")] == [
        "user",
        "assistant",
        "system",
        "tool",
    ]
    assert entry_label(ToolExecution(tool_name="x", arguments={}, result="", success=True)) == "call"
