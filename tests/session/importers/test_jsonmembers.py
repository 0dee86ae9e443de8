"""One big JSON object, read one member at a time."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session.errors import TranscriptError
from superqode.session.importers import jsonmembers
from superqode.session.importers.base import Receipt, Source

from . import folders, fuzzing


def members(data, arrays=("list",)):
    """Read the members of bytes; gives them with the receipt."""
    receipt = Receipt()
    return list(jsonmembers.read_members(folders.one(data), receipt, frozenset(arrays))), receipt


@pytest.fixture(params=[1, 7, 1024 * 1024], ids=["1 byte", "7 bytes", "1 MiB"])
def chunk(request, monkeypatch):
    """Reads so many bytes at a time at first."""
    monkeypatch.setattr(jsonmembers, "_CHUNK", request.param)


VALUES = {
    "a": 'x "quoted" \\ {[',
    "list": [{"k": [1, {"z": "]}"}]}, {"k": "\u2028é"}, 5, "s", None, [1], {}],
    "b": {"c": -1.5e3},
    "last": True,
}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.usefixtures("chunk")
def test_members_come_in_order_and_elements_one_by_one(indent, ascii_only):
    """However the object is written, and wherever it is cut into pieces on the way."""
    found, receipt = members(json.dumps(VALUES, indent=indent, ensure_ascii=ascii_only).encode())
    wanted = [("a", VALUES["a"]), *(("list", item) for item in VALUES["list"]), ("b", VALUES["b"]), ("last", True)]
    assert (found, receipt.problems, receipt.lines) == (wanted, [], 0)


@given(st.dictionaries(st.text(max_size=4), fuzzing.JSON, max_size=4), st.integers(1, 9), st.sampled_from([None, 1]))
def test_any_object_is_read_as_json_reads_it(value, size, indent):
    """The members are those of the standard library, at any size of pieces."""

    class Slow(io.BytesIO):
        def read(self, _count=-1):
            return super().read(size)

    data = json.dumps(value, indent=indent).encode()
    found = list(jsonmembers.read_members(Source("x", lambda: Slow(data)), Receipt(), frozenset()))
    assert dict(found) == json.loads(data)


@given(fuzzing.damaged(json.dumps(VALUES).encode()))
def test_damage_raises_only_our_error(data):
    """Whatever the bytes are, there are members and counted damage, or a TranscriptError."""
    receipt = Receipt()
    try:
        list(jsonmembers.read_members(folders.one(data), receipt, frozenset(("list",))))
    except TranscriptError:
        return
    assert receipt.lines == receipt.dropped.get("damaged", 0)


@pytest.mark.parametrize(
    ("data", "found", "told"),
    [
        (b'{"list": [{"k": 1}, {"k": 2}, {"k": ', [{"k": 1}, {"k": 2}], "ends in the middle"),
        (b'{"list": [{"k": 1}, {"k": 2}', [{"k": 1}, {"k": 2}], "ends before its end"),
        (b'{"list": [{"k": 1}, {"k": x}, {"k": 3}]}', [{"k": 1}, {"k": 3}], "not readable"),
        (
            b'{"list": [{"k": 1}, {"k": "open}, {"k": 3}, {"k": 4}]}',
            [{"k": 1}, {"k": 3}, {"k": 4}],
            "ends in the middle",
        ),
        (b'{"list": [{"k": 1}, {"k": {"z": 2}, {"k": 3}]}', [{"k": 1}, {"k": 3}], "brackets"),
        (b'{"list": [{"k": 1}] "more": 1}', [{"k": 1}], ""),
        (b'{"list": [{"k": 1}], nonsense', [{"k": 1}], "cannot be read"),
        (b'{"list": [{"k": NaN}, {"k": 1}]}', [{"k": 1}], "not readable"),
        (b'{"list": [' + b"[" * 500 + b"]" * 500 + b', {"k": 1}]}', [{"k": 1}], "nested too deeply"),
        (b'{"list": [{"k": "\xff"}]}', [{"k": "\ufffd"}], "not valid UTF-8"),
    ],
    ids=["torn", "open", "bad value", "open text", "open object", "no comma", "nonsense", "NaN", "deep", "not UTF-8"],
)
def test_elements_behind_damage_are_found_and_the_damage_is_told(data, found, told):
    """One bad element does not cost the others."""
    read, receipt = members(data)
    assert [value for name, value in read if name == "list"] == found
    assert any(told in problem for problem in receipt.problems) or (not told and receipt.problems == [])


@pytest.mark.parametrize("data", [b"", b"  ", b"[1]", b"x", b'"text"', b"\xef\xbb\xbf"])
def test_what_is_no_object_is_an_error(data):
    """There are no members in something else."""
    with pytest.raises(TranscriptError, match=r"no JSON object|empty"):
        members(data)


def test_a_byte_order_mark_does_no_harm():
    """Windows programs like to write one."""
    assert members(b'\xef\xbb\xbf{"a": 1}')[0] == [("a", 1)]


def test_an_element_that_is_too_long_is_told(monkeypatch):
    """What is longer than the limit is left out; nothing is held without bound."""
    monkeypatch.setattr(jsonmembers, "MAX_LINE_BYTES", 3 * 1024 * 1024)
    data = b'{"list": [{"k": 1}, {"k": "' + b"x" * 9_000_000 + b'"}, {"k": 3}]}'
    found, receipt = members(data)
    assert found[0] == ("list", {"k": 1})
    assert "longer than" in receipt.problems[0]


def test_damage_everywhere_takes_no_time():
    """A file of beginnings is given up after a while, not searched for ever."""
    found, receipt = members(b'{"list": [{"k": 1}, ' + b'{"k": "' * 200_000)
    assert found == [("list", {"k": 1})]
    assert receipt.problems
