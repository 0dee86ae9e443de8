"""The object database: trees, commits and tags as git has them, from loose files and packs, checked."""

import subprocess
import threading
from pathlib import Path

import pytest

from superqode.session.errors import CorruptObject
from superqode.session.git.object_codec import BLOB, TREE, Ident, TreeEntry
from superqode.session.git.objects import Objects
from superqode.session.git.packs import Packs
from superqode.session.git.repository import Repository

IDENT = Ident("Ada Example", "ada@example.invalid", 1_795_341_600)


class _Git:
    def __init__(self, path):
        self.path = path
        subprocess.run(["git", "init", "-q", "--bare", str(path)], check=True)

    def __call__(self, *arguments, stdin=b""):
        done = subprocess.run(["git", "-C", str(self.path), *arguments], input=stdin, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")


@pytest.fixture
def git(tmp_path):
    """Real git on a bare repository of its own."""
    return _Git(tmp_path / "repository")


@pytest.fixture
def objects(git, tmp_path):
    """The objects of that repository."""
    return Objects(git.path, tmp_path / "quarantine", lambda: Packs(git.path))


def _commit(objects, **changed):
    tree = objects.write_tree([TreeEntry(BLOB, "a", objects.write("blob", b"x"))])
    fields = {"tree": tree, "parents": (), "author": IDENT, "committer": IDENT, "message": b"said\n"} | changed
    return objects.write_commit(**fields)


def test_trees_are_sorted_as_git_sorts_them(objects, git):
    """A folder sorts as if its name ended with a slash; git makes the same tree of the same entries."""
    blob = objects.write("blob", b"x")
    folder = objects.write_tree([TreeEntry(BLOB, "x", blob)])
    entries = [TreeEntry(BLOB, "a.b", blob), TreeEntry(TREE, "a", folder), TreeEntry(BLOB, "a0", blob)]

    oid = objects.write_tree(entries)

    lines = "".join(
        f"{entry.mode:0>6} {'tree' if entry.mode == TREE else 'blob'} {entry.oid}\t{entry.name}\n" for entry in entries
    )
    assert git("mktree", stdin=lines.encode()) == oid
    assert [entry.name for entry in objects.tree(oid)] == ["a.b", "a", "a0"]
    git("fsck", "--strict", "--no-dangling")


def test_commits_are_gits_commits(objects, git):
    """Git prints our commit as it was meant, and we read it so."""
    parent = _commit(objects)
    author = Ident("Jürgen", "j@example.invalid", 5, "+0130")
    oid = _commit(objects, parents=(parent,), author=author, message="süß\n\nTrailer: x\n".encode())

    told = git("cat-file", "-p", oid)
    commit = objects.commit(oid)

    assert f"parent {parent}\nauthor Jürgen <j@example.invalid> 5 +0130\ncommitter Ada Example" in told
    assert (commit.parents, commit.author, commit.committer) == ((parent,), author, IDENT)
    assert commit.message == "süß\n\nTrailer: x\n".encode()
    git("fsck", "--strict", "--no-dangling")


def test_foreign_commits_are_read(objects, git):
    """Signed commits, merges and odd encodings that plain git made are read."""
    tree = objects.write_tree([])
    data = (
        f"tree {tree}\nparent {'1' * 40}\nparent {'2' * 40}\nauthor A <a@b> -5 -0230\ncommitter C <> 7 +0000\n"
        "encoding latin1\ngpgsig -----BEGIN\n tree not-a-tree\n -----END\n\n"
    ).encode() + b"\xfc message"
    oid = git("hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=data)

    commit = objects.commit(oid)

    assert (commit.tree, commit.parents) == (tree, ("1" * 40, "2" * 40))
    assert (commit.author, commit.committer) == (Ident("A", "a@b", -5, "-0230"), Ident("C", "", 7))
    assert commit.message == b"\xfc message"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"tree\n",
        b"author A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\n",
        b"tree " + b"0" * 39 + b"\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\n",
        b"tree " + b"0" * 40 + b"\nparent HEAD\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\n",
        b"tree " + b"0" * 40 + b"\nauthor A\ncommitter A <a@b> 1 +0000\n\n",
        b"tree " + b"0" * 40 + b"\nauthor A <a@b> soon +0000\ncommitter A <a@b> 1 +0000\n\n",
        b"tree " + b"A" * 40 + b"\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\n",
    ],
    ids=range(8),
)
def test_garbage_is_no_commit(objects, git, data):
    """What has not the lines of a commit is CorruptObject, by its id."""
    oid = git("hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=data)

    with pytest.raises(CorruptObject, match=oid):
        objects.commit(oid)


@pytest.mark.parametrize(
    "message", ["Before fix", "two\n\nparagraphs", "", "\0NUL", "\ud800", "\n\nleading", "é" * 5_000]
)
def test_tags_are_gits_tags(objects, git, message):
    """Git accepts our tag of any description, and the description comes back as text that Git can hold."""
    oid = objects.write_tag(_commit(objects), "s/snap", IDENT, message)

    tag = objects.tag(oid)

    assert (tag.kind, tag.name, tag.tagger) == ("commit", "s/snap", IDENT)
    assert tag.message == message.replace("\0", " ").replace("\ud800", "?").rstrip("\n")
    git("update-ref", "refs/tags/s/snap", oid)
    git("fsck", "--strict", "--no-dangling")


def test_packed_objects_are_read(objects, git):
    """After `git gc` the same ids give the same content, through libgit2."""
    oid = _commit(objects)
    git("update-ref", "refs/heads/x", oid)
    before = objects.commit(oid), objects.tree(objects.commit(oid).tree)
    git("gc", "-q", "--prune=now")
    fresh = Objects(git.path, git.path, lambda: Packs(git.path))

    assert fresh.loose.read(oid) is None
    assert (fresh.commit(oid), fresh.tree(fresh.commit(oid).tree)) == before


def test_a_pack_that_appears_meanwhile_is_found(objects, git):
    """Packing beside an open database takes nothing from it."""
    first, oid = _commit(objects), _commit(objects, message=b"second\n")
    git("update-ref", "refs/heads/x", first)
    git("repack", "-adq")
    assert objects.has(first)
    git("update-ref", "refs/heads/y", oid)
    git("repack", "-adq")
    git("prune-packed", "-q")

    assert objects.has(oid)


def test_reading_many_finds_what_comes_packs_and_goes_meanwhile(objects, git):
    """Each folder is looked through once, and still nothing is missed: what is written, packed or unpacked later is there."""
    first = objects.write("blob", b"first")
    with objects.reading_many():
        assert objects.read(first) == ("blob", b"first")
        later = [objects.write("blob", b"later %d" % number) for number in range(600)]
        assert first[:2] in {oid[:2] for oid in later}, "one has to be in a folder that was looked through"
        assert [objects.read(oid)[1] for oid in later] == [b"later %d" % number for number in range(600)]
        git("pack-objects", "-q", "objects/pack/pack", stdin="\n".join([first, *later]).encode())
        git("prune-packed", "-q")
        assert objects.read(first) == ("blob", b"first")
        with pytest.raises(CorruptObject, match="it is not there"):
            objects.read("0" * 40)


def test_what_is_not_there_is_told(objects):
    """A missing object is CorruptObject; `has` says no without an error."""
    with pytest.raises(CorruptObject, match="it is not there"):
        objects.read("0" * 40)
    assert not objects.has("0" * 40)


def test_a_packed_object_under_a_name_of_another_is_told(objects, git):
    """A pack that is whole, but whose index gives an object a wrong name, gives nothing under that name."""
    oid = objects.write("blob", b"what was written")
    git("update-ref", "refs/tags/kept", oid)
    git("repack", "-adq")
    git("prune-packed", "-q")
    (index,) = (git.path / "objects" / "pack").glob("*.idx")
    index.chmod(0o644)
    wrong = oid[:-2] + f"{int(oid[-2:], 16) ^ 1:02x}"
    index.write_bytes(index.read_bytes().replace(bytes.fromhex(oid), bytes.fromhex(wrong)))
    with pytest.raises(CorruptObject, match=wrong):
        Packs(git.path).read(wrong)


def test_a_damaged_pack_is_told(objects, git):
    """A pack whose bytes turned is CorruptObject for what is in it."""
    oid = _commit(objects, message=bytes(range(1, 256)) * 50)
    git("update-ref", "refs/heads/x", oid)
    git("repack", "-adq")
    git("prune-packed", "-q")
    (pack,) = (git.path / "objects" / "pack").glob("*.pack")
    pack.chmod(0o644)
    data = pack.read_bytes()
    pack.write_bytes(data[:20] + bytes(255 - byte for byte in data[20:-20]) + data[-20:])

    with pytest.raises(CorruptObject):
        Objects(git.path, git.path, lambda: Packs(git.path)).commit(oid)


def test_types_are_not_mixed_up(objects):
    """A blob is no tree and a tree no commit, whatever somebody's tree says."""
    blob = objects.write("blob", b"")
    for read in (objects.tree, objects.commit, objects.tag):
        with pytest.raises(CorruptObject, match="it is a blob"):
            read(blob)
    with pytest.raises(CorruptObject, match="it is a tree, and a blob was expected"):
        objects.blob(objects.write_tree([]))


def test_each_thread_flushes_what_it_wrote(objects):
    """The files to flush are a thread's own: one save never takes another's."""
    objects.write("blob", b"here")
    theirs = []

    def work():
        objects.write("blob", b"there")
        theirs.extend(objects.take_written())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    ours = objects.take_written()

    assert len(ours) == len(theirs) == 1
    assert ours != theirs
    assert objects.take_written() == []


def test_threads_read_packs_side_by_side(objects, git):
    """Several threads read packed objects at once, each through a handle of its own."""
    oids = [_commit(objects, message=b"%d\n" % number) for number in range(20)]
    for number, oid in enumerate(oids):
        git("update-ref", f"refs/heads/{number}", oid)
    git("repack", "-adq")
    git("prune-packed", "-q")
    found = []

    def work():
        found.extend(objects.commit(oid).message for oid in oids)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 80


@pytest.mark.parametrize("damage", [b"", b"x\x9c", b"\0" * 30])
def test_a_damaged_file_hides_nothing_that_is_packed(store_path, damage):
    """What stands in a pack is read from there, where a crash left the loose file of the same object damaged."""
    repository = Repository.create(store_path)
    oid = repository.objects.write("blob", b"whole")
    packed = Path(repository.objects.loose.path(oid)).read_bytes()
    for command in (("update-ref", "refs/tags/kept", oid), ("repack", "-a", "-d", "-q")):
        subprocess.run(["git", "-C", str(store_path), *command], check=True)
    repository.objects.loose.restore(oid, packed)
    path = Path(repository.objects.loose.path(oid))
    path.chmod(0o600)
    path.write_bytes(damage)
    assert repository.objects.read(oid) == ("blob", b"whole")
