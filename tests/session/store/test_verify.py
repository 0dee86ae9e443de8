"""`verify`: all that is there is read, and damage is named by session, save and place."""

import os
import shutil
import sqlite3

import pytest

from superqode.session import Message, Session, SessionStore
from superqode.session.errors import SessionNotFound
from superqode.session.git.object_codec import BLOB, TreeEntry
from superqode.session.store.ledger import Ledger
from superqode.session.store.results import VerifyReport


@pytest.fixture
def session(store):
    """A session of two saves with long text and a snapshot, beside another one."""
    store.save(Session(id="other"))
    session = Session(id="s", title="T")
    session.add_message("user", "first")
    store.save(session)
    session.add_tool_execution("t", {}, "long " * 3_000, True)
    session.create_snapshot("here", snapshot_id="here")
    store.save(session)
    return session


def _damage(store, git, revision):
    """Spoil the object that a revision names; gives its id."""
    oid = git("rev-parse", revision)
    path = store.path / "objects" / oid[:2] / oid[2:]
    path.chmod(0o644)
    path.write_bytes(b"spoiled")
    return oid


def _verify(store, *arguments):
    """What a process finds that opens the store now."""
    with SessionStore(store.path) as opened:
        return opened.verify(*arguments)


@pytest.mark.parametrize("level", ["quick", "structure", "data"])
def test_a_branch_that_cannot_be_read_is_reported_where_it_was_named(store, session, store_path, level):
    """Damage is never raised: loading says that `verify` tells more."""
    store.close()
    (store_path / "refs" / "heads" / "other").write_bytes(b"")
    with SessionStore(store_path) as fresh:
        report = fresh.verify(["other"], level=level)
    assert [(finding.severity, finding.session_id) for finding in report.findings] == [("error", "other")]


def test_a_whole_store_is_whole(store, session):
    """Counts of sessions, commits and objects; no findings."""
    report = store.verify()

    assert (report.ok, report.findings) == (True, ())
    assert (report.sessions, report.commits) == (2, 3)
    assert report.objects > 10
    assert report.to_dict()["sessions"] == 2


@pytest.mark.parametrize(
    ("revision", "path"),
    [
        ("s:session.json", "session.json"),
        ("s:format", "format"),
        ("s:timeline", "timeline"),
        ("s:timeline/0000/00", "timeline/0000/00"),
        ("s:timeline/0000/00/00-user.json", "timeline/0000/00/00-user.json"),
        ("s:timeline/0000/00/01-call.result.txt", "timeline/0000/00/01-call.result.txt"),
        ("s^{tree}", ""),
    ],
)
def test_damage_is_named_by_session_save_and_path(store, session, git, revision, path):
    """A spoiled object is an error of each session that has it, in its last save with it, at its path, by its id."""
    tip = git("rev-parse", "s")
    oid = _damage(store, git, revision)

    report = _verify(store)

    assert not report.ok
    assert ("s", tip, path) in {(finding.session_id, finding.commit, finding.path) for finding in report.findings}
    assert all(oid in finding.message and finding.severity == "error" for finding in report.findings)
    sessions = {finding.session_id for finding in report.findings}
    assert sessions == ({"s", "other"} if path == "format" else {"s"})


def test_damage_in_an_old_save_is_found(store, session, git):
    """History is checked as a whole, not only what the branch shows now."""
    old = git("rev-parse", "s~1")
    _damage(store, git, "s~1^{tree}")

    report = _verify(store)

    assert [(finding.session_id, finding.commit) for finding in report.findings] == [("s", old)]
    assert store.load("s") == session


def test_a_spoiled_commit_is_found(store, session, git):
    """A commit that cannot be read is named by its own id."""
    oid = _damage(store, git, "s")

    assert ("s", oid) in {(finding.session_id, finding.commit) for finding in store.verify().findings}


def test_a_spoiled_snapshot_is_found(store, session, git):
    """A tag that cannot be read is named by its ref."""
    _damage(store, git, "refs/tags/s/here")

    (finding,) = store.verify().findings
    assert (finding.session_id, finding.path) == ("s", "refs/tags/s/here")


def test_a_missing_object_is_found(store, session, git):
    """An object that is gone is damage, too."""
    oid = git("rev-parse", "s:timeline/0000/00/00-user.json")
    (store.path / "objects" / oid[:2] / oid[2:]).unlink()

    assert any("not there" in finding.message for finding in store.verify().findings)


def _objects_of(git, *revisions):
    """Ids of all that some refs reach, as plain git tells it."""
    listed = git("rev-list", "--objects", "--no-object-names", *revisions)
    return set(listed.split())


def test_damage_is_named_under_everyone_that_reaches_it(store, git):
    """Whatever one object is, of the sessions that plain git reaches it from each one is named, once, at its path.

    One session began another, that one a third, and of the first a snapshot keeps what it went back from.
    """
    first = Session(id="first")
    for number in range(3):
        first.add_message("user", f"question {number}")
        if number == 1:
            first.create_snapshot("middle", snapshot_id="middle")
        store.save(first)
    second = store.fork("first", at="middle", new_id="second")
    second.add_message("user", "another way")
    second.create_snapshot("later", snapshot_id="later")
    store.save(second)
    third = store.fork("second", new_id="third")
    third.add_message("user", "on and on")
    store.save(third)
    store.undo("first")
    store.save(Session(id="apart"))
    names = ("first", "second", "third", "apart")
    reached = {name: _objects_of(git, f"refs/heads/{name}", f"--glob=refs/tags/{name}/") for name in names}
    missed = {}

    for oid in sorted(set().union(*reached.values())):
        if git("cat-file", "-t", oid) == "tag":
            continue  # a tag belongs to one session
        path = store.path / "objects" / oid[:2] / oid[2:]
        whole = path.read_bytes()
        path.chmod(0o644)
        path.write_bytes(b"spoiled")
        told = [(found.session_id, found.path) for found in _verify(store).findings if found.severity == "error"]
        path.write_bytes(whole)
        having = {name for name, oids in reached.items() if oid in oids}
        named = {session_id for session_id, _ in told if session_id in names}
        if named != having or len(told) != len(set(told)):
            missed[oid] = (git("cat-file", "-t", oid) if path.exists() else "", sorted(named), sorted(having))

    assert missed == {}
    assert store.verify().ok


def test_damage_in_the_trash_is_found(store, session, git):
    """What lies in the trash is checked as well."""
    oid = git("rev-parse", "s:timeline/0000/00/00-user.json")
    store.delete("s")
    path = store.path / "objects" / oid[:2] / oid[2:]
    path.chmod(0o644)
    path.write_bytes(b"")

    (finding,) = _verify(store).findings

    assert finding.session_id.startswith("trash/s/")
    assert oid in finding.message


REST = {
    "a snapshot in the trash": "TRASHED",
    "what was shared": "refs/superqode/ledger:shares/x.json",
    "a part of a share": "refs/superqode/shares/x:segment",
    "what explains the store": "superqode:README.md",
    "a file below a tag of a tree": "refs/tags/of-a-tree:segment",
    "a file with a tag": "refs/tags/of-a-file",
}


@pytest.fixture
def others(store, session, git):
    """Refs of all kinds beside the sessions."""
    gone = Session(id="gone")
    gone.create_snapshot("here", snapshot_id="here")
    store.save(gone)
    store.delete("gone")
    Ledger(store._open()).put("shares", {"x": {"id": "x"}}, "a share")
    objects = store._open().objects
    tree = objects.write_tree([TreeEntry(BLOB, "segment", objects.write("blob", b"sealed"))])
    commit = git("commit-tree", tree, "-m", "share")
    git("update-ref", "refs/superqode/shares/x", commit)
    only = objects.write_tree([TreeEntry(BLOB, "segment", objects.write("blob", b"another"))])
    git("tag", "of-a-tree", only)
    git("tag", "of-a-file", git("hash-object", "-w", "--stdin", stdin="a file of plain git"))


@pytest.mark.parametrize("what", REST)
def test_damage_behind_any_other_ref_is_found(store, others, git, what):
    """All that a ref reaches is read: shares, the ledger, the reserved branch, snapshots in the trash, foreign tags."""
    assert store.verify().ok
    trashed = git("for-each-ref", "--format=%(refname)", "refs/superqode/trash/gone/*/tags/here")
    oid = _damage(store, git, REST[what].replace("TRASHED", trashed))

    assert any(oid in finding.message and finding.severity == "error" for finding in _verify(store).findings)


@pytest.mark.parametrize("name", ["refs/heads/superqode", "refs/tags/s/here"])
def test_a_ref_of_no_session_that_cannot_be_read_is_found(store, session, name):
    """The branch that explains the store is no session, nor is a snapshot; their refs are looked at all the same."""
    (store.path / name).write_bytes(b"")

    (finding,) = store.verify().findings
    assert (finding.severity, finding.path) == ("error", name)


def test_a_tag_of_plain_git_is_no_damage(store, session, git):
    """One without a tag object of its own, and one of another tag, have a session's name and are whole."""
    git("tag", "s/light", "s")
    git("tag", "-a", "-m", "x", "s/twice", "refs/tags/s/here")

    assert store.verify().findings == ()


def test_a_ref_that_cannot_be_read_is_found(store, session):
    """An emptied branch file is a finding of that session."""
    (store.path / "refs" / "heads" / "s").write_bytes(b"")

    (finding,) = store.verify().findings
    assert (finding.severity, finding.session_id, finding.path) == ("error", "s", "refs/heads/s")


def test_some_sessions_only(store, session, git):
    """Naming sessions checks them alone; one that is not there is an error."""
    _damage(store, git, "s^{tree}")

    assert _verify(store, ["other"]).ok
    assert _verify(store, ["other"]).sessions == 1
    assert not _verify(store, ["s"]).ok
    with pytest.raises(SessionNotFound):
        store.verify(["nobody"])


def test_calls_without_a_result_are_a_warning(store):
    """A tool call that nothing answers is told, and loses nothing."""
    session = Session(id="s")
    session.add_message("assistant", "x", tool_calls=[{"id": "answered"}, {"id": "open"}, {"id": "said"}, "odd"])
    session.add(Message(role="tool", content="x", tool_call_id="said"))
    session.add_tool_execution("t", {}, "", True)
    session.tool_executions[0] = session.tool_executions[0].model_copy(update={"id": "answered"})
    store.save(session)

    report = store.verify()

    assert [(finding.severity, finding.message) for finding in report.findings] == [
        ("warning", "1 tool calls have no result")
    ]
    assert report.ok


def test_quarantined_files_are_a_warning(store, session):
    """What was set aside earlier is mentioned, with its place."""
    folder = store.path / "superqode" / "quarantine"
    folder.mkdir(exist_ok=True)
    (folder / "damaged").write_bytes(b"x")

    (finding,) = store.verify().findings
    assert (finding.severity, finding.path) == ("warning", str(folder))


def test_nothing_is_changed(store, session, git):
    """Checking writes nothing into the repository."""
    _damage(store, git, "s:session.json")

    def state():
        return {
            str(path): path.stat().st_mtime_ns
            for path in store.path.rglob("*")
            if path.is_file() and "superqode" not in path.relative_to(store.path).parts
        }

    before = state()
    store.verify()
    assert state() == before


def test_progress_is_told(store, session):
    """A long check says how far it is."""
    told = []
    store.verify(progress=lambda done, total, what: told.append((done, total)))

    assert told == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("revision", "levels"),
    [
        ("s", {"quick", "structure", "data"}),
        ("s:session.json", {"quick", "structure", "data"}),
        ("s~1^{tree}", {"structure", "data"}),
        ("s:timeline/0000", {"structure", "data"}),
        ("s:timeline/0000/00/00-user.json", {"data"}),
    ],
)
def test_each_level_finds_what_it_looks_at(store, session, git, revision, levels):
    """The deeper the level, the more it finds; a lighter one does not read what a deeper one does."""
    _damage(store, git, revision)
    with SessionStore(store.path) as opened:
        found = {level for level in ("quick", "structure", "data") if not opened.verify(level=level).ok}
    assert found == levels


def test_a_file_that_is_gone_shows_without_being_read(store, session, git):
    """`structure` reads no contents, but every file has to be there."""
    oid = git("rev-parse", "s:timeline/0000/00/00-user.json")
    (store.path / "objects" / oid[:2] / oid[2:]).unlink()
    assert not _verify_at(store, level="structure").ok
    assert _verify_at(store, level="quick").ok


def test_every_part_together_reads_all(store, session, git):
    """A damaged file is found by exactly one of the parts; a part that is none is refused."""
    _damage(store, git, "s:timeline/0000/00/01-call.result.txt")
    assert [_verify_at(store, part=(number, 5)).ok for number in range(1, 6)].count(False) == 1
    for part in ((0, 5), (6, 5), (1, 0)):
        with pytest.raises(ValueError, match="part"):
            store.verify(part=part)


def test_what_others_wrote_is_told(store, session, git, store_path):
    """Bytes that superqode would write otherwise are good to read, and a warning names them."""
    objects = store._open().objects
    root = list(objects.tree(git("rev-parse", "s^{tree}")))
    meta = objects.blob(next(entry.oid for entry in root if entry.name == "session.json"))
    loose = objects.write("blob", meta.replace(b"\n}", b"\n }"))
    kept = [entry for entry in root if entry.name != "session.json"]
    tree = objects.write_tree([*kept, TreeEntry(BLOB, "session.json", loose)])
    git("update-ref", "refs/heads/s", git("commit-tree", tree, "-p", "s", "-m", "by hand"))
    report = _verify_at(store)
    assert report.ok
    assert [(found.path, found.message) for found in report.findings] == [
        ("session.json", "it is not as superqode writes it")
    ]


def _verify_at(store, **how):
    with SessionStore(store.path) as opened:
        return opened.verify(**how)


@pytest.fixture
def spoilt(store, session, tmp_path):
    """Copy the store, packed, each session read by the index, and spoil the copy's packs before it is opened."""
    store.maintain()
    store.list_sessions()
    assert _verify_at(store, level="quick") == VerifyReport(2, 2, 3)

    def spoil(how):
        copy = tmp_path / "spoilt"
        shutil.copytree(store.path, copy)
        for pack in (copy / "objects" / "pack").glob("*.pack"):
            for path in (pack, pack.with_suffix(".idx")):
                path.chmod(0o644)
            how(pack)
        return SessionStore(copy)

    return spoil


def _damaged_sessions(report):
    return {found.session_id for found in report.findings if found.severity == "error"} - {"refs/heads/superqode"}


def _emptied(pack):
    """Zeros between a pack's head and its end."""
    data = pack.read_bytes()
    pack.write_bytes(data[:12] + bytes(len(data) - 32) + data[-20:])


def test_quick_reads_nothing_again_that_was_read_when_it_was_new(spoilt):
    """What comes to the inside of a pack later, the other levels find: quick is what costs no reading."""
    with spoilt(_emptied) as store:
        found = {level: store.verify(level=level).findings for level in ("quick", "structure")}
    assert "other" not in {finding.session_id for finding in found["quick"]}
    assert "other" in {finding.session_id for finding in found["structure"]}


@pytest.mark.parametrize(
    "how",
    [
        lambda pack: os.truncate(pack, pack.stat().st_size // 2),
        lambda pack: os.truncate(pack, 0),
        lambda pack: pack.write_bytes(b"KCAP" + pack.read_bytes()[4:]),
        lambda pack: pack.unlink(),
        lambda pack: (pack.unlink(), pack.with_suffix(".idx").unlink()),
        lambda pack: os.truncate(pack.with_suffix(".idx"), 10),
    ],
    ids=["half", "empty", "another head", "gone", "gone with its index", "index cut"],
)
def test_quick_finds_packs_that_were_cut_or_lost(spoilt, how):
    """Where a pack does not fit its index, or an object is in none, every last save is read, and told by name."""
    with spoilt(how) as store:
        report = store.verify(level="quick")
    assert _damaged_sessions(report) == {"other", "s"}


def _other_version(index):
    connection = sqlite3.connect(index)
    connection.execute("PRAGMA user_version = 1")
    connection.close()


@pytest.mark.parametrize(
    "index",
    [
        _other_version,
        lambda index: index.unlink(),
        lambda index: index.write_bytes(b"no index" * 1000),
    ],
    ids=["of another version", "gone", "damaged"],
)
def test_quick_reads_all_where_no_index_tells(store, spoilt, index):
    """An index that cannot be believed saves no reading."""
    store.close()
    index(store.path / "superqode" / "index.sqlite")
    with spoilt(_emptied) as opened:
        assert not opened.verify(level="quick").ok


def test_quick_reads_what_the_index_has_not_read(store, session, spoilt):
    """A save that came after the last listing is read, packed or not."""
    session = store.load("s")
    session.add_message("user", "more")
    store.save(session)
    store.maintain()
    with spoilt(_emptied) as opened:
        report = opened.verify(level="quick")
    assert _damaged_sessions(report) == {"s"}
