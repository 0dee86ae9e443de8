"""`SessionStore.rescue`: what agents wrote comes in once, is kept up to date, and nothing of theirs changes."""

import os
import sqlite3
from threading import Event

import pytest

from session.store.homes import CLAUDE, claude_lines, everything, make_home, old, places
from superqode.session import SessionStore
from superqode.session.errors import AlreadyWatched
from superqode.session.store import imports
from superqode.session.store import rescue as rescuing
from superqode.session.store.index.rescued import Rescued, Seen
from superqode.session.store.rescue import watch

NAMES = ["claude-code", "codex", "gemini", "opencode", "pi"]


@pytest.fixture
def agents(tmp_path):
    """A home with a session of each of five agents."""
    return make_home(tmp_path / "agents")


@pytest.fixture
def read(monkeypatch):
    """The names of the files that were imported, as they are."""
    names = []
    really = SessionStore.import_sources

    def spy(self, paths, *, wanted, **more):
        def noting(name):
            if wanted(name):
                names.append(name)
            return wanted(name)

        return really(self, paths, wanted=noting, **more)

    monkeypatch.setattr(SessionStore, "import_sources", spy)
    return names


def _numbers(report):
    total = report.totals()
    return total.sessions, total.new, total.updated, total.unchanged, total.failed


def test_every_agents_sessions_come_in_and_once(store, agents, read):
    """A row for each agent; the second time nothing is read, and all are told as unchanged."""
    report = store.rescue(places(agents))
    assert [place.agent for place in report.places] == NAMES
    assert _numbers(report) == (5, 5, 0, 0, 0)
    said = {store.load(summary.id).messages[0].content for summary in store.list_sessions()}
    assert said == {"of claude", "of codex", "of gemini", "of opencode", "of pi"}
    read.clear()
    again = store.rescue(places(agents))
    assert (_numbers(again), read, again.changed) == ((5, 0, 0, 5, 0), [], [])


def test_nothing_of_the_agents_is_changed(store, agents):
    """Byte for byte, with times, modes and inodes, also of a database that is being written to."""
    connection = sqlite3.connect(agents / ".local/share/opencode/opencode.db")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("INSERT INTO session VALUES ('ses_2', NULL, '/p', 'Another', 1795340000000)")
    connection.execute("""INSERT INTO message VALUES ('msg_2', 'ses_2', 1795340000000, '{"role": "user"}')""")
    connection.execute("""INSERT INTO part VALUES ('prt_2', 'msg_2', '{"type": "text", "text": "in the log"}')""")
    connection.commit()
    before = everything(agents)
    assert any(name.endswith("-wal") for name in before)
    for _ in range(2):
        store.rescue(places(agents))
    assert everything(agents) == before
    assert store.load("opencode-ses_2").messages[0].content == "in the log"
    connection.close()


def test_a_rescue_that_was_cut_short_goes_on_from_there(store, agents, monkeypatch, read):
    """What came in before is safe and known; the next one does the rest."""
    for number in range(3):
        session = f"{number}3333333-3333-4333-8333-333333333333"
        (agents / f".claude/projects/-p/{session}.jsonl").write_text(claude_lines("more", session=session))
    old(agents / ".claude")
    monkeypatch.setattr(rescuing, "_BATCH", 1)
    really, calls = SessionStore.import_sources, []

    def dying(self, paths, **more):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return really(self, paths, **more)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(SessionStore, "import_sources", dying)
        store.rescue(places(agents, "claude-code"))
    assert len(store.list_sessions()) == 2
    read.clear()
    assert _numbers(store.rescue(places(agents, "claude-code"))) == (4, 2, 0, 2, 0)
    assert len(read) == 2


def test_what_may_not_be_read_is_named_until_it_may(store, agents):
    """A file and a folder without the right to read: told each time, imported as soon as they can be."""
    (agents / CLAUDE).chmod(0)
    if os.access(agents / CLAUDE, os.R_OK):
        pytest.skip("root may read everything")
    (agents / ".pi/agent/sessions/--p--").chmod(0)
    for _ in range(2):
        report = store.rescue(places(agents))
        assert {failure.source for failure in report.failures} == {
            str(agents / CLAUDE),
            str(agents / ".pi/agent/sessions/--p--"),
        }
    (agents / CLAUDE).chmod(0o600)
    (agents / ".pi/agent/sessions/--p--").chmod(0o700)
    assert _numbers(store.rescue(places(agents))) == (5, 2, 0, 3, 0)


def test_an_original_that_found_no_room_is_kept_later(store, agents, monkeypatch, read):
    """The disk was full when the file was to be kept: the session is there, and the next rescue keeps the file."""

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(imports, "keep", full)
        report = store.rescue(places(agents, "claude-code"))
    [failure] = report.failures
    assert (failure.source, failure.status) == (str(agents / CLAUDE), "failed")
    assert "No space left" in failure.reason
    [summary] = store.list_sessions()
    assert store.original(summary.id) is None
    read.clear()
    assert _numbers(store.rescue(places(agents, "claude-code"))) == (1, 0, 0, 1, 0)
    assert read == [str(agents / CLAUDE)]
    with store.original(summary.id).open() as kept:
        assert kept.read() == (agents / CLAUDE).read_bytes()


def test_only_what_changed_is_read_again(store, agents, read):
    """A transcript that grew, in its own place alone; the session goes on."""
    store.rescue(places(agents))
    read.clear()
    with (agents / CLAUDE).open("a") as file:
        file.write(claude_lines("of claude", "more").splitlines(keepends=True)[1])
    report = store.rescue(places(agents))
    assert (_numbers(report), read) == ((5, 0, 1, 4, 0), [str(agents / CLAUDE)])
    assert [message.content for message in store.load(report.changed[0].session_id).messages] == ["of claude", "more"]


def test_a_log_that_grew_is_a_change(store, agents):
    """A database whose file is as it was, but not the log beside it."""
    connection = sqlite3.connect(agents / ".local/share/opencode/opencode.db")
    connection.execute("PRAGMA journal_mode = WAL")
    old(agents / ".local")
    store.rescue(places(agents, "opencode"))
    connection.execute("""INSERT INTO message VALUES ('msg_2', 'ses_1', 1795340000001, '{"role": "user"}')""")
    connection.commit()
    assert store.rescue(places(agents, "opencode")).totals().updated == 1
    connection.close()


def test_what_is_being_written_is_looked_at_again(store, agents, read):
    """Within two seconds a change may leave size and time as they were: such a file is not taken for known."""
    os.utime(agents / CLAUDE)
    store.rescue(places(agents))
    read.clear()
    store.rescue(places(agents))
    assert read == [str(agents / CLAUDE)]
    old(agents / CLAUDE)
    store.rescue(places(agents))
    read.clear()
    store.rescue(places(agents))
    assert read == []


def test_without_its_record_nothing_is_lost(store_path, agents):
    """Deleted or damaged, it is made anew: the sessions are found unchanged."""
    for spoil in (lambda path: path.unlink(), lambda path: path.write_bytes(b"no database" * 1000)):
        with SessionStore(store_path) as store:
            store.rescue(places(agents))
        record = store_path / "superqode" / "rescued.sqlite"
        for beside in record.parent.glob("rescued.sqlite-*"):
            beside.unlink()
        spoil(record)
        with SessionStore(store_path) as store:
            assert _numbers(store.rescue(places(agents))) == (5, 0, 0, 5, 0)


def test_another_version_reads_everything_again(store, agents, read, monkeypatch):
    """A newer superqode may understand more."""
    store.rescue(places(agents))
    read.clear()
    monkeypatch.setattr(rescuing, "__version__", "99")
    assert _numbers(store.rescue(places(agents))) == (5, 0, 0, 5, 0)
    assert len(read) == 5


def test_damage_is_named_and_the_rest_comes_in(store, agents, read):
    """Every time, without reading it again; mended, it comes in."""
    broken = agents / ".pi/agent/sessions/--p--/2026_pi-1.jsonl"
    whole = broken.read_text()
    broken.write_text(whole.splitlines()[0] + "\n{broken\n")
    old(broken)
    for _ in range(2):
        report = store.rescue(places(agents))
        assert report.totals().failed == 1
        assert [failure.source for failure in report.failures] == [str(broken)]
        assert report.totals().sessions == 4
    assert read.count(str(broken)) == 1
    broken.write_text(whole)
    assert _numbers(store.rescue(places(agents))) == (5, 1, 0, 4, 0)


def test_a_transcript_without_a_readable_line_is_named(store, agents):
    """An import of any folder would pass over it; among an agent's transcripts it was one."""
    broken = agents / ".claude/projects/-p/broken.jsonl"
    broken.write_bytes(b"\0\0\0\0")
    [failure] = store.rescue(places(agents)).failures
    assert (failure.source, "damaged" in failure.reason) == (str(broken), True)


def test_a_session_in_which_nothing_was_said_is_no_failure(store, agents):
    """Agents leave such files: empty ones, a title alone, a session that was opened and closed."""
    folder = agents / ".claude/projects/-p"
    (folder / "title.jsonl").write_text('{"type": "summary", "summary": "A thing", "leafUuid": "x"}\n')
    (folder / "empty.jsonl").touch()
    pi = agents / ".pi/agent/sessions/--p--/2026_pi-1.jsonl"
    pi.write_text(pi.read_text().splitlines(keepends=True)[0])
    report = store.rescue(places(agents))
    assert (report.totals().failed, report.totals().sessions) == (0, 4)


def test_a_file_that_is_gone_takes_nothing_with_it(store, agents):
    """An agent that forgets a session: it stays here, and the record forgets the file."""
    store.rescue(places(agents))
    (agents / CLAUDE).unlink()
    report = store.rescue(places(agents))
    assert report.totals().sessions == 4
    assert len(store.list_sessions()) == 5
    (agents / CLAUDE).write_text(claude_lines("of claude"))
    old(agents / CLAUDE)
    assert _numbers(store.rescue(places(agents))) == (5, 0, 0, 5, 0)


def test_a_dry_run_tells_and_does_nothing(store_path, agents):
    """It makes no store; in one that is there it changes neither sessions nor the record."""
    with SessionStore(store_path) as store:
        assert _numbers(store.rescue(places(agents), dry_run=True)) == (5, 5, 0, 0, 0)
        assert not store_path.exists()
        store.rescue(places(agents, "pi"))
        assert _numbers(store.rescue(places(agents), dry_run=True)) == (5, 4, 0, 1, 0)
        assert _numbers(store.rescue(places(agents))) == (5, 4, 0, 1, 0)


def test_pieces_of_one_session_are_read_together(store, tmp_path):
    """A message that came into opencode's many small files is part of its session afterwards."""
    root = tmp_path / ".local/share/opencode/storage"
    files = {
        "session/p/ses_1.json": '{"id": "ses_1", "directory": "/p", "title": "T", "time": {"created": 1795340000000}}',
        "message/ses_1/msg_1.json": '{"id": "msg_1", "sessionID": "ses_1", "role": "user"}',
        "part/msg_1/prt_1.json": '{"id": "prt_1", "messageID": "msg_1", "type": "text", "text": "one"}',
    }
    more = {
        "message/ses_1/msg_2.json": '{"id": "msg_2", "sessionID": "ses_1", "role": "user"}',
        "part/msg_2/prt_2.json": '{"id": "prt_2", "messageID": "msg_2", "type": "text", "text": "two"}',
    }
    for told, texts in ((files, ["one"]), (more, ["one", "two"])):
        for name, text in told.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        old(root)
        store.rescue(places(tmp_path))
        assert [message.content for message in store.load("opencode-ses_1").messages] == texts


def test_a_project_is_noted_in_what_is_rescued(store, tmp_path, git):
    """Sessions of a folder that is here are found by it after it was renamed."""
    folder = tmp_path / "app"
    git.path = folder
    folder.mkdir()
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "first")
    store.rescue(places(make_home(tmp_path / "agents", project=str(folder))))
    moved = folder.rename(tmp_path / "renamed")
    assert len(store.list_sessions(project_path=moved)) >= 3


def test_a_file_that_goes_while_it_is_looked_at_is_named(store, agents, monkeypatch):
    """An agent that removes its database at that moment: the others come in."""
    really = rescuing.scan

    def scan(place):
        found = really(place)
        if place.agent == "opencode":
            (agents / ".local/share/opencode/opencode.db").unlink()
        return found

    monkeypatch.setattr(rescuing, "scan", scan)
    report = store.rescue(places(agents))
    assert (report.totals().new, len(report.failures)) == (4, 1)


def test_watching_goes_on_until_it_is_told_to_stop(store, agents):
    """Each look is told of; what comes in between two looks is in the second; a second watcher is refused."""
    stop, reports = Event(), []

    def told(report):
        reports.append(report)
        if len(reports) == 1:
            (agents / CLAUDE).write_text(claude_lines("of claude", "more"))
            with SessionStore(store.path) as other, pytest.raises(AlreadyWatched, match="--watch"):
                watch(other, list, Event(), told)
        else:
            stop.set()

    rescuing_pause, rescuing._PAUSE, factor, rescuing._PAUSE_FACTOR = rescuing._PAUSE, 0.01, rescuing._PAUSE_FACTOR, 0
    try:
        watch(store, lambda: places(agents), stop, told)
    finally:
        rescuing._PAUSE, rescuing._PAUSE_FACTOR = rescuing_pause, factor
    assert [_numbers(report)[1:3] for report in reports] == [(5, 0), (0, 1)]
    stopped = Event()
    stopped.set()
    watch(store, list, stopped, told)  # the lock is free again


def test_a_look_that_fails_is_told_and_the_next_one_tries_again(store, agents):
    """A store that cannot be written for a moment does not end the watch."""
    stop, reports = Event(), []
    looks = iter([rescuing.StoreLocked("x", 1.0), places(agents)])

    def look():
        found = next(looks)
        if isinstance(found, Exception):
            raise found
        return found

    def told(report):
        reports.append(report)
        if len(reports) == 2:
            stop.set()

    pause, rescuing._PAUSE = rescuing._PAUSE, 0.01
    try:
        watch(store, look, stop, told)
    finally:
        rescuing._PAUSE = pause
    assert isinstance(reports[0], rescuing.StoreLocked)
    assert reports[1].totals().new == 5


def test_the_record_keeps_any_path_and_forgets_what_is_gone(tmp_path):
    """Names that are no UTF-8, problems, and those that another reader put there are not seen."""
    odd = os.fsdecode(b"/x/\xff.jsonl")
    record = Rescued(tmp_path / "r.sqlite", "1")
    seen = {odd: Seen("1 2 3 4", ("a", "b"), ("why",)), "/y": Seen("4 5 6 7")}
    record.put(seen)
    assert record.files() == seen
    record.put({}, ["/y"])
    assert record.files() == {odd: seen[odd]}
    record.close()
    other = Rescued(tmp_path / "r.sqlite", "2")
    assert other.files() == {}
    other.put({"/z": Seen("1 2 3")})
    assert other.files() == {"/z": Seen("1 2 3")}
    other.close()
