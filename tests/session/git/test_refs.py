"""Refs beside real git: read, moved only from where they were expected, deleted, packed, and never lost."""

import os
import random
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session.errors import CorruptObject, RefConflict
from superqode.session.git import durability
from superqode.session.git.lockfile import LockFile
from superqode.session.git.object_codec import Ident
from superqode.session.git.packed_refs import PackedRef
from superqode.session.git.refs import Refs, is_ref_name

IDENT = Ident("Ada Example", "ada@example.invalid", 1_795_341_600)


class _Git:
    def __init__(self, path):
        self.path = path
        subprocess.run(["git", "init", "-q", "--bare", str(path)], check=True)
        ident = ["-c", "user.name=A", "-c", "user.email=a@b"]
        self.command = ["git", "-C", str(path), *ident]
        tree = self("mktree")
        self.one, self.two, self.three = (self("commit-tree", "-m", text, tree) for text in ("1", "2", "3"))

    def __call__(self, *arguments, stdin=""):
        done = subprocess.run([*self.command, *arguments], input=stdin, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def refs(self):
        lines = self("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return dict(line.split(" ") for line in lines)


@pytest.fixture
def git(tmp_path):
    """Real git on a bare repository with three commits."""
    return _Git(tmp_path / "repository")


@pytest.fixture
def refs(git, tmp_path):
    """The refs of that repository."""
    return Refs(git.path, tmp_path / "aside")


def _make(refs, name, oid, expected=None):
    refs.update(name, oid, expected, ident=IDENT, reason="test: made")


def test_what_we_write_git_reads_and_the_other_way_round(refs, git):
    """A branch of ours is git's and a branch of git's is ours, loose or packed."""
    _make(refs, "refs/heads/ours", git.one)
    git("update-ref", "refs/heads/theirs", git.two)
    for pack in (False, True):
        if pack:
            git("pack-refs", "--all")
        assert git.refs() == {"refs/heads/ours": git.one, "refs/heads/theirs": git.two}
        assert dict(refs.items("refs/heads/")) == git.refs()
        assert refs.names("refs/") == ["refs/heads/ours", "refs/heads/theirs"]
        assert refs.read("refs/heads/theirs") == git.two
    assert refs.read("refs/heads/nobody") is None


def test_a_ref_moves_only_from_where_it_was_expected(refs, git):
    """Compare-and-swap: another value, a missing ref and one that is there are conflicts that change nothing."""
    _make(refs, "refs/heads/x", git.one)
    for name, new, expected in (
        ("refs/heads/x", git.three, git.two),
        ("refs/heads/x", git.three, None),
        ("refs/heads/new", git.three, git.one),
    ):
        with pytest.raises(RefConflict) as caught:
            _make(refs, name, new, expected)
        assert caught.value.ref == name
        assert caught.value.expected == expected
    assert git.refs() == {"refs/heads/x": git.one}
    _make(refs, "refs/heads/x", git.two, git.one)
    assert git.refs() == {"refs/heads/x": git.two}


@pytest.mark.parametrize("packed", [False, True], ids=["loose", "packed"])
def test_a_packed_ref_is_moved_like_a_loose_one(refs, git, packed):
    """Where the value stands makes no difference to moving and deleting."""
    _make(refs, "refs/heads/x", git.one)
    if packed:
        git("pack-refs", "--all")
    _make(refs, "refs/heads/x", git.two, git.one)
    assert refs.read("refs/heads/x") == git("rev-parse", "refs/heads/x") == git.two
    with pytest.raises(RefConflict):
        refs.delete("refs/heads/x", git.one)

    refs.delete("refs/heads/x", git.two)

    assert refs.read("refs/heads/x") is None
    assert git.refs() == {}
    with pytest.raises(RefConflict):
        refs.delete("refs/heads/x", git.two)


def test_deleting_one_packed_ref_keeps_the_others(refs, git):
    """Rewriting `packed-refs` for one deletion keeps every other ref and what tags peel to."""
    for name in ("a", "b", "c"):
        _make(refs, f"refs/heads/{name}", git.one)
    git("tag", "-a", "-m", "m", "t", git.two)
    git("pack-refs", "--all")
    _make(refs, "refs/heads/loose", git.three)

    refs.delete("refs/heads/b", git.one)

    assert sorted(git.refs()) == ["refs/heads/a", "refs/heads/c", "refs/heads/loose", "refs/tags/t"]
    assert git("rev-parse", "t^{commit}") == git.two
    git("fsck", "--strict")


def test_many_refs_are_deleted_at_once(refs, git):
    """Loose, packed or both, with their reflogs; one that is somewhere else by now stays, and says so by its absence."""
    for name in ("packed", "both", "moved", "kept"):
        _make(refs, f"refs/heads/{name}", git.one)
    git("tag", "-a", "-m", "m", "t", git.two)
    git("pack-refs", "--all")
    for name in ("both", "moved"):
        _make(refs, f"refs/heads/{name}", git.two, git.one)
    _make(refs, "refs/heads/deep/loose", git.three)

    wanted = {"refs/heads/both": git.two, "refs/heads/deep/loose": git.three, "refs/heads/packed": git.one}
    gone = refs.delete_all({**wanted, "refs/heads/moved": git.one, "refs/heads/never": git.one})

    assert gone == list(wanted)
    assert sorted(git.refs()) == ["refs/heads/kept", "refs/heads/moved", "refs/tags/t"]
    assert git("rev-parse", "moved") == git.two
    assert not (git.path / "logs" / "refs" / "heads" / "deep").exists()
    assert not list(git.path.rglob("*.lock"))
    git("fsck", "--strict")


def test_the_reflog_is_gits(refs, git):
    """Git reads our reflog; deleting a ref deletes it, with the folders it leaves empty."""
    _make(refs, "refs/heads/deep/er/x", git.one)
    refs.update("refs/heads/deep/er/x", git.two, git.one, ident=IDENT, reason="user: said é")

    assert git("log", "-g", "--format=%gs", "refs/heads/deep/er/x").splitlines() == ["user: said é", "test: made"]
    assert refs.log.reasons("refs/heads/deep/er/x") == ["test: made", "user: said é"]
    assert refs.log.reasons("refs/heads/nobody") == []

    refs.delete("refs/heads/deep/er/x", git.two)

    assert not (git.path / "logs" / "refs" / "heads" / "deep").exists()
    assert not (git.path / "refs" / "heads" / "deep").exists()
    assert (git.path / "refs" / "heads").is_dir()


@pytest.mark.parametrize(
    ("there", "new", "packed"),
    [
        ("refs/heads/a", "refs/heads/a/b", True),
        ("refs/heads/a/b/c", "refs/heads/a", False),
        ("refs/heads/a/b/c", "refs/heads/a", True),
    ],
)
def test_a_ref_cannot_be_another_ones_folder(refs, git, there, new, packed):
    """As git has it, `a` and `a/b` cannot both be: a conflict that names the other, and nothing changed."""
    _make(refs, there, git.one)
    if packed:
        git("pack-refs", "--all")

    with pytest.raises(RefConflict, match="refs/heads/a"):
        _make(refs, new, git.two)

    assert git.refs() == {there: git.one}


def test_empty_folders_are_no_obstacle(refs, git):
    """Folders that a deleted ref left make way for a ref of their name, as in git."""
    (git.path / "refs" / "heads" / "a" / "b" / "c").mkdir(parents=True)
    (git.path / "logs" / "refs" / "heads" / "a" / "b").mkdir(parents=True)

    _make(refs, "refs/heads/a", git.one)

    assert git.refs() == {"refs/heads/a": git.one}


def test_symbolic_refs_are_followed(refs, git):
    """A name for another ref is read and moved through; where it leads nowhere that is told."""
    _make(refs, "refs/heads/x", git.one)
    git("symbolic-ref", "refs/heads/name", "refs/heads/x")
    _make(refs, "refs/heads/name", git.two, git.one)

    assert refs.read("refs/heads/name") == refs.read("refs/heads/x") == git.two
    assert refs.is_symbolic("refs/heads/name")
    assert not refs.is_symbolic("refs/heads/x")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"garbage\n",
        b"0" * 39 + b"\n",
        b"G" * 40,
        b"\0" * 41,
        b"ref: \n",
        b"ref: ../../etc/passwd\n",
        b"ref: refs/../../x\n",
        b"ref: refs/heads/x\n",
        b"0" * 64,
    ],
    ids=range(11),
)
def test_what_is_no_ref_is_told(refs, git, content):
    """An emptied file, garbage, links out of the store and to itself are CorruptObject; the others are listed."""
    _make(refs, "refs/heads/good", git.one)
    (git.path / "refs" / "heads" / "x").write_bytes(content)

    with pytest.raises(CorruptObject, match="refs/"):
        refs.read("refs/heads/x")
    assert refs.items("refs/heads/") == [("refs/heads/good", git.one)]
    assert refs.names("refs/heads/") == ["refs/heads/good", "refs/heads/x"]


def test_packing_moves_all_that_can_be_moved(refs, git):
    """Branches and tags go into one sorted file that git reads; names for others and damaged files stay."""
    _make(refs, "refs/heads/a", git.one)
    _make(refs, "refs/heads/b/c", git.two)
    git("tag", "-a", "-m", "m", "t", git.three)
    git("symbolic-ref", "refs/heads/name", "refs/heads/a")
    before = git.refs()
    (git.path / "refs" / "heads" / "broken").write_bytes(b"")
    tag = refs.read("refs/tags/t")

    packed = refs.pack(lambda name, oid: git.three if oid == tag else "")

    assert packed == 3
    assert sorted(refs.loose_names("refs/")) == ["refs/heads/broken", "refs/heads/name"]
    (git.path / "refs" / "heads" / "broken").unlink()
    assert git.refs() == before
    assert (git.path / "packed-refs").read_text().startswith("# pack-refs with: peeled fully-peeled sorted")
    assert f"\n^{git.three}\n" in (git.path / "packed-refs").read_text()
    assert refs.pack(lambda *_: "") == 0


def test_packed_refs_are_durable_before_their_files_go(refs, git, monkeypatch):
    """The file's content and its name: a crash between must not leave a ref in neither place."""
    _make(refs, "refs/heads/a", git.one)
    done = []
    real = os.unlink
    monkeypatch.setattr(durability, "flush_each", done.extend)
    monkeypatch.setattr(os, "unlink", lambda path: (done.append(path), real(path)))
    refs.pack(lambda _name, _oid: "")
    assert done.index(refs.packed_path()) < done.index(f"{refs._root}/refs/heads/a")


def test_a_ref_that_is_not_made_after_all_leaves_no_reflog(refs, git, monkeypatch):
    """One without its ref says that the ref was lost; what was logged before stays."""
    oid = git.one
    monkeypatch.setattr(LockFile, "commit", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "full")))
    for name, lines in (("refs/heads/new", []), ("refs/heads/lost", ["before"])):
        for line in lines:
            refs.log.append(name, None, oid, IDENT, line)
        with pytest.raises(OSError, match="full"):
            refs.update(name, oid, None, ident=IDENT, reason="save")
    assert refs.log.names() == ["refs/heads/lost"]


def test_a_ref_that_moves_while_packing_keeps_its_new_value(refs, git):
    """A save between the packing and the removal of the loose file wins."""
    _make(refs, "refs/heads/x", git.one)

    def peel(name, oid):
        assert (name, oid) == ("refs/heads/x", git.one)
        _make(refs, "refs/heads/x", git.two, git.one)
        return ""

    assert refs.pack(peel) == 0
    assert refs.read("refs/heads/x") == git("rev-parse", "refs/heads/x") == git.two


def test_many_refs_are_made_at_once(refs, git):
    """A restored store's refs come in one write, beside those that are there."""
    _make(refs, "refs/heads/there", git.one)
    refs.pack(lambda *_: "")

    refs.create_all({f"refs/heads/s{number}": PackedRef(git.two) for number in range(500)})

    assert len(git.refs()) == 501


def test_twins_are_found(refs, git):
    """A ref whose name differs in case only is found, loose or packed, and only directly below the prefix."""
    _make(refs, "refs/heads/Fix-It", git.one)
    _make(refs, "refs/heads/deep/Fix", git.one)
    for pack in (False, True):
        if pack:
            git("pack-refs", "--all")
        assert refs.find_folded("refs/heads/", "FIX-it") == "Fix-It"
        assert refs.find_folded("refs/heads/", "fix") is None
        assert refs.find_folded("refs/heads/", "deep") is None


def test_lock_files_are_no_refs(refs, git):
    """A writer's lock in a refs folder is not listed."""
    _make(refs, "refs/heads/x", git.one)
    (git.path / "refs" / "heads" / "x.lock").touch()

    assert refs.names("refs/heads/") == ["refs/heads/x"]


def _accepts(name):
    done = subprocess.run(["git", "check-ref-format", name], capture_output=True, check=False)
    return done.returncode == 0


def test_names_are_gits_names(git):
    """What may become a path is what git takes for a ref's name, over thousands of strings of nasty characters."""
    chance = random.Random(3)
    strings = {"".join(chance.choices("a.b/@{}~^:?*[\\ -\x7f\tlock", k=chance.randint(1, 7))) for _ in range(4_000)}
    strings |= {"x.lock", "x.lock/y", "a.lockx", "@", "HEAD", "-x", "x/-y", ".x", "x/.y", "x//y", "x/", "x."}
    # A folder each, or one would be another's folder.
    names = [f"refs/heads/{number}/{text}" for number, text in enumerate(sorted(strings))]
    taken = [name for name in names if is_ref_name(name)]
    refused = [name for name in names if not is_ref_name(name)]

    asked = "".join(f"verify {name} {'0' * 40}\n" for name in taken)
    done = subprocess.run(
        [*git.command, "update-ref", "--stdin"], input=asked, text=True, capture_output=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert [name for name in chance.sample(refused, 150) if _accepts(name)] == []
    assert min(len(taken), len(refused)) > 150


@pytest.mark.parametrize(
    "name", ["", "heads/x", "HEAD", "refs", "refs/", "/refs/heads/x", "refs/heads/../../x", "x" * 2_000]
)
def test_only_names_under_refs_are_names(name):
    """Nothing outside `refs/` is ever read or written as a ref."""
    assert not is_ref_name(name)


@given(st.text(max_size=20))
def test_no_name_leads_out_of_the_repository(name):
    """A name that passes stays below `refs/` as a path."""
    for given_name in (name, "refs/" + name, "refs/heads/" + name):
        if is_ref_name(given_name):
            path = os.path.normpath(Path("/r") / given_name)
            assert path == f"/r/{given_name}"
            assert path.startswith("/r/refs/")
