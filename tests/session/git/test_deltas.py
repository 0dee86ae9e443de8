"""Deltas: what they are made of comes back, and Git reads them as we do."""

import subprocess

from hypothesis import given
from hypothesis import strategies as st

from superqode.session.git.deltas import apply_delta, delta_size, make_delta, make_line_delta
from superqode.session.git.object_codec import BLOB, TreeEntry
from superqode.session.git.packwriting import PackWriter
from superqode.session.git.repository import Repository

EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@given(st.binary(max_size=400), st.binary(max_size=400), st.binary(max_size=400), st.binary(max_size=400))
def test_a_delta_makes_what_it_was_made_of(start, end, old, new):
    """Whatever two objects share at either end, the delta gives the second one back."""
    base, target = start + old + end, start + new + end
    assert apply_delta(base, make_delta(base, target)) == target
    assert delta_size(base, target) <= len(new)


LINES = st.lists(
    st.sampled_from([b"tree ", b"parent 12", b"Superqode-Saved-At: 2026", b"\n", b"\n\n", b"x" * 300, b"\r", b"9"])
)


@given(LINES.map(b"".join), LINES.map(b"".join))
def test_a_delta_of_lines_makes_what_it_was_made_of(base, target):
    """Whatever lines two texts have in one place, begin alike or have not, the delta gives the second one back."""
    assert apply_delta(base, make_line_delta(base, target)) == target


def test_a_delta_of_lines_has_what_is_new_alone():
    """Of two commits it tells what differs, with some bytes around it, and the whole where nothing is the same."""
    one = b"tree 1111\nparent 2222\nauthor A <a@example.invalid> 17 +0000\n\nuser: one\n"
    other = b"tree 3333\nparent 4444\nauthor A <a@example.invalid> 18 +0000\n\nuser: other\n"
    delta = make_line_delta(one, other)
    assert len(delta) < 45 < len(other)
    assert make_line_delta(b"", other)[3:] == other
    assert len(make_line_delta(one, one)) == 4


def test_long_copies_are_told_in_pieces():
    """Copies of 64 KiB, which have no length byte, and of more than 16 MiB, which need several, come back."""
    for size in (0xFFFF, 0x10000, 0x10001, 0x20000, 0xFFFFFF, 0x1000000, 0x2000001):
        base = bytes(size)
        assert apply_delta(base, make_delta(base, base + b"x")) == base + b"x"


def test_git_reads_commits_told_by_their_differences(store_path, git):
    """The commits of a session's saves: smaller in the pack, whole for us and for git, chains of eight at most."""
    repository = Repository.create(store_path)
    writer = PackWriter(store_path / "objects" / "pack", lambda *_told: None, few=1)
    commits = []
    for number in range(40):
        parent = f"parent {commits[-1]}\n" if commits else ""
        told = (
            f"tree {EMPTY}\n{parent}author A <a@b> {number} +0000\ncommitter A <a@b> {number} +0000\n\nsave {number}\n"
        )
        commits.append(writer.add("commit", (told + "\nSuperqode-Session: s\n" * 5).encode()))
    assert writer.add("tree", b"") == EMPTY
    _, index = writer.finish()
    told = subprocess.run(["git", "verify-pack", "-v", index], check=True, capture_output=True, text=True).stdout
    assert "chain length = 8" in told
    assert "chain length = 9" not in told
    git("update-ref", "refs/heads/s", commits[-1])
    assert git("log", "--format=%s", "s").split("\n")[:2] == ["save 39", "save 38"]
    assert repository.objects.commit(commits[-1]).parents == (commits[-2],)
    git.fsck()


def test_git_reads_trees_that_grow(store_path):
    """200 trees, each with one entry more than the last: small in the pack, whole for us and for git, chains of 50 at most."""
    repository = Repository.create(store_path)
    folder = store_path / "objects" / "pack"
    writer = PackWriter(folder, lambda *_told: None, few=1)
    lines = [f"{BLOB} {number:03}-user.json\0".encode() + bytes.fromhex(f"{number:040x}") for number in range(200)]
    trees = [b"".join(lines[: number + 1]) for number in range(200)]
    named = {writer.add("tree", tree): tree for tree in trees}
    assert {oid: writer.read(oid) for oid in named} == {oid: ("tree", tree) for oid, tree in named.items()}
    pack, index = writer.finish()
    told = subprocess.run(["git", "verify-pack", "-v", index], check=True, capture_output=True, text=True).stdout
    assert "chain length = 50" in told
    assert "chain length = 51" not in told
    assert (folder / pack).stat().st_size < 25_000 < sum(map(len, trees)) // 20
    last = list(named)[-1]
    listed = subprocess.run(
        ["git", "-C", str(store_path), "ls-tree", last], check=True, capture_output=True, text=True
    ).stdout
    assert len(listed.splitlines()) == 200
    assert repository.objects.tree(last)[-1] == TreeEntry(BLOB, "199-user.json", f"{199:040x}")
