"""Sources of one run: how they find each other."""

from __future__ import annotations

import pytest

from superqode.session.importers.base import Source

from . import folders

FILES = {"a/x.json": b"1", "a/b/y.json": b"2", "a/b.json": b"3", "a-b/z.json": b"4", "c.db": b"5", "c.db-wal": b"6"}


def names(sources):
    """Give the names of sources."""
    return [source.name for source in sources]


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("a", ["a/b.json", "a/b/y.json", "a/x.json"]),
        ("a/", ["a/b.json", "a/b/y.json", "a/x.json"]),
        ("a/b", ["a/b/y.json"]),
        ("a/b.json", ["a/b.json"]),
        ("a-b", ["a-b/z.json"]),
        ("c.db", ["c.db"]),
        ("b", []),
        ("", []),
    ],
)
def test_a_source_finds_what_is_within_a_folder_or_has_a_name(place, found):
    """A folder gives its files and those below it in order, a file itself, and nothing that only begins alike."""
    assert names(folders.of(FILES)[0].within(place)) == found


def test_a_source_finds_others_by_a_part_of_their_name():
    """Every file of the run whose name has the text in it, in order."""
    assert names(folders.of(FILES)[0].related("b")) == ["a-b/z.json", "a/b.json", "a/b/y.json", "c.db"]


def test_a_source_opens_what_stands_beside_it():
    """A file of the same name with an ending behind it, which need not be one of the run."""
    sources = {source.name: source for source in folders.of(FILES)}
    assert "c.db-wal" not in sources
    with sources["c.db"].beside("-wal") as stream:
        assert stream.read() == b"6"
    with pytest.raises(FileNotFoundError):
        sources["c.db"].beside("-shm")


def test_a_source_alone_knows_no_others():
    """What is not told is not found."""
    alone = Source("x", lambda: None)
    assert (names(alone.within("")), names(alone.related(""))) == ([], [])
    with pytest.raises(FileNotFoundError):
        alone.beside("-wal")
