"""`repair`: whole again from whatever copy there is; without one, what can be read is saved; nothing is destroyed."""

from __future__ import annotations

import shutil

import pytest

from superqode.session import Session, SessionStore
from superqode.session.errors import BackupError, CorruptSession

DAMAGES = {
    "gone": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-4]),
    "zeros": lambda path: path.write_bytes(b"\0" * path.stat().st_size),
    "flipped": lambda path: path.write_bytes(
        path.read_bytes()[:20] + bytes([path.read_bytes()[20] ^ 1]) + path.read_bytes()[21:]
    ),
    "another object": lambda path: path.write_bytes(
        next(other for other in path.parents[1].glob("??/*") if other != path).read_bytes()
    ),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}
OBJECTS = {
    "commit": "s",
    "earlier commit": "s~1",
    "tree": "s^{tree}",
    "directory": "s:timeline/0000/00",
    "message": "s:timeline/0000/00/01-user.json",
    "session.json": "s:session.json",
    "tag": "refs/tags/s/here",
}


@pytest.fixture
def session(store):
    """A session of four saves with a snapshot, beside another one."""
    store.save(Session(id="other", title="Other"))
    made = Session(id="s", title="T")
    for text in ("one", "two", "three"):
        made.add_message("user", text)
        store.save(made)
    made.create_snapshot("here", snapshot_id="here")
    made.add_message("user", "four")
    store.save(made)
    return made


@pytest.fixture
def spoil(store, git):
    """Damages the loose file of a revision's object; gives the object's id."""

    def damage(revision, how="cut"):
        oid = git("rev-parse", revision)
        path = store.path / "objects" / oid[:2] / oid[2:]
        path.chmod(0o600)
        DAMAGES[how](path)
        return oid

    return damage


@pytest.fixture
def forget(store):
    """Makes the journal empty: nothing is in it any more."""

    def do():
        with SessionStore(store.path) as opened:
            opened._open().checkpoint()

    return do


def opened(store):
    """The store as a process finds it that opens it now."""
    return SessionStore(store.path)


def texts(store, name="s"):
    """What a session holds now."""
    with opened(store) as fresh:
        return [message.content for message in fresh.load(name).messages]


@pytest.mark.parametrize("what", OBJECTS)
@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_object_comes_back(store, session, spoil, git, how, what):
    """Whatever befell whichever object: a whole copy takes its place, and plain git is content."""
    oid = spoil(OBJECTS[what], how)
    with opened(store) as fresh:
        report = fresh.repair()
    assert [(step.what, step.name) for step in report.steps] == [("object", oid)]
    assert report.lost == ()
    assert texts(store) == ["one", "two", "three", "four"]
    git.fsck()
    with opened(store) as fresh:
        assert fresh.verify().ok
        assert fresh.repair().steps == ()


def test_what_would_be_done_is_told_before(store, session, spoil):
    """A dry run tells the same steps and changes nothing."""
    spoil("s:timeline/0000/00/00-user.json")
    spoil("s:timeline/0000/00")
    with opened(store) as fresh:
        told = fresh.repair(dry_run=True)
        assert len(told.steps) == 2
        with pytest.raises(CorruptSession):
            fresh.load("s")
        assert not list(fresh._open().quarantine.glob("*"))
    with opened(store) as fresh:
        assert [step.to_dict() for step in fresh.repair().steps] == [step.to_dict() for step in told.steps]


@pytest.mark.parametrize("kind", ["backup", "store", "pack"])
def test_copies_are_taken_from_elsewhere(store, session, spoil, forget, tmp_path, kind, git):
    """Where the journal has nothing any more: from a backup, from another store, or from a pack that has it as well."""
    forget()
    places = []
    if kind == "backup":
        places = [store.backup(tmp_path / "all.bundle")]
    elif kind == "store":
        places = [tmp_path / "copy"]
        shutil.copytree(store.path, places[0])
    else:
        git("repack", "-a", "-q")  # keeps the loose files
    oid = spoil("s:timeline/0000/00/02-user.json")
    with opened(store) as fresh:
        report = fresh.repair(places)
    assert [(step.name, step.how) for step in report.steps] == [(oid, str(places[0]) if places else "a pack")]
    assert texts(store) == ["one", "two", "three", "four"]


def test_damaged_files_are_kept(store, session, spoil):
    """What was damaged lies in the quarantine afterwards, byte for byte."""
    oid = spoil("s:session.json")
    damaged = (store.path / "objects" / oid[:2] / oid[2:]).read_bytes()
    with opened(store) as fresh:
        fresh.repair()
        [kept] = fresh._open().quarantine.glob(f"*{oid}")
    assert kept.read_bytes() == damaged


@pytest.mark.parametrize("content", [b"", b"\0" * 41, b"nonsense\n"])
@pytest.mark.parametrize("forgotten", [False, True])
def test_a_damaged_branch_is_found_again(store, session, forget, git, content, forgotten):
    """From the journal, or else from the newest of its saves that lies in the store."""
    tip = git("rev-parse", "s")
    if forgotten:
        forget()
    (store.path / "refs" / "heads" / "s").write_bytes(content)
    with opened(store) as fresh:
        [step] = fresh.repair().steps
    assert (step.what, step.name, step.detail) == ("ref", "refs/heads/s", tip)
    assert step.how == ("its commits" if forgotten else "the journal")
    assert texts(store) == ["one", "two", "three", "four"]


def test_what_is_lost_is_told_and_the_rest_is_saved(store, session, spoil, forget):
    """No copy anywhere: the branch stays as it is, and another session has the last whole save and what came later."""
    forget()
    oid = spoil("s:timeline/0000/00/02-user.json")
    with opened(store) as fresh:
        report = fresh.repair()
    assert [(step.what, step.name) for step in report.lost] == [("object", oid)]
    [made] = report.steps
    assert (made.what, made.name) == ("session", "s-recovered")
    assert texts(store, "s-recovered") == ["one", "two", "four"]
    with opened(store) as fresh:
        recovered = fresh.load("s-recovered")
        assert recovered.parent_session_id == "s"
        assert recovered.metadata["recovered"]["from"] == "s"
        with pytest.raises(CorruptSession):
            fresh.load("s")
        assert fresh.repair().steps == (), "once is enough"


def test_only_the_damaged_history_is_lost(store, session, spoil, forget):
    """Where an earlier save is damaged, the present state is whole in the session that is made."""
    forget()
    spoil("s~2")
    with opened(store) as fresh:
        report = fresh.repair()
    assert [step.what for step in report.steps] == ["session"]
    assert texts(store, "s-recovered") == ["one", "two", "three", "four"]


def test_others_are_not_touched(store, session, spoil, git):
    """Repairing one session moves no ref and no file of another."""
    before = git("for-each-ref")
    spoil("s:session.json")
    with opened(store) as fresh:
        fresh.repair()
    assert git("for-each-ref") == before


def test_a_place_that_is_no_store_is_refused(store, session, tmp_path):
    """A folder or file that cannot hold copies is an error that says what to name."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(BackupError, match="neither a store nor a backup"):
        store.repair([tmp_path / "empty"])
    (tmp_path / "file").write_text("x")
    with pytest.raises(BackupError):
        store.repair([tmp_path / "file"])


def test_a_copy_that_lies_is_not_taken(store, session, spoil, forget, tmp_path):
    """A copy is believed by its hash alone: one that is damaged as well does not count."""
    forget()
    shutil.copytree(store.path, tmp_path / "copy")
    oid = spoil("s:session.json")
    twin = tmp_path / "copy" / "objects" / oid[:2] / oid[2:]
    twin.chmod(0o600)
    twin.write_bytes((store.path / "objects" / oid[:2] / oid[2:]).read_bytes())
    with opened(store) as fresh:
        assert [step.name for step in fresh.repair([tmp_path / "copy"]).lost] == [oid]


def test_a_store_that_is_not_there_is_whole(tmp_path):
    """Nothing to do is no error."""
    with SessionStore(tmp_path / "none") as none:
        assert none.repair().to_dict() == {"steps": [], "lost": [], "dry_run": False}
