"""Reflogs: what is written is read back, one line a move, whatever a reason says; damage costs only its own line."""

import pytest

from superqode.session.git.object_codec import Ident
from superqode.session.git.reflog import Reflog

IDENT = Ident("Ada Example", "ada@example.invalid", 1_700_000_000)
ONE, TWO = "1" * 40, "2" * 40
NAME = "refs/heads/deep/x"


@pytest.fixture
def log(tmp_path):
    """The reflogs of a repository that has none yet."""
    return Reflog(str(tmp_path))


def test_moves_are_read_back(log):
    """Where the ref was, where it went, and why, oldest first; nowhere is an empty text."""
    log.append(NAME, None, ONE, IDENT, "made")
    log.append(NAME, ONE, TWO, IDENT, "moved")
    assert log.moves(NAME) == [("", ONE), (ONE, TWO)]
    assert log.ids(NAME) == [ONE, TWO]
    assert log.reasons(NAME) == ["made", "moved"]
    assert log.names() == [NAME]


def test_a_reason_forges_no_line(log):
    """Line breaks and tabs in it become spaces."""
    log.append(NAME, None, ONE, IDENT, f"said\n{ONE} {TWO} x\tforged")
    assert log.reasons(NAME) == [f"said {ONE} {TWO} x forged"]


def test_a_line_that_is_damaged_tells_nothing(log, tmp_path):
    """The others do."""
    log.append(NAME, None, ONE, IDENT, "made")
    with (tmp_path / "logs" / NAME).open("ab") as file:
        file.write(b"\xff\0 garbage\n\n")
    log.append(NAME, ONE, TWO, IDENT, "moved")
    assert log.ids(NAME) == [ONE, TWO]


def test_empty_folders_give_way(log, tmp_path):
    """Where a folder stands in a reflog's place, and nothing is in it, the reflog takes it."""
    (tmp_path / "logs" / NAME / "left" / "over").mkdir(parents=True)
    log.append(NAME, None, ONE, IDENT, "made")
    assert log.ids(NAME) == [ONE]
