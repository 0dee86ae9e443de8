"""Sessions exported as JSON Lines come back; of damaged ones the rest is taken, and the loss is told."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exported import everything
from superqode.session.errors import TranscriptError
from superqode.session.exporters import jsonlines
from superqode.session.importers import recognise
from superqode.session.importers.base import Imported, Source
from superqode.session.importers.exported_lines import ExportedLinesImporter


def lines() -> list[str]:
    """An export, line by line."""
    return "".join(jsonlines.render(everything())).splitlines(keepends=True)


def read(data: str | bytes) -> Imported | TranscriptError:
    """What the importer makes of some bytes."""
    whole = data.encode() if isinstance(data, str) else data
    (told,) = ExportedLinesImporter().read(Source("out.jsonl", lambda: io.BytesIO(whole)))
    return told


def changed(line: str, **fields: Any) -> str:
    """A line with other fields."""
    return json.dumps(json.loads(line) | fields) + "\n"


def test_it_is_found_by_its_first_line() -> None:
    """Whatever the file is called, the first line says what it is."""
    source = Source("out.txt", lambda: io.BytesIO("".join(lines()).encode()))
    assert isinstance(recognise(source), ExportedLinesImporter)


@pytest.mark.parametrize(
    ("damage", "missing"),
    [
        (lambda told: told[:-2], 2),
        (lambda told: [*told[:3], *told[4:]], 1),
        (lambda told: [*told[:3], "{torn\n", *told[4:]], 1),
        (lambda told: [*told[:-1], told[-1][:20]], 1),
    ],
    ids=["cut", "a line gone", "a line damaged", "torn at the end"],
)
def test_the_rest_of_a_damaged_one_is_taken(damage, missing) -> None:
    """What is there comes in with a receipt that tells how much is missing."""
    told = read("".join(damage(lines())))
    assert isinstance(told, Imported)
    whole = everything()
    assert len(told.session.timeline) == len(whole.timeline) - missing
    receipt = told.session.metadata["imported"]["receipt"]
    assert any(f"{missing} of 7 entries are missing" in problem for problem in receipt["problems"])


def test_lines_of_another_kind_are_counted() -> None:
    """What a later superqode may add is left out, and that is told."""
    told = read("".join([*lines(), '{"type": "later"}\n']))
    assert isinstance(told, Imported)
    assert told.receipt.dropped == {"lines of another kind": 1}


@pytest.mark.parametrize(
    "data",
    [
        "",
        "\n\n",
        '{"type": "message"}\n',
        "".join(lines()[1:]),
        changed(lines()[0], format="superqode-lines-9"),
        changed(lines()[0], id="../x", title="", messages=0, executions=0),
    ],
    ids=["nothing", "blank", "no session", "headless", "later", "empty"],
)
def test_what_is_no_export_is_one_error(data: str) -> None:
    """Each is refused in one line that names the file."""
    told = read(data)
    assert isinstance(told, TranscriptError)
    assert "out.jsonl" in str(told)


_VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.lists(st.text(max_size=3), max_size=3)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 7), st.sampled_from(["id", "type", "messages", "metadata", "timestamp", "x"]), _VALUES
        ),
        max_size=4,
    )
)
def test_no_line_raises_anything_raw(changes: list[tuple[int, str, Any]]) -> None:
    """Whatever stands in a field, it is a session or a `TranscriptError`."""
    told = lines()
    for number, name, value in changes:
        told[number] = changed(told[number], **{name: value})
    assert isinstance(read("".join(told)), Imported | TranscriptError)


@given(st.binary(max_size=80))
def test_any_bytes_are_one_error_or_a_session(data: bytes) -> None:
    """Behind a good first line, anything may come."""
    assert isinstance(read(lines()[0].encode() + data), Imported | TranscriptError)
