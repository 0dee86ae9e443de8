"""Care: damage is named and kept apart, and maintenance keeps whatever anybody may still want."""

from __future__ import annotations

import os
import threading
from datetime import timedelta

import pytest

from superqode.session import MessageRole, Session, SessionStore
from superqode.session.errors import CorruptSession, SessionNotFound
from superqode.session.store import maintenance

DAY = 86_400


def saved(store, session_id="work", *texts):
    session = Session(id=session_id, title=f"About {session_id}")
    for text in texts or (f"Fix {session_id}",):
        session.add_message(MessageRole.USER, text)
        store.save(session)
    return session


def object_path(store_path, oid):
    return store_path / "objects" / oid[:2] / oid[2:]


def age(path, seconds):
    """Set a file's time back."""
    moment = path.stat().st_mtime - seconds
    os.utime(path, (moment, moment))


def overwrite(path):
    path.chmod(0o600)
    path.write_bytes(b"\x78\x01 rubbish")


def truncate(path):
    path.chmod(0o600)
    os.truncate(path, path.stat().st_size // 2)


def empty(path):
    path.chmod(0o600)
    os.truncate(path, 0)


def remove(path):
    path.unlink()


DAMAGES = [overwrite, truncate, empty, remove]
PLACES = {
    "entry": "timeline/0000/00/00-user.json",
    "folder": "timeline/0000/00",
    "description": "session.json",
}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("place", PLACES)
def test_verify_names_session_commit_and_path_of_the_damage(store, store_path, git, damage, place):
    """The finding says where; loading that session is an error that names it, the other stays usable."""
    saved(store, "bad")
    saved(store, "good")
    commit = git("rev-parse", "bad")
    damage(object_path(store_path, git("rev-parse", f"bad:{PLACES[place]}")))
    report = store.verify()
    assert not report.ok
    assert {(found.session_id, found.commit, found.path) for found in report.findings if found.severity == "error"} == {
        ("bad", commit, PLACES[place])
    }
    assert store.verify(["good"]).ok
    with SessionStore(store_path) as later:
        with pytest.raises(CorruptSession) as raised:
            later.load("bad")
        assert raised.value.session_id == "bad"
        assert later.load("good").messages[0].content == "Fix good"
        assert {line.id for line in later.list_sessions()} == {"bad", "good"}


def test_damage_in_history_and_in_snapshots_is_found(store, store_path, git):
    """Not only the tip is read: an old commit, and a snapshot's tag."""
    session = saved(store, "work", "one", "two")
    session.create_snapshot("here", snapshot_id="here")
    store.save(session)
    assert store.verify().ok
    first, tag = git("rev-parse", "work~1"), git("rev-parse", "refs/tags/work/here")
    for oid in (first, tag):
        overwrite(object_path(store_path, oid))
    found = {(finding.session_id, finding.commit, finding.path) for finding in store.verify().findings}
    assert found == {("work", first, ""), ("work", "", "refs/tags/work/here")}


def test_verify_counts_what_it_read_and_changes_nothing(store, git):
    """A whole store is fine, an unknown session an error, and progress is told."""
    saved(store, "one", "a", "b")
    saved(store, "two")
    refs = git("for-each-ref")
    told = []
    report = store.verify(progress=lambda done, total, what: told.append((done, total, what)))
    assert (report.ok, report.sessions, report.commits, report.findings) == (True, 2, 3, ())
    assert told[-1][:2] == (2, 2)
    with pytest.raises(SessionNotFound):
        store.verify(["three"])
    assert git("for-each-ref") == refs


def test_an_emptied_ref_is_damage_of_its_session_alone(store, store_path):
    """A power loss can leave a ref without content: it is named, and the others are listed."""
    saved(store, "bad")
    saved(store, "good")
    (store_path / "refs/heads/bad").write_bytes(b"")
    (finding,) = store.verify().findings
    assert (finding.severity, finding.session_id, finding.path) == ("error", "bad", "refs/heads/bad")
    with pytest.raises(CorruptSession):
        store.load("bad")
    assert store.load("good").id == "good"


def test_maintenance_packs_and_keeps_everything(store, store_path, git):
    """Loose objects and refs become packs; sessions, snapshots and the trash are what they were."""
    session = saved(store, "work", "one", "two")
    session.create_snapshot("here")
    store.save(session)
    saved(store, "gone")
    store.delete("gone")
    before = git("for-each-ref"), store.load("work").to_dict()
    report = store.maintain()
    assert (report.skipped, report.loose_after) == ((), 0)
    assert report.packed_refs == len(before[0].splitlines())
    assert report.packed_objects == report.loose_before > 0
    assert [path for path in (store_path / "refs").rglob("*") if path.is_file()] == []
    assert (git("for-each-ref"), store.load("work").to_dict()) == before
    assert store.undelete("gone") == "gone"
    session.add_message(MessageRole.USER, "three")
    store.save(session)
    assert store.verify().ok
    git.fsck()


def test_maintenance_removes_unreachable_objects_only_by_age(store, store_path, git):
    """What a save beside us may just have written stays; what nothing reaches for 90 days goes."""
    saved(store)
    young, old = (git("hash-object", "-w", "--stdin", stdin=text) for text in ("young", "old"))
    age(object_path(store_path, old), 91 * DAY)
    age(object_path(store_path, young), 89 * DAY)
    store.maintain(prune_older_than=None)
    assert object_path(store_path, old).exists()
    store.maintain()
    assert (object_path(store_path, old).exists(), object_path(store_path, young).exists()) == (False, True)
    store.maintain(prune_older_than=timedelta(days=1))
    assert not object_path(store_path, young).exists()
    assert store.verify().ok


def test_maintenance_sweeps_leftovers_of_an_hour_and_no_younger_ones(store, store_path):
    """Temporary objects and ref locks of killed writers go; those of a running one stay."""
    saved(store)
    some_folder = next(path for path in (store_path / "objects").glob("??"))
    places = [some_folder / "tmp_obj_", store_path / "objects/pack/tmp_pack_", store_path / "refs/heads/x."]
    old = [place.with_name(place.name + ending) for place, ending in zip(places, ("old", "old", "lock"), strict=True)]
    young = [some_folder / "tmp_obj_new", store_path / "refs/heads/y.lock"]
    for path in [*old, *young]:
        path.touch()
    for path in old:
        age(path, 3_700)
    report = store.maintain()
    assert report.removed_files == len(old)
    assert ([path.exists() for path in old], [path.exists() for path in young]) == ([False] * 3, [True] * 2)


def test_maintenance_runs_by_itself_but_never_inside_a_save(store_path, git, monkeypatch):
    """When loose objects pile up it runs in a thread of its own, and closing waits for it."""
    runs = []
    really = maintenance.maintain

    def watched(repository, **options):
        runs.append(threading.current_thread())
        return really(repository, **options)

    monkeypatch.setattr(maintenance, "maintain", watched)
    with SessionStore(store_path) as store:
        saved(store, "work", "one", "two")
    assert runs == []
    monkeypatch.setattr(maintenance, "_LOOSE_DUE", -1)
    with SessionStore(store_path) as store:
        saved(store, "other")
    assert runs
    assert threading.main_thread() not in runs
    assert "count: 0\n" in git("count-objects", "-v")
    with SessionStore(store_path) as store:
        assert store.verify().ok


def test_a_store_that_is_not_there_needs_no_care(store, store_path):
    """Verify and maintain find nothing to do, and make nothing."""
    assert store.verify().ok
    assert store.maintain().packed_objects == 0
    assert not store_path.exists()
