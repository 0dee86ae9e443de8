"""JSON as we write it: UTF-8, sorted where it is stored, escapes only for what is not valid Unicode."""

import json

import pytest
from hypothesis import given

from strategies import json_objects, json_values
from superqode.session.codec import jsontext
from superqode.session.models import freeze


@given(json_objects)
def test_what_is_written_is_read_back(value):
    """Documents, lines and text read back as the value, with Python's reader as with ours."""
    frozen = freeze(value)
    for written in (jsontext.dump_document(frozen), jsontext.dump_lines(frozen), jsontext.dump_text(frozen).encode()):
        assert jsontext.load(written) == frozen
        assert json.loads(written) == frozen


@given(json_objects)
def test_lines_have_one_field_each(value):
    """An object's file has one line a field, whatever text the fields hold, and ends with a newline."""
    frozen = freeze(value)

    lines = jsontext.dump_lines(frozen).decode().removesuffix("\n").split("\n")

    assert (lines[0], lines[-1]) == ("{", "}")
    assert len(lines) == 2 + max(1, len(frozen))


def test_golden_bytes():
    """The very bytes: sorted keys, one field a line, UTF-8, escapes for control characters and lone surrogates only."""
    value = {"b": [1, 2.5, None], "a": "é\n東\u2028", "c": {"z": True, "y": "\ud800"}}

    assert jsontext.dump_lines(value) == (
        '{\n  "a": "é\\n東\u2028",\n  "b": [1, 2.5, null],\n  "c": {"y": "\\ud800", "z": true}\n}\n'.encode()
    )
    assert jsontext.dump_document({"b": ["x"], "a": []}) == b'{\n  "a": [],\n  "b": [\n    "x"\n  ]\n}\n'
    assert jsontext.dump_text({"b": "\udfff", "a": "é"}) == '{"b": "\\udfff", "a": "é"}'


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_json_has_not_are_not_written(value):
    """NaN and infinities never reach a file."""
    for dump in (jsontext.dump_document, jsontext.dump_lines, jsontext.dump_text):
        with pytest.raises(ValueError):
            dump({"x": value})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"a": NaN}',
        b"[Infinity]",
        b"-Infinity",
        b"\xff",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"9" * 5_000,
        b'"\x00"',
        b"{} {}",
    ],
    ids=lambda data: ascii(data[:12]),
)
def test_what_is_no_json_is_one_error(data):
    """Damaged, endless and extended JSON is a ValueError, never a crash of the reader."""
    with pytest.raises(ValueError):
        jsontext.load(data)


@given(json_values)
def test_any_value_can_be_encoded(value):
    """What is written for any value is valid UTF-8."""
    assert jsontext.dump_text(freeze(value)).encode()
