"""What segments tell is kept beside the store, and may be lost at any time."""

from __future__ import annotations

from superqode.session.sync.told import Told

CHANGES = {"refs/heads/s": "ab" * 20, "refs/heads/t": None}


def test_what_was_told_comes_back(tmp_path):
    """In this process and in the next; what is not known is said to be so."""
    told = Told(tmp_path / "told")
    assert told.get("a") is None
    told.put("a", CHANGES)
    assert told.get("a") == Told(tmp_path / "told").get("a") == CHANGES


def test_what_is_damaged_is_not_known(tmp_path):
    """A file that was cut, or is something else, tells nothing; it is written anew."""
    told = Told(tmp_path / "told")
    told.put("a", CHANGES)
    (tmp_path / "told" / "a").write_bytes((tmp_path / "told" / "a").read_bytes()[:-9])
    fresh = Told(tmp_path / "told")
    assert fresh.get("a") is None
    fresh.put("a", CHANGES)
    assert Told(tmp_path / "told").get("a") == CHANGES


def test_what_no_segment_tells_any_more_goes(tmp_path):
    """Only segments that there are keep a file, and half-written ones go, too."""
    told = Told(tmp_path / "told")
    told.put("a", CHANGES)
    told.put("b", CHANGES)
    (tmp_path / "told" / "c.new").write_bytes(b"half")
    told.keep({"a"})
    assert [path.name for path in (tmp_path / "told").iterdir()] == ["a"]
