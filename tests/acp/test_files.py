"""The project's files for an agent: inside the project only, and by choice."""

from __future__ import annotations

import os

import pytest

from superqode.acp.files import MAX_FILE_BYTES, FileRefused, Files

from .scripted import said, turn


@pytest.fixture
def project(tmp_path):
    """A project with a file, beside one that is none of the agent's business."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "a.txt").write_text("one\ntwo\nthree\n", "utf-8")
    (tmp_path / "secret.txt").write_text("secret", "utf-8")
    (folder / "out").symlink_to(tmp_path)
    (folder / "leak.txt").symlink_to(tmp_path / "secret.txt")
    return folder


def test_an_agent_reads_and_writes_through_the_client(project):
    """As far as it may: the file is written, and belongs to the turn."""
    seen = turn(project, "read a.txt", "write docs/b.txt hello", files="write")
    assert said(seen) == "one\ntwo\nthree\nwritten"
    assert (project / "docs/b.txt").read_text("utf-8") == "hello"
    assert seen.files_created == ("docs/b.txt",)


@pytest.mark.parametrize(
    ("files", "deed", "told"), [("none", "read a.txt", "serves no"), ("read", "write b x", "writes no")]
)
def test_only_what_was_chosen_is_served(project, files, deed, told):
    """Nothing without leave to read, nothing written without leave to write."""
    assert told in said(turn(project, deed, files=files))
    assert not (project / "b").exists()


@pytest.mark.parametrize(
    "path",
    ["../secret.txt", "/etc/passwd", "out/secret.txt", "leak.txt", "", ".", "a\0b", "../project", 7, None, "x" * 5000],
)
def test_nothing_outside_the_project_is_read_or_written(project, tmp_path, path):
    """Neither by name nor behind a link, however it is written."""
    files = Files(project, "write")
    with pytest.raises(FileRefused):
        files.read({"path": path})
    with pytest.raises(FileRefused):
        files.write({"path": path, "content": "x"})
    assert (tmp_path / "secret.txt").read_text("utf-8") == "secret"


@pytest.mark.parametrize(
    ("line", "limit", "text"),
    [
        (None, None, "one\ntwo\nthree\n"),
        (2, None, "two\nthree\n"),
        (2, 1, "two\n"),
        (9, 1, ""),
        (None, 1, "one\n"),
        (-1, 0, ""),
    ],
)
def test_a_part_of_a_file_is_lines(project, line, limit, text):
    """Lines are counted from 1, as the protocol says."""
    assert Files(project, "read").read({"path": "a.txt", "line": line, "limit": limit}) == text


def test_only_a_line_feed_ends_a_line(project):
    """What other programs count as one line is one: a paragraph separator or a form feed inside it is text."""
    (project / "a.txt").write_text("one \u2028 still\x0c one\ntwo\n")
    assert Files(project, "read").read({"path": "a.txt", "line": 1, "limit": 1}) == "one \u2028 still\x0c one\n"


def test_what_is_no_plain_small_file_is_refused(project):
    """A folder, a pipe that would never answer, more than anybody reads, and no text at all."""
    os.mkfifo(project / "pipe")
    with (project / "big").open("wb") as stream:
        stream.truncate(MAX_FILE_BYTES + 1)
    files = Files(project, "write")
    for name in ("pipe", "big", "missing"):
        with pytest.raises(FileRefused):
            files.read({"path": name})
    for params in (
        {"path": "pipe", "content": "x"},
        {"path": "a.txt", "content": None},
        {"path": "a.txt/b", "content": "x"},
    ):
        with pytest.raises(FileRefused):
            files.write(params)
    with pytest.raises(FileRefused):
        files.write({"path": "large", "content": "x" * (MAX_FILE_BYTES + 1)})
    assert (project / "a.txt").read_text("utf-8") == "one\ntwo\nthree\n"
