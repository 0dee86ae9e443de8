"""`repair`: whole again from whatever copy there is; without one, what can be read is saved; nothing is destroyed."""

from __future__ import annotations

import shutil

import pytest

from session.store.homes import claude_lines
from superqode.session import Session, SessionStore
from superqode.session.errors import BackupError, CorruptSession
from superqode.session.git.objects import Objects

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


@pytest.mark.parametrize("logged", [True, False])
@pytest.mark.parametrize("how", ["cut", "gone"])
def test_a_damaged_last_save_leaves_the_one_before(store, session, spoil, forget, how, logged):
    """The likeliest damage: nothing leads from the branch to the save before it, which is found and saved."""
    forget()
    if not logged:
        (store.path / "logs/refs/heads/s").write_text("")
    oid = spoil("s", how)
    with opened(store) as fresh:
        told = fresh.repair(dry_run=True)
    with opened(store) as fresh:
        report = fresh.repair()
    assert told.steps == report.steps
    assert [(step.what, step.name) for step in report.lost] == [("object", oid)]
    assert [(step.what, step.name) for step in report.steps] == [("session", "s-recovered")]
    assert texts(store, "s-recovered") == ["one", "two", "three"]
    with opened(store) as fresh:
        assert fresh.repair().steps == (), "once is enough"


def test_a_renamed_sessions_damaged_last_save_leaves_the_one_before(store, session, spoil, forget):
    """The saves before a renaming have another id; a snapshot leads to them."""
    store.rename("s", "t")
    forget()
    spoil("t")
    with opened(store) as fresh:
        assert [step.name for step in fresh.repair().steps] == ["t-recovered"]
    assert texts(store, "t-recovered") == ["one", "two", "three", "four"]


def test_a_branch_at_nothing_is_recovered_once(store, session, forget, git):
    """A ref that a crash left at an object which never came: the last save is found by what else tells of it."""
    forget()
    (store.path / "refs/heads/s").write_text("1" * 40 + "\n")
    with opened(store) as fresh:
        told = fresh.repair(dry_run=True)
    with opened(store) as fresh:
        assert fresh.repair().steps == told.steps
    assert [step.name for step in told.steps] == ["s-recovered"]
    assert texts(store, "s-recovered") == ["one", "two", "three", "four"]


def test_each_session_that_shares_the_damage_is_recovered(store, session, spoil, forget):
    """A fork has the lost message as well: what can be read of each becomes a session, once."""
    store.fork("s", new_id="fork")
    forget()
    oid = spoil("s:timeline/0000/00/02-user.json")
    with opened(store) as fresh:
        told = fresh.repair(dry_run=True)
    with opened(store) as fresh:
        report = fresh.repair()
    assert told.steps == report.steps
    assert sorted((step.session_id, step.name) for step in report.lost) == [("fork", oid), ("s", oid)]
    assert len({step.detail for step in report.lost}) == 1
    for name in ("s", "fork"):
        assert texts(store, f"{name}-recovered") == ["one", "two", "four"]
    with opened(store) as fresh:
        assert fresh.repair().steps == (), "once is enough"


MALFORMED = {
    "commit": (b"tree nothing\n\nx", "commit"),
    "commit without a tree": (b"author A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nx", "commit"),
    "tree": (b"100644 x\0short", "tree"),
    "blob instead of a commit": (b"tree", "blob"),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_what_is_whole_but_malformed_keeps_no_other_from_repair(store, session, spoil, forget, git, what):
    """An object that has its hash and is no such thing is told as lost; the sessions beside it are repaired."""
    content, kind = MALFORMED[what]
    oid = store._open().objects.write(kind, content)
    if kind == "tree":
        idents = "author A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000"
        commit = store._open().objects.write("commit", f"tree {oid}\n{idents}\n\nx".encode())
    (store.path / "refs" / "heads" / "bad").write_text((commit if kind == "tree" else oid) + "\n")
    mended = spoil("s:session.json")
    with opened(store) as fresh:
        report = fresh.repair()
    assert [(step.session_id, step.name) for step in report.lost] == [("bad", oid)]
    assert [(step.session_id, step.name) for step in report.steps] == [("s", mended)]
    assert texts(store) == ["one", "two", "three", "four"]


def test_a_tree_in_a_messages_place_is_lost(store, session, forget, git):
    """An object of another kind is not whole for being readable."""
    objects = store._open().objects
    files = objects.tree(git("rev-parse", "s^{tree}"))
    other = objects.write_tree(files[:1])
    tree = objects.write_tree(file._replace(oid=other) if file.name == "session.json" else file for file in files)
    git("update-ref", "refs/heads/s", git("commit-tree", "-p", "s", "-m", "by hand", tree))
    with opened(store) as fresh:
        [lost] = fresh.repair().lost
    assert (lost.session_id, lost.name) == ("s", other)
    assert "should be a blob" in lost.detail


@pytest.mark.parametrize("kind", ["lightweight", "annotated"])
def test_what_a_snapshot_alone_reaches_is_repaired(store, session, spoil, git, kind):
    """The branch went back behind a tag: what only the tag holds is looked at as well."""
    git("tag", *(["-m", "x", "-a"] if kind == "annotated" else []), "s/kept", "s")
    oid = spoil("s:timeline/0000/00/03-user.json")
    git("update-ref", "refs/heads/s", "s~1")
    with opened(store) as fresh:
        assert [step.name for step in fresh.repair(dry_run=True).steps] == [oid]
    with opened(store) as fresh:
        assert [step.name for step in fresh.repair().steps] == [oid]
    git.fsck()


def test_a_damaged_tag_hides_nothing_from_a_dry_run(store, session, spoil, git):
    """A dry run looks below what it would bring back."""
    git("update-ref", "refs/heads/s", "s~1")
    git("tag", "-m", "x", "-a", "s/kept", "s@{1}")
    spoiled = {spoil("s/kept:timeline/0000/00/03-user.json")}
    store_copy = store.path.with_name("copy")
    shutil.copytree(store.path, store_copy)
    spoiled.add(spoil("refs/tags/s/kept"))
    with opened(store) as fresh:
        assert {step.name for step in fresh.repair([store_copy], dry_run=True).steps} == spoiled


def test_the_trash_is_repaired_as_well(store, session, spoil, git):
    """A deleted session that can be taken back has to be whole then."""
    store.delete("s")
    [branch] = [name for name in git("for-each-ref", "--format=%(refname)").split() if name.endswith("/branch")]
    with SessionStore(store.path) as other:
        assert other.verify().ok
    copy = store.path.with_name("copy")
    shutil.copytree(store.path, copy)
    oid = spoil(f"{branch}:timeline/0000/00/02-user.json")
    with opened(store) as fresh:
        report = fresh.repair([copy])
    assert [(step.session_id, step.name, step.how) for step in report.steps] == [("", oid, str(copy))]
    with opened(store) as fresh:
        fresh.undelete("s")
    assert texts(store) == ["one", "two", "three", "four"]


def test_what_of_the_trash_is_lost_is_told(store, session, spoil, forget, git):
    """No copy anywhere: it is named, and no session is made of what somebody deleted."""
    store.delete("s")
    forget()
    [branch] = [name for name in git("for-each-ref", "--format=%(refname)").split() if name.endswith("/branch")]
    oid = spoil(f"{branch}:timeline/0000/00/02-user.json")
    with opened(store) as fresh:
        report = fresh.repair()
    assert [(step.session_id, step.name) for step in report.lost] == [("", oid)]
    assert report.steps == ()


def test_a_kept_original_is_repaired_as_well(store, tmp_path, git):
    """What an import kept of an agent's file comes back from another store."""
    transcript = tmp_path / "t" / "11111111-1111-4111-8111-111111111111.jsonl"
    transcript.parent.mkdir()
    transcript.write_text(claude_lines("hello"))
    store.import_sources([transcript])
    [kept] = git("for-each-ref", "--format=%(objectname)", "refs/superqode/sources/").split()
    with opened(store) as fresh:
        fresh._open().checkpoint()
    copy = tmp_path / "copy"
    shutil.copytree(store.path, copy)
    blobs = [line.split()[2] for line in git("ls-tree", "-r", kept).splitlines()]
    for oid in blobs:
        path = store.path / "objects" / oid[:2] / oid[2:]
        if path.exists():
            path.unlink()
    gone = [oid for oid in blobs if not (store.path / "objects" / oid[:2] / oid[2:]).exists()]
    with opened(store) as fresh:
        assert {step.name for step in fresh.repair([copy]).steps} == set(gone)
    git.fsck()


def test_many_damaged_branches_read_each_object_once(store, session, forget, monkeypatch):
    """What lies in the store is read through once for all of them."""
    for number in range(5):
        store.save(Session(id=f"n{number}", title="N"))
    forget()
    for name in ("s", *(f"n{number}" for number in range(5))):
        (store.path / "refs" / "heads" / name).write_bytes(b"")
    rounds = []
    every = Objects.every
    monkeypatch.setattr(Objects, "every", lambda self: rounds.append(1) or every(self))
    with opened(store) as fresh:
        report = fresh.repair()
    assert [step.how for step in report.steps] == ["the reflog"] * 5 + ["its commits"]
    assert len(rounds) == 2  # for all damaged branches, and for saves that nothing reaches


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


BY_HAND = {
    "a gap": ("timeline/0000/00/01-user.json", None),
    "no JSON in an entry": ("timeline/0000/00/02-user.json", '{"kind": oops'),
    "no JSON in session.json": ("session.json", "oops"),
    "no session at all": ("format", None),
}


@pytest.mark.parametrize("what", BY_HAND)
def test_a_save_that_is_none_is_damage_though_every_object_is_whole(store, session, git, what):
    """What somebody wrote by hand and nothing can load: told, once recovered to another session, and left as it is."""
    path, content = BY_HAND[what]
    listed = [line for line in git("ls-tree", "-r", "s").splitlines() if not line.endswith("\t" + path)]
    if content is not None:
        listed.append(f"100644 blob {git('hash-object', '-w', '--stdin', stdin=content)}\t{path}")
    git("update-index", "--add", "--index-info", stdin="\n".join(line.replace(" blob", "") for line in listed) + "\n")
    tip = git("commit-tree", git("write-tree"), "-p", "s", "-m", "by hand")
    git("update-ref", "refs/heads/s", tip)
    store._open().checkpoint()

    with opened(store) as fresh:
        planned, report = fresh.repair(dry_run=True), fresh.repair()
        again = fresh.repair()

    assert (planned.steps, planned.lost) == (report.steps, report.lost)
    assert [(step.session_id, step.what, step.name) for step in report.steps] == [("s", "session", "s-recovered")]
    assert [(step.session_id, step.what, step.name) for step in report.lost] == [("s", "session", tip)]
    assert (again.steps, again.lost) == ((), report.lost)
    assert texts(store, "s-recovered") == ["one", "two", "three", "four"]
    assert git("rev-parse", "s") == tip
