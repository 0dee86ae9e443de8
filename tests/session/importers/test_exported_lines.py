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
    ("extra", "problems"),
    [
        ('{"type": "later"}\n', []),
        (
            '{"type": "message", "id": "more", "role": "user", "content": "m"}\n',
            ["1 more than the 7 entries that the first line tells of"],
        ),
    ],
    ids=["of another kind", "an entry"],
)
def test_nothing_is_called_missing_that_is_there(extra, problems) -> None:
    """What stands there and was not told of is told as that, never as a loss."""
    told = read("".join([*lines(), extra]))
    assert isinstance(told, Imported)
    assert told.receipt.problems == problems


def joined(*parts: str) -> list[Imported | TranscriptError]:
    """What the importer makes of files put behind each other."""
    return list(ExportedLinesImporter().read(Source("out.jsonl", lambda: io.BytesIO("".join(parts).encode()))))


def test_exports_behind_each_other_are_several_sessions() -> None:
    """`cat a.jsonl b.jsonl` gives both, each as if it came alone, each with the receipt of its own lines."""
    first, cut = lines(), [changed(lines()[0], id="session-2"), *lines()[1:-2], '{"type": "later"}\n']
    whole, rest, again = joined(*first, *cut, *first)
    assert isinstance(whole, Imported)
    assert isinstance(rest, Imported)
    assert isinstance(again, Imported)
    assert whole.session == again.session == everything()
    assert whole.receipt == again.receipt
    assert (rest.session.id, len(rest.session.timeline)) == ("session-2", len(everything().timeline) - 2)
    assert rest.receipt.dropped["lines of another kind"] == 1
    assert rest.receipt.problems[0] == "2 of 7 entries are missing"


def test_of_exports_behind_each_other_a_bad_one_costs_no_other() -> None:
    """One that cannot be read is an error between the others."""
    later = [changed(lines()[0], format="superqode-lines-9", id="session-2"), *lines()[1:]]
    empty = changed(lines()[0], id="../x", title="", messages=0, executions=0)
    results = joined(*lines(), *later, empty, *lines())
    assert [type(result) for result in results] == [Imported, TranscriptError, TranscriptError, Imported]
    assert isinstance(results[3], Imported)
    assert results[3].session == everything()


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
