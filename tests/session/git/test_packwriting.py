"""Packs that we write: Git reads them, nothing is seen before the end, and leftovers are none."""

import errno
import random
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superqode.session.errors import CorruptObject
from superqode.session.git import packwriting
from superqode.session.git.packwriting import PackWriter, keep_pack
from superqode.session.git.repository import Repository

CONTENTS = st.lists(
    st.tuples(st.sampled_from(["blob", "tag"]), st.binary(max_size=40) | st.binary(min_size=3000, max_size=5000)),
    min_size=1,
    max_size=12,
)


@pytest.fixture
def repository(store_path):
    """An empty store."""
    return Repository.create(store_path)


def packs(repository):
    """The names in the folder of packs."""
    return sorted(path.name for path in (repository.path / "objects" / "pack").iterdir())


@pytest.fixture
def always(monkeypatch):
    """Even a few objects go into a pack."""
    monkeypatch.setattr(packwriting, "_FEW", 1)


@settings(max_examples=8)
@given(CONTENTS)
def test_git_reads_what_we_wrote(tmp_path_factory, contents):
    """Every object of every length is the one git finds, and the pack's own sums are right."""
    folder = tmp_path_factory.mktemp("packed")
    subprocess.run(["git", "init", "-q", "--bare", str(folder)], check=True)
    writer = PackWriter(folder / "objects" / "pack", lambda *_told: pytest.fail("nothing is loose here"), few=1)
    named = {writer.add(kind, content): (kind, content) for kind, content in contents}
    assert {oid: writer.read(oid) for oid in named} == named
    pack, index = writer.finish()
    subprocess.run(["git", "-C", str(folder), "verify-pack", index], check=True)
    again = subprocess.run(
        ["git", "index-pack", "-o", str(folder / "again.idx"), pack], check=True, capture_output=True
    )
    assert again.stdout.strip().decode() in pack
    assert (folder / "again.idx").read_bytes() == Path(index).read_bytes()
    for oid, (kind, content) in named.items():
        told = subprocess.run(["git", "-C", str(folder), "cat-file", kind, oid], check=True, capture_output=True)
        assert told.stdout == content


def test_few_objects_stay_loose(repository):
    """What is little is written as ever, so that small imports leave no small packs."""
    with repository.objects.packing():
        oid = repository.objects.write("blob", b"alone")
        assert repository.objects.read(oid) == ("blob", b"alone")
        assert not (repository.path / "objects" / oid[:2] / oid[2:]).exists()
    assert (repository.path / "objects" / oid[:2] / oid[2:]).is_file()
    assert packs(repository) == []


@pytest.mark.usefixtures("always")
def test_what_is_packed_is_read_by_all_and_flushed(repository, git):
    """Trees and commits written into a pack are there for this handle, another one, and git; a flush knows the files."""
    objects = repository.objects
    ident = repository.committer()
    with objects.packing():
        commit = objects.write_commit(objects.write_tree([]), (), ident, ident, b"packed\n")
        assert objects.commit(commit).message == b"packed\n"
    assert {path.rpartition(".")[2] for path in objects.take_written()} == {"pack", "idx"}
    assert Repository(repository.path).objects.commit(commit).message == b"packed\n"
    repository.refs.update("refs/heads/s", commit, None, ident=ident, reason="")
    git.fsck()


@pytest.mark.usefixtures("always")
def test_an_error_leaves_nothing(repository):
    """Where the block raises, no pack and no temporary file stays, and nothing of it can be read."""
    oid = ""
    with pytest.raises(ZeroDivisionError), repository.objects.packing():
        oid = repository.objects.write("blob", b"never")
        raise ZeroDivisionError
    assert packs(repository) == []
    with pytest.raises(CorruptObject):
        repository.objects.read(oid)


@pytest.mark.usefixtures("always")
def test_much_becomes_several_packs(repository, monkeypatch, git):
    """A pack is closed where it has as many objects as may be remembered; each is whole for itself."""
    monkeypatch.setattr(packwriting, "_MOST", 7)
    some = random.Random(1)
    with repository.objects.packing():
        named = [repository.objects.write("blob", some.randbytes(100)) for _ in range(20)]
    assert len(packs(repository)) == 6
    assert all(repository.objects.has(oid) for oid in named)
    git.fsck()


@pytest.mark.usefixtures("always")
def test_no_repack_drops_a_pack_before_its_ref_is_made(repository, git):
    """`git repack -a -d` and `git gc --prune=now` leave alone what is to get a ref next; then they may pack it."""
    ident = repository.committer()
    with repository.writing("s"):
        with repository.objects.packing():
            commit = repository.objects.write_commit(repository.objects.write_tree([]), (), ident, ident, b"packed\n")
        git("repack", "-a", "-d", "-q")
        git("gc", "--quiet", "--prune=now")
        with repository.writing():
            pass  # only the outermost end is the end
        git("repack", "-a", "-d", "-q")
        repository.refs.update("refs/heads/s", commit, None, ident=ident, reason="")
    assert not [name for name in packs(repository) if name.endswith(".keep")]
    git("repack", "-a", "-d", "-q")
    assert len([name for name in packs(repository) if name.endswith(".pack")]) == 1
    assert Repository(repository.path).objects.commit(commit).message == b"packed\n"
    git.fsck()


def test_somebodys_own_keep_stays(tmp_path):
    """A `.keep` that people made is neither written over nor ours to remove."""
    pack = tmp_path / "pack-1.pack"
    pack.with_suffix(".keep").write_text("mine\n")
    assert keep_pack(pack) == []
    assert pack.with_suffix(".keep").read_text() == "mine\n"


@pytest.mark.usefixtures("always")
def test_a_pack_that_is_there_already_is_not_touched(repository):
    """What is written twice becomes two packs: a `git repack` beside us may be about to remove the first."""
    for _ in range(2):
        with repository.writing(), repository.objects.packing():
            repository.objects.write("blob", b"the same")
    assert len([name for name in packs(repository) if name.endswith(".pack")]) == 2


@pytest.mark.usefixtures("always")
def test_a_full_disk_leaves_no_keep(repository, monkeypatch):
    """Where the `.keep` cannot be written the save fails, and no file of it stays."""

    def full(path, data):
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"), repository.writing(), repository.objects.packing():
        repository.objects.write("blob", b"never")
    assert packs(repository) == []


@pytest.mark.usefixtures("always")
def test_writers_that_overlap_keep_their_packs(repository):
    """However blocks of one thread end, in whatever order, packs are left alone until the last of them did."""
    first, second = repository.writing("a"), repository.writing("b")
    first.__enter__()
    second.__enter__()
    with repository.objects.packing():
        repository.objects.write("blob", b"x")
    first.__exit__(None, None, None)
    assert any(name.endswith(".keep") for name in packs(repository))
    second.__exit__(None, None, None)
    assert not any(name.endswith(".keep") for name in packs(repository))
    assert repository.objects.pack_keeps() is None
