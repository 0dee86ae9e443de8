"""Receipts: what was read is mapped, kept or left out for a reason; of every importer, in whole and in damaged files."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exported import everything
from superqode.session.errors import TranscriptError
from superqode.session.exporters import jsonlines
from superqode.session.importers import IMPORTERS, make_importers

from . import folders, fuzzing
from .test_goose import SEED as GOOSE
from .truth import TRANSCRIPTS

RECORDED = [
    *(path.parent for path in sorted(TRANSCRIPTS.glob("*/*/*/expected.json"))),
    *sorted(TRANSCRIPTS.glob("superqode/*")),
]
# Formats of which nothing is recorded.
WRITTEN = {
    "goose": json.dumps(GOOSE, indent=1).encode(),
    "superqode-lines": "".join(jsonlines.render(everything())).encode(),
}
ALL = [
    *(pytest.param(folder, id="-".join(folder.relative_to(TRANSCRIPTS).parts)) for folder in RECORDED),
    *(pytest.param({"file": data}, id=name) for name, data in WRITTEN.items()),
]


def files_of(given):
    """Give the files of a recorded folder, or of a format, by name."""
    if isinstance(given, dict):
        return given
    found = {path.relative_to(given).as_posix(): path.read_bytes() for path in given.rglob("*") if path.is_file()}
    return {name: data for name, data in found.items() if name.rsplit("/", 1)[-1] not in folders.OURS}


def takers(files):
    """Say which importer takes each file that one takes, by its place among all."""
    importers = make_importers()
    known = {}
    for source in folders.of(files):
        head = source.head()
        taken = (number for number, importer in enumerate(importers) if importer.recognises(source, head))
        if (number := next(taken, None)) is not None:
            known[source.name] = number
    return known


def check_all(files, known):
    """Import the files, each with its importer, and check what holds for each result; gives how many there are."""
    importers = make_importers()
    results = [
        result
        for source in folders.of(files)
        if source.name in known
        for result in importers[known[source.name]].read(source)
    ]
    for result in results:
        if isinstance(result, TranscriptError):
            continue
        receipt = result.receipt
        assert receipt.lines == receipt.mapped + receipt.kept + sum(receipt.dropped.values())
        # Of our own exports only what is damaged says that it was imported: the others come back as they were.
        if result.session.metadata.get("imported", {}).get("receipt") or receipt.dropped:
            folders.check(result)
    return len(results)


@pytest.mark.parametrize("told", ALL)
def test_what_was_read_is_accounted_for(told):
    """Lines read are those mapped, kept and left out, and the session's own receipt says the same."""
    files = files_of(told)
    assert check_all(files, takers(files))


@pytest.mark.skipif(not RECORDED, reason="the recorded transcripts are not beside this checkout")
def test_no_importer_is_left_out():
    """Each importer takes a file of these."""
    taken = {number for told in ALL for number in takers(files_of(told.values[0])).values()}
    assert [importer.name for number, importer in enumerate(IMPORTERS) if number not in taken] == []


@pytest.mark.parametrize("told", ALL)
@settings(max_examples=8)
@given(data=st.data())
def test_what_was_read_of_damaged_files_is_accounted_for(told, data):
    """The same of files with lines gone, cut, doubled, glued and shuffled; the answers are ours, and nothing is raised."""
    files = files_of(told)
    known = takers(files)
    name = data.draw(st.sampled_from(sorted(known)))
    way = data.draw(st.sampled_from((fuzzing.torn, fuzzing.damaged)))
    check_all({**files, name: data.draw(way(files[name]))}, known)
