"""Files in an agent's folder: what is listed, what is written, and what is never touched."""

from __future__ import annotations

import os

import pytest

from superqode.session.errors import HandoffError
from superqode.session.handoff import PlannedFile
from superqode.session.store.agent_files import list_files, write_files


@pytest.fixture
def folder(tmp_path):
    """Where an agent keeps its things."""
    return tmp_path / "agent"


def _put(path, content=b"x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_only_what_matches_is_listed(folder):
    """A pattern's star is one folder or name; deeper and other files are not looked at."""
    for path in ("a/b.jsonl", "a/b.txt", "c.jsonl", "a/deep/d.jsonl", ".hidden/e.jsonl"):
        _put(folder / path, path.encode())
    found = list_files(folder, ["*/*.jsonl", "c.*"])
    assert sorted(found) == [".hidden/e.jsonl", "a/b.jsonl", "c.jsonl"]
    with found["a/b.jsonl"]() as stream:
        assert stream.read() == b"a/b.jsonl"


def test_no_folder_has_no_files(folder):
    """An agent that was never used here has nothing."""
    assert list_files(folder, ["*/*.jsonl"]) == {}


def test_links_out_of_the_folder_are_not_followed(folder, tmp_path):
    """What a link leads to elsewhere is not the agent's; a link within the folder is as good as what it names."""
    _put(tmp_path / "else" / "secret.jsonl")
    _put(folder / "real" / "own.jsonl")
    (folder / "out").symlink_to(tmp_path / "else")
    (folder / "in").symlink_to(folder / "real")
    _put(folder / "more" / "z.jsonl")
    (folder / "more" / "file.jsonl").symlink_to(tmp_path / "else" / "secret.jsonl")
    assert sorted(list_files(folder, ["*/*.jsonl"])) == ["in/own.jsonl", "more/z.jsonl", "real/own.jsonl"]


def test_a_file_is_its_owners_alone(folder):
    """Folders are made with mode 0700, files with 0600, and nothing else is left behind."""
    (written,) = write_files("s", folder, [PlannedFile("p/q/new.jsonl", b"whole")])
    assert written.read_bytes() == b"whole"
    assert written.stat().st_mode & 0o777 == 0o600
    assert {path.stat().st_mode & 0o777 for path in (folder, folder / "p", folder / "p" / "q")} == {0o700}
    assert os.listdir(folder / "p" / "q") == ["new.jsonl"]


def test_nothing_is_written_over(folder):
    """Where a file of that name is, even as a dead link, none of the planned files is written."""
    _put(folder / "p" / "there.jsonl", b"theirs")
    (folder / "p" / "link.jsonl").symlink_to(folder / "nowhere")
    for name in ("there", "link"):
        with pytest.raises(HandoffError, match="is there already"):
            write_files("s", folder, [PlannedFile("p/first.jsonl", b"a"), PlannedFile(f"p/{name}.jsonl", b"ours")])
    assert (folder / "p" / "there.jsonl").read_bytes() == b"theirs"
    assert not (folder / "p" / "first.jsonl").exists()


def test_what_is_new_goes_behind_what_is_there(folder):
    """A file that is as long as it was gets more, and stays the same file."""
    _put(folder / "a.jsonl", b"one\n")
    before = (folder / "a.jsonl").stat()
    write_files("s", folder, [PlannedFile("a.jsonl", b"two\n", 4)])
    after = (folder / "a.jsonl").stat()
    assert (folder / "a.jsonl").read_bytes() == b"one\ntwo\n"
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)


@pytest.mark.parametrize("there", [b"one\nmore\n", b"", None], ids=["grown", "emptied", "gone"])
def test_a_file_that_changed_meanwhile_is_left_alone(folder, there):
    """Where the agent wrote to its file since it was looked at, nothing is put behind it."""
    folder.mkdir()
    if there is not None:
        _put(folder / "a.jsonl", there)
    with pytest.raises(HandoffError):
        write_files("s", folder, [PlannedFile("a.jsonl", b"two\n", 4)])
    assert [path.read_bytes() for path in folder.iterdir()] == ([] if there is None else [there])


def test_a_disk_that_is_full_leaves_the_file_as_it_was(folder, monkeypatch):
    """A write that ends in the middle is taken back."""
    _put(folder / "a.jsonl", b"one\n")
    whole = os.write

    def write_some(handle, content):
        if bytes(content) == b"two\n":
            return whole(handle, content[:2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", write_some)
    with pytest.raises(OSError, match="No space left"):
        write_files("s", folder, [PlannedFile("a.jsonl", b"two\n", 4)])
    assert (folder / "a.jsonl").read_bytes() == b"one\n"


def test_a_folder_that_leads_out_is_not_written_to(folder, tmp_path):
    """A link in the agent's folder that leads elsewhere is named, and nothing is written there."""
    (tmp_path / "else").mkdir()
    folder.mkdir()
    (folder / "out").symlink_to(tmp_path / "else")
    for name in ("out/a.jsonl", "out/p/a.jsonl", "out/p/q/a.jsonl"):
        with pytest.raises(HandoffError, match="leads out of"):
            write_files("s", folder, [PlannedFile(name, b"x")])
    assert list((tmp_path / "else").iterdir()) == []


def test_a_link_to_what_is_not_there_makes_nothing_elsewhere(folder, tmp_path):
    """A dead link that leads out is named as well, and what it names is not made."""
    folder.mkdir()
    (folder / "out").symlink_to(tmp_path / "else")
    with pytest.raises(HandoffError, match="leads out of"):
        write_files("s", folder, [PlannedFile("out/p/a.jsonl", b"x")])
    assert not (tmp_path / "else").exists()


def test_the_agents_folder_itself_may_be_a_link(folder, tmp_path):
    """People keep whole folders elsewhere: what the folder's own link names is the folder."""
    (tmp_path / "synced").mkdir()
    folder.symlink_to(tmp_path / "synced")
    write_files("s", folder, [PlannedFile("p/a.jsonl", b"x")])
    assert (tmp_path / "synced" / "p" / "a.jsonl").read_bytes() == b"x"
    assert list(list_files(folder, ["p/*"])) == ["p/a.jsonl"]
