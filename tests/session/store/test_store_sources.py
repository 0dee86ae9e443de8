"""Originals in a store: kept by every import, following their sessions, mapped again, forgotten with the last one."""

import json
import subprocess

import pytest

from session.importers import claude_scripts, opencode_scripts
from session.store.spotless import anywhere
from superqode.session import MessageRole, Session, SessionSharingManager, SessionStore, ShareConfig
from superqode.session.errors import SessionNotFound
from superqode.session.importers.claude_code import importer as claude_importer
from superqode.session.store.sources import KEPT

from .test_store_imports import CLAUDE, claude_lines

ID = f"claude-code-{CLAUDE}"
SECRET = "Zugang-zum-Rechenzentrum-ist-4711"


@pytest.fixture
def transcript(tmp_path):
    """A transcript of two questions and answers."""
    path = tmp_path / "projects" / "-p" / f"{CLAUDE}.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text(claude_lines(4))
    return path


def read(original, ending=""):
    with original.open(ending) as stream:
        return stream.read()


def refs(git):
    return git("for-each-ref", "--format=%(refname)", KEPT).split()


def test_an_import_keeps_the_file(store, transcript, git):
    """The original of an imported session is its file, byte for byte, and of a longer file the longer one."""
    store.import_sources([transcript])
    assert read(store.original(ID)) == transcript.read_bytes()
    assert store.original(ID).name == transcript.as_posix()
    transcript.write_text(claude_lines(6))
    store.import_sources([transcript])
    assert read(store.original(ID)) == claude_lines(6).encode()
    assert refs(git) == [KEPT + ID]
    git.fsck()


def test_a_dry_run_and_an_unchanged_file_keep_nothing(store, transcript, git):
    """Telling what would be imported writes nothing, and the same file again moves nothing."""
    store.import_sources([transcript], dry_run=True)
    assert not store.exists(ID)
    store.import_sources([transcript])
    before = git("for-each-ref")
    store.import_sources([transcript])
    assert git("for-each-ref") == before


def test_a_session_of_before_gets_its_original_later(store, transcript, git):
    """A store without originals goes on working, and the next import of the same file keeps it."""
    store.import_sources([transcript])
    git("update-ref", "-d", KEPT + ID)
    assert store.original(ID) is None
    (outcome,) = store.import_sources([transcript]).sessions
    assert outcome.status == "unchanged"
    assert read(store.original(ID)) == transcript.read_bytes()


def test_a_session_of_ones_own_has_none(store):
    """A session that nobody imported has no original."""
    store.save(session := own_session())
    assert store.original(session.id) is None
    with pytest.raises(SessionNotFound):
        store.original("nothing-there")


def own_session():
    return Session(id="own", title="own")


def test_small_files_that_an_import_needs_are_kept_with_it(store, tmp_path):
    """A storage of many small files is kept whole with its session, and maps again from there."""
    talk = opencode_scripts.Talk().user("go").assistant(opencode_scripts.text("gone"))
    for name, data in talk.files().items():
        path = tmp_path / "share" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    report = store.import_sources([tmp_path / "share"])
    (session_id,) = [outcome.session_id for outcome in report.sessions]
    assert {file.name for file in store.original(session_id).files} == {
        (tmp_path / "share" / name).as_posix() for name in talk.files()
    }
    (again,) = store.reimport([session_id]).sessions
    assert (again.status, again.session_id) == ("unchanged", session_id)


def test_originals_follow_their_sessions(store, transcript, git):
    """Renamed, deleted, brought back (under another id), renamed by plain git: the original is still the session's."""
    store.import_sources([transcript])
    store.rename(ID, "renamed")
    assert read(store.original("renamed")) == transcript.read_bytes()
    git("branch", "-m", "renamed", "by-git")
    assert read(store.original("by-git")) == transcript.read_bytes()
    assert store.original(store.fork("by-git").id) is None
    git("branch", "-m", "by-git", "renamed")
    store.delete("renamed")
    assert refs(git) == [KEPT + "renamed"]
    store.undelete("renamed", new_id="back")
    assert read(store.original("back")) == transcript.read_bytes()
    assert refs(git) == [KEPT + "back"]


def test_purge_forgets_the_file_with_its_last_session(store, tmp_path, git):
    """A file of two sessions stays as long as one of them does; then no byte of it is left."""
    rows = [json.loads(line) for line in claude_lines(4).splitlines()]
    rows.append({**rows[2], "uuid": "other", "parentUuid": "u1", "message": {"role": "user", "content": SECRET}})
    path = tmp_path / f"{CLAUDE}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    store.import_sources([path])
    first, second = sorted(summary.id for summary in store.list_sessions())
    assert store.original(first).commit == store.original(second).commit
    store.delete(second)
    store.purge(second, now=True)
    assert refs(git) == [KEPT + first]
    assert read(store.original(first)) == path.read_bytes()
    store.delete(first)
    store.purge(first, now=True)
    assert refs(git) == []
    assert anywhere(store.path, SECRET, "claude assistant 1") == []


def test_purge_finds_the_original_of_a_session_plain_git_renamed(store, transcript, git):
    """The original stands under the id it was imported with, and goes all the same."""
    store.import_sources([transcript])
    git("branch", "-m", ID, "by-git")
    store.delete("by-git")
    store.purge("by-git", now=True)
    assert refs(git) == []
    assert anywhere(store.path, "claude assistant 1") == []


def test_scrub_drops_the_original(store, transcript, git):
    """A scrubbed secret is in no original any more, the result says so, and importing the file keeps it no more."""
    transcript.write_text(claude_lines(4).replace("claude assistant 1", SECRET))
    store.import_sources([transcript])
    dry = store.scrub(ID, secrets=[SECRET], dry_run=True)
    assert dry.originals == ()
    assert read(store.original(ID))
    assert store.scrub(ID, secrets=[SECRET]).originals == (ID,)
    assert store.original(ID).dropped == "scrubbed"
    assert anywhere(store.path, SECRET) == []
    store.import_sources([transcript])
    assert store.original(ID).files == ()
    (outcome,) = store.reimport([ID]).sessions
    assert (outcome.status, "scrubbed" in outcome.reason) == ("failed", True)


def test_scrub_looks_into_the_original_for_what_the_session_does_not_say(store, transcript):
    """A text that only the file holds, escaped as JSON does it, goes with the file."""
    hidden = 'only "here" ä-4711'
    transcript.write_text(claude_lines(4) + json.dumps({"type": "whatever", "note": hidden}) + "\n")
    store.import_sources([transcript])
    done = store.scrub(ID, secrets=[hidden])
    assert (done.places, done.originals) == ((), (ID,))
    assert store.scrub(ID, secrets=["nowhere to be found"]).originals == ()


def test_backup_and_maintenance_carry_originals(store, transcript, tmp_path):
    """A backup brings originals back, packing keeps them, verify reads them and names a damaged one."""
    store.import_sources([transcript])
    store.maintain(prune_older_than=None)
    assert store.verify().ok
    store.backup(tmp_path / "all.bundle")
    with SessionStore.restore_backup(tmp_path / "all.bundle", tmp_path / "restored") as other:
        assert read(other.original(ID)) == transcript.read_bytes()
    transcript.write_text(claude_lines(6))
    store.import_sources([transcript])
    repository = store._open()
    repository.objects.loose.set_aside(store.original(ID).files[0].pieces[0])
    report = store.verify()
    assert [finding.session_id for finding in report.findings if finding.severity == "error"] == [f"sources/{ID}"]


def test_shares_and_clones_never_carry_an_original(store, transcript, tmp_path):
    """A public share's remote, and a mirror clone, hold neither an original nor a ref or a name of one."""
    only_in_file = "a note that becomes no message"
    transcript.write_text(claude_lines(4) + json.dumps({"type": "whatever", "note": only_in_file}) + "\n")
    store.import_sources([transcript])
    pieces = store.original(ID).files[0].pieces
    remote = tmp_path / "remote.git"
    subprocess.run(["git", "init", "-q", "--bare", str(remote)], check=True)
    sharing = SessionSharingManager(store, remote=str(remote))
    sharing.create_share(ID, ShareConfig(visibility="public"))
    mirror = tmp_path / "mirror.git"
    subprocess.run(["git", "clone", "-q", "--mirror", f"file://{store.path}", str(mirror)], check=True)
    for place in (remote, mirror):
        listed = subprocess.run(["git", "-C", str(place), "for-each-ref"], capture_output=True, text=True, check=True)
        assert "sources" not in listed.stdout
        assert anywhere(place, only_in_file, "superqode-source") == []
        for piece in pieces:
            found = subprocess.run(["git", "-C", str(place), "cat-file", "-e", piece], capture_output=True, check=False)
            assert found.returncode != 0


# -- mapped again -----------------------------------------------------------------------------------------------------


def test_reimport_of_what_is_mapped_already_changes_nothing(store, transcript, git):
    """Mapping again with the same importer makes no commit, for one session and for all."""
    store.import_sources([transcript])
    before = git("rev-parse", ID)
    assert [outcome.status for outcome in store.reimport().sessions] == ["unchanged"]
    assert [outcome.status for outcome in store.reimport([ID]).sessions] == ["unchanged"]
    assert git("rev-parse", ID) == before


def test_reimport_brings_what_a_better_importer_sees_and_keeps_what_people_did(store, transcript, monkeypatch, git):
    """One commit with the better entries in their places; title, tags and own messages stay; a dry run only tells."""
    worse = claude_importer.Reading.take

    def take(self, number, record):
        if number != 2:  # today's importer sees the first answer, yesterday's did not
            worse(self, number, record)

    monkeypatch.setattr(claude_importer.Reading, "take", take)
    store.import_sources([transcript])
    monkeypatch.undo()
    session = store.load(ID)
    assert "claude assistant 1" not in [message.content for message in session.messages]
    session.title, session.tags = "My title", ["mine"]
    session.add_message(MessageRole.USER, "my own words")
    store.save(session)
    transcript.unlink()

    before = git("rev-parse", ID)
    assert [outcome.status for outcome in store.reimport([ID], dry_run=True).sessions] == ["updated"]
    assert git("rev-parse", ID) == before
    assert [outcome.status for outcome in store.reimport([ID]).sessions] == ["updated"]
    assert git("rev-list", "--count", f"{before}..{ID}") == "1"
    mapped = store.load(ID)
    assert (mapped.title, mapped.tags) == ("My title", ["mine"])
    texts = [message.content for message in mapped.messages]
    assert texts == ["claude user 0", "claude assistant 1", "claude user 2", "claude assistant 3", "my own words"]
    assert [outcome.status for outcome in store.reimport([ID]).sessions] == ["unchanged"]


def test_reimport_finds_a_renamed_session_and_brings_back_no_deleted_one(store, transcript):
    """A session under another id is mapped onto itself; what was deleted stays deleted."""
    store.import_sources([transcript])
    store.rename(ID, "renamed")
    assert [(o.session_id, o.status) for o in store.reimport().sessions] == [("renamed", "unchanged")]
    store.delete("renamed")
    assert store.reimport().sessions == []
    assert store.list_sessions() == []


def test_reimport_says_what_has_no_original(store):
    """A session that was named and has nothing kept is reported, one that is not there raises."""
    store.save(own_session())
    (outcome,) = store.reimport(["own"]).sessions
    assert (outcome.status, outcome.session_id) == ("failed", "own")
    assert "import its file again" in outcome.reason
    with pytest.raises(SessionNotFound):
        store.reimport(["nobody"])


def test_subagents_map_again_with_what_their_parent_tells(store, tmp_path):
    """A sub-agent's transcript finds its parent's and the small file beside it among the originals."""
    for name, content in claude_scripts.side_by_side().items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.bytes())
        path.with_suffix(".meta.json").write_text('{"description": "told beside it"}')
    store.import_sources([tmp_path / ".claude"])
    before = {summary.id: store.load(summary.id).to_dict() for summary in store.list_sessions()}
    assert [outcome.status for outcome in store.reimport().sessions] == ["unchanged"] * len(before)
    assert {name: store.load(name).to_dict() for name in before} == before


def test_a_file_moved_elsewhere_is_kept_under_its_new_name_with_the_old_one(store, transcript, tmp_path):
    """Where a session grew in another file, both are its original, the one that tells most now being the first."""
    store.import_sources([transcript])
    moved = tmp_path / "elsewhere" / transcript.name
    moved.parent.mkdir()
    moved.write_text(claude_lines(6))
    store.import_sources([moved])
    original = store.original(ID)
    assert [file.name for file in original.files] == [moved.as_posix(), transcript.as_posix()]
    assert read(original) == claude_lines(6).encode()


def test_an_import_that_replaces_is_an_operation(store, transcript, git):
    """What only grows is a save; a file that says something else than before can be taken back, and so can a mapping."""
    store.import_sources([transcript])
    transcript.write_text(claude_lines(6))
    store.import_sources([transcript])
    assert store.operations() == []

    before = git("rev-parse", f"{ID}^{{tree}}")
    transcript.write_text(claude_lines(6).replace("claude user 2", "something else"))
    (outcome,) = store.import_sources([transcript]).sessions
    assert outcome.status == "updated"
    (operation,) = store.operations()
    assert (operation.verb, operation.sessions[0].id) == ("import", ID)
    assert store.undo_operation().changes == (f"{ID} is as it was before, by a new save",)
    assert git("rev-parse", f"{ID}^{{tree}}") == before

    assert [outcome.status for outcome in store.reimport([ID]).sessions] == ["updated"]
    assert store.operations()[0].verb == "reimport"
    store.undo_operation()
    assert git("rev-parse", f"{ID}^{{tree}}") == before
    git.fsck()
