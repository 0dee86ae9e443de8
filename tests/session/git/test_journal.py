"""The journal's records: whole or not there, whatever a crash or a disk made of the file."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session.errors import NewerFormat
from superqode.session.git import journal as module
from superqode.session.git.journal import Journal, NotTakenBack
from superqode.session.git.journal_record import JournalObject, Record, RefMove

A, B, C = "a" * 40, "b" * 40, "c" * 40
RECORD = Record((JournalObject(A, b"first"), JournalObject(B, b"")), (RefMove("refs/heads/s", "", B),))

oids = st.text("0123456789abcdef", min_size=40, max_size=40)
names = st.from_regex(r"refs/heads/[a-z0-9]{1,20}", fullmatch=True)
records = st.builds(
    Record,
    st.lists(st.builds(JournalObject, oids, st.binary(max_size=200)), max_size=5),
    st.lists(st.builds(RefMove, names, st.just("") | oids, oids), max_size=3),
)


@pytest.fixture
def journal(tmp_path):
    """A journal in a folder that is not there yet."""
    return Journal(tmp_path / "own" / "journal")


@pytest.fixture(autouse=True)
def _own_folder(tmp_path):
    (tmp_path / "own").mkdir()


def told(journal, number=0):
    """The records of a number, oldest first."""
    return [record for path in journal.files(number) for record in journal.records(path)]


def plain(record):
    """A record as comparable values."""
    return list(map(tuple, record.objects)), list(map(tuple, record.refs))


def end_of_records(path):
    """Where the last whole record of a file ends."""
    return Journal(path.parent)._end_of_records(str(path), 0)


def put_behind(path, tail):
    """Leave bytes behind the last record, as a writer that was killed does."""
    end = end_of_records(path) if path.exists() else 0
    with path.open("r+b" if path.exists() else "wb") as stream:
        stream.seek(end)
        stream.write(tail)


@given(st.lists(records, max_size=6))
def test_what_is_written_is_read(tmp_path_factory, written):
    """Any records come back as they were, in their order."""
    folder = tmp_path_factory.mktemp("own")
    journal = Journal(folder / "journal")
    for record in written:
        journal.write(7, record)
    assert list(map(plain, told(journal, 7))) == list(map(plain, written))


def test_the_bytes_are_the_format(journal, monkeypatch):
    """What stands in the file is pinned: another superqode has to read it."""
    monkeypatch.setattr(module, "boot_id", lambda: "11111111-2222-3333-4444-555555555555")
    journal.write(0x4F, RECORD)
    assert journal.files(0x4F)[0].name == "4f"
    data = journal.files(0x4F)[0].read_bytes()
    assert set(data[data.index(b"first") + 5 :]) == {0}
    assert data.rstrip(b"\0") == (
        b"superqode-journal 1 11111111-2222-3333-4444-555555555555\n"
        b'5bed4e61 {"crc":2456940119,"objects":[["' + A.encode() + b'",5],["' + B.encode() + b'",0]],'
        b'"refs":[["refs/heads/s","","' + B.encode() + b'"]]}\n'
        b"first"
    )


def test_a_file_that_is_cut_has_its_whole_records(journal):
    """Cut at any byte, the records before the cut are there and nothing else is."""
    ends = []
    for _ in range(3):
        journal.write(0, RECORD)
        [path] = journal.files(0)
        ends.append(end_of_records(path))
    data = path.read_bytes()[: ends[-1]]
    for cut in range(len(data)):
        path.write_bytes(data[:cut])
        assert len(told(journal)) == sum(end <= cut for end in ends), cut


def test_a_changed_byte_never_makes_another_record(journal):
    """Flip any byte: the records before it are there, and none that was never written."""
    for _ in range(2):
        journal.write(0, RECORD)
    [path] = journal.files(0)
    data = path.read_bytes()
    for place in range(data.index(b"\n") + 1, end_of_records(path)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x41]) + data[place + 1 :])
        assert all(plain(record) == plain(RECORD) for record in told(journal)), place
        assert len(told(journal)) < 2


@given(st.binary(max_size=300))
def test_garbage_is_no_record(tmp_path_factory, garbage):
    """Whatever stands in the file, nothing is raised and nothing is believed."""
    folder = tmp_path_factory.mktemp("own") / "journal"
    folder.mkdir()
    for data in (garbage, b"superqode-journal 1 x\n" + garbage):
        (folder / "00").write_bytes(data)
        assert told(Journal(folder)) == []


@pytest.mark.parametrize(
    "line",
    [
        b"[]",
        b"{}",
        b'{"crc":0,"objects":[["../../x",0]],"refs":[]}',
        b'{"crc":0,"objects":[],"refs":[["../../../etc/passwd","","' + A.encode() + b'"]]}',
        b'{"crc":0,"objects":[],"refs":[["refs/heads/../../x","","' + A.encode() + b'"]]}',
        b'{"crc":0,"objects":[["' + A.encode() + b'",-1]],"refs":[]}',
        b'{"crc":0,"objects":[["' + A.encode() + b'",99999999999]],"refs":[]}',
        b'{"crc":0,"objects":[["' + A.encode() + b'",true]],"refs":[]}',
        b"[" * 100_000,
    ],
)
def test_a_record_that_names_anything_else_is_none(journal, line):
    """Ids, refs and sizes are checked before anything is done with them: no name becomes a path by being there."""
    import zlib

    journal.write(0, RECORD)
    [path] = journal.files(0)
    first = path.read_bytes().partition(b"\n")[0]
    path.write_bytes(first + b"\n" + b"%08x " % zlib.crc32(line) + line + b"\n")
    assert told(journal) == []


def test_a_record_that_failed_is_not_there(journal, monkeypatch):
    """After a failed sync nothing is left of it, so that what comes later stands behind what is known to be there."""
    journal.write(0, RECORD)
    before = journal.files(0)[0].read_bytes().rstrip(b"\0")
    with monkeypatch.context() as patch:
        patch.setattr(
            module.durability, "sync_data", lambda _handle: (_ for _ in ()).throw(OSError(5, "Input/output error"))
        )
        with pytest.raises(OSError, match="Input/output error"):
            journal.write(0, RECORD)
    assert journal.files(0)[0].read_bytes() == before


def test_a_record_that_failed_is_taken_away_for_good(journal, monkeypatch):
    """Its cut is durable, or a crash could bring it back; where that fails as well, nobody says that it is not there."""
    journal.write(0, RECORD)
    failing = OSError(5, "Input/output error")
    synced = []
    monkeypatch.setattr(module.durability, "sync_data", lambda _handle: (_ for _ in ()).throw(failing))
    monkeypatch.setattr(module.durability, "sync", synced.append)
    with pytest.raises(OSError, match="Input/output error") as caught:
        journal.write(0, RECORD)
    assert not isinstance(caught.value, NotTakenBack)
    assert len(synced) == 1
    monkeypatch.setattr(module.durability, "sync", lambda _handle: (_ for _ in ()).throw(failing))
    with pytest.raises(NotTakenBack):
        journal.write(0, RECORD)


def test_the_files_own_entry_is_durable_whoever_made_it(journal, monkeypatch):
    """A process that was killed right after it made the file synced no folder: the next one does, before the first record."""
    (journal._folder).mkdir(parents=True)
    (journal._folder / "00").touch()
    synced = []
    monkeypatch.setattr(module, "_sync_folder", synced.append)
    for _ in range(2):
        journal.write(0, RECORD)
    assert synced == [journal._folder, journal._folder.parent]


def test_there_is_room_for_the_next_record(journal):
    """A sync has to wait for a file's size only now and then: zeros stand behind the last record, ever more of them."""
    sizes = set()
    for _ in range(400):
        journal.write(0, RECORD)
        sizes.add(journal.size(0))
    assert len(sizes) < 8
    assert len(told(journal)) == 400


def test_a_full_disk_has_no_room_and_keeps_the_record(journal, monkeypatch):
    """Where the zeros find no room, the record is there all the same."""
    write = module._write_at

    def full(handle, data, place):
        if not any(data):
            raise OSError(28, "No space left on device")
        write(handle, data, place)

    monkeypatch.setattr(module, "_write_at", full)
    for _ in range(3):
        journal.write(0, RECORD)
    assert list(map(plain, told(journal))) == [plain(RECORD)] * 3


@pytest.mark.parametrize("tail", [b"superqode-jour", b'deadbeef {"crc":12,"obj', b"\0" * 50])
@pytest.mark.parametrize("before", [0, 1, 2])
@pytest.mark.parametrize("ours", [True, False])
def test_a_record_that_was_cut_hides_none_that_comes_later(journal, before, tail, ours):
    """A writer was killed in the middle: whoever writes next, this process or another, takes the rest of it away."""
    for _ in range(before):
        journal.write(0, RECORD)
    path = journal._folder / "00"
    path.parent.mkdir(exist_ok=True)
    put_behind(path, tail)
    writer = journal if ours else Journal(journal._folder)
    for _ in range(2):
        writer.write(0, RECORD)
    assert list(map(plain, told(journal))) == [plain(RECORD)] * (before + 2)
    end = len(module._first_line()) + (before + 2) * len(RECORD.encode())
    assert set(path.read_bytes()[end:]) == {0}


def test_a_record_that_could_not_be_taken_away_hides_none(journal, monkeypatch):
    """The disk is full, and the file cannot even be cut: the next record is found all the same."""
    journal.write(0, RECORD)

    def half(handle, data, place):
        os.pwrite(handle, data[: len(data) // 2], place)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(module, "_write_at", half)
        patch.setattr(os, "ftruncate", lambda _handle, _size: (_ for _ in ()).throw(OSError(5, "Input/output error")))
        with pytest.raises(OSError, match="Input/output error"):
            journal.write(0, RECORD)
    journal.write(0, RECORD)
    assert list(map(plain, told(journal))) == [plain(RECORD)] * 2


def test_what_others_wrote_is_kept(journal):
    """Two processes write in turns, and one empties the file between: nobody cuts what the other wrote."""
    other = Journal(journal._folder)
    large = Record((JournalObject(C, b"x" * 1000),), ())
    for writer in (journal, other, other, journal):
        writer.write(0, RECORD)
    assert len(told(journal)) == 4
    other.empty(0)
    for _ in range(2):
        other.write(0, large)
    journal.write(0, RECORD)
    assert list(map(plain, told(journal))) == [plain(large), plain(large), plain(RECORD)]


@pytest.mark.parametrize("line", [b"superqode-journal 2 abc\n", b"superqode-journal 2 abc and more\n"])
def test_a_newer_formats_file_is_not_written_to(journal, line):
    """Records that this superqode cannot read are neither cut nor followed by others."""
    path = journal._folder / "00"
    path.parent.mkdir()
    path.write_bytes(line + b"something newer")
    with pytest.raises(NewerFormat, match=r"journal.*format '2'"):
        journal.write(0, RECORD)
    assert path.read_bytes() == line + b"something newer"
    assert told(journal) == []


def test_a_record_can_be_taken_back(journal):
    """A save that lost the race leaves no record; those before it stay."""
    journal.write(0, RECORD)
    mark = journal.write(0, Record((), (RefMove("refs/heads/s", B, C),)))
    journal.take_back(mark)
    assert list(map(plain, told(journal))) == [plain(RECORD)]


def test_older_records_stand_apart_until_they_are_removed(journal):
    """Rotating keeps the order, and removing the older ones leaves what came since."""
    for number, oid in enumerate((A, B, C)):
        journal.write(5, Record((JournalObject(oid, b"x"),), ()))
        if number < 2:
            older = journal.rotate(5)
    assert [record.objects[0].oid for record in told(journal, 5)] == [A, B, C]
    journal.remove(older)
    assert [record.objects[0].oid for record in told(journal, 5)] == [C]
    journal.empty(5)
    assert told(journal, 5) == []
    assert journal.numbers() == []


def test_records_of_another_run_are_known(journal, monkeypatch):
    """Only records that another run of the system wrote are stale; where the system tells no run, all are."""
    monkeypatch.setattr(module, "boot_id", lambda: "one")
    journal.write(1, RECORD)
    assert journal.numbers(stale=True) == []
    monkeypatch.setattr(module, "boot_id", lambda: "two")
    journal.write(2, RECORD)
    assert journal.numbers(stale=True) == [1]
    monkeypatch.setattr(module, "boot_id", lambda: "")
    assert journal.numbers(stale=True) == [1, 2]


def test_nobody_else_may_read_it(journal):
    """Records hold what was said: the folder and its files are their owner's alone."""
    journal.write(0, RECORD)
    [path] = journal.files(0)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_file_that_goes_while_all_are_counted_is_none(tmp_path, monkeypatch):
    """A checkpoint of another process removes what it is done with at any moment."""
    journal = Journal(tmp_path)
    (tmp_path / "00").write_bytes(b"12345")
    monkeypatch.setattr(journal, "files", lambda: [tmp_path / "00", tmp_path / "01"])
    assert journal.total() == 5
