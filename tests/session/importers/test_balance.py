"""What became of files, on balance."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session import Session
from superqode.session.importers import balance as balancing
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


def comparisons(count):
    """How often names are compared while so many files are changed, removed and written again."""
    files = FileBalance("/p")
    steps = [(touch, f"f{number}") for touch in ("modify", "modify", "delete", "write") for number in range(count)]
    names = [path for _touch, path in steps[:count]]
    compared = 0

    class Path(str):
        """Counts how often it is compared."""

        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other):
            nonlocal compared
            compared += 1
            return str.__eq__(self, other)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(balancing, "relative_path", lambda path, _project: Path(path.removeprefix("/p/")))
        for touch, path in steps:
            files.take(touch, path)
    assert (files.created, files.modified, files.deleted) == ([], names, [])
    return compared


def test_many_files_are_looked_up_not_searched():
    """A file is found among thousands with as few comparisons as among some."""
    assert comparisons(800) < 3 * comparisons(400)


@given(
    st.lists(
        st.tuples(st.sampled_from(["create", "modify", "write", "read", "delete"]), st.sampled_from(["a", "b", "c"]))
    )
)
def test_each_file_is_in_one_list_and_goes_on_from_a_session(steps):
    """Made, changed or removed: a file is one of these, and a session kept between two steps changes nothing."""
    created, modified, deleted = balance(*steps)
    assert len({*created, *modified, *deleted}) == len([*created, *modified, *deleted])
    told = Session(title="t", project_path="/p", files_created=created, files_modified=modified)
    told.metadata = {"files_deleted": deleted}
    onto = FileBalance.onto(told)
    assert (onto.created, onto.modified, onto.deleted) == (created, modified, deleted)


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
