"""What became of files, on balance."""

from __future__ import annotations

import pytest

from superqode.session.importers.balance import FileBalance, plain_path


def balance(*steps, project="/p"):
    """Take steps; gives what was created, modified and deleted."""
    files = FileBalance(project)
    for touch, path in steps:
        files.take(touch, path)
    return files.created, files.modified, files.deleted


@pytest.mark.parametrize(
    ("steps", "result"),
    [
        ([("create", "a"), ("modify", "a")], (["a"], [], [])),
        ([("modify", "a"), ("create", "a")], ([], ["a"], [])),
        ([("create", "a"), ("delete", "a")], ([], [], [])),
        ([("modify", "a"), ("delete", "a")], ([], [], ["a"])),
        ([("delete", "a"), ("create", "a")], ([], ["a"], [])),
        ([("create", "a"), ("delete", "a"), ("write", "a")], (["a"], [], [])),
        ([("write", "a"), ("write", "a")], (["a"], [], [])),
        ([("read", "a"), ("write", "a")], ([], ["a"], [])),
        ([("read", "a")], ([], [], [])),
        ([("delete", "a"), ("delete", "a")], ([], [], ["a"])),
        ([("create", "/p/d/a"), ("modify", "d/a")], (["d/a"], [], [])),
        ([("create", "/q/a")], (["/q/a"], [], [])),
    ],
)
def test_what_was_made_and_removed_again_is_neither(steps, result):
    """Created wins over modified, a file seen before is not created, and paths are the project's."""
    assert balance(*steps) == result


def test_a_path_is_meant_from_its_folder():
    """A relative path belongs to the folder the tool worked in, not to the project's."""
    files = FileBalance("/p/sub")
    files.take("create", "a", "/p")
    files.take("create", "b", "/p/sub/deep")
    assert files.created == ["/p/a", "deep/b"]


@pytest.mark.parametrize(
    ("quoted", "plain"),
    [
        ('"docs/\\350\\257\\264\\346\\230\\216.md"', "docs/说明.md"),
        ('"a\\tb"', "a\tb"),
        ('"a\\"b"', 'a"b'),
        ("a\\tb", "a\\tb"),
        ('"a b"', '"a b"'),
        ('"', '"'),
        ("", ""),
        ('"\\777"', "\ufffd"),
    ],
)
def test_names_in_gits_quotes_are_read(quoted, plain):
    """Git writes names with anything but ASCII as octal escapes in quotes; other names stay as they are."""
    assert plain_path(quoted) == plain
