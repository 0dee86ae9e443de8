"""Folders that somebody works in: theirs while the process lives, told as left afterwards, and never taken away before."""

import stat

import pytest

from superqode.session.git import workplaces
from superqode.session.git.workplaces import Workplace, is_left, remove


@pytest.fixture
def names(tmp_path):
    """Gives new names, one after the other."""
    numbers = iter(range(100))
    return lambda: tmp_path / f"place-{next(numbers)}"


def test_it_is_its_owners_alone_until_it_is_closed(names):
    """Nobody else may look into it, nobody removes it, and it goes with all that is in it; closing again is fine."""
    place = Workplace(names)
    (place.path / "file").write_text("x")

    assert stat.S_IMODE(place.path.stat().st_mode) == 0o700
    assert not is_left(place.path)
    assert not remove(place.path)
    place.close()
    place.close()
    assert not place.path.exists()


def test_one_that_nobody_holds_is_left(names):
    """The lock is gone with its process; what it left is removed."""
    place = Workplace(names)
    place._held.release()

    assert is_left(place.path)
    assert remove(place.path)
    assert not place.path.exists()


def test_a_folder_that_does_not_tell_is_not_called_left(tmp_path):
    """Who does not say that they hold it may work there all the same; whoever knows better may remove it."""
    (tmp_path / "silent").mkdir()
    assert not is_left(tmp_path / "silent")
    assert not is_left(tmp_path / "nowhere")
    assert remove(tmp_path / "silent")
    assert list(tmp_path.glob("s*")) == []


def test_who_is_swept_away_while_they_make_it_makes_another(names, monkeypatch):
    """Between making the file and holding it the folder looks as if it were left."""
    original = workplaces._take
    todo = [remove]

    def take(handle):
        while todo:
            todo.pop()(place_0)
        return original(handle)

    place_0 = names().with_name("place-1")
    monkeypatch.setattr(workplaces, "_take", take)
    place = Workplace(names)

    assert place.path.name == "place-2"
    assert not place_0.exists()
    assert not is_left(place.path)
    place.close()
