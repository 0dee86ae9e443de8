"""Deltas: what they are made of comes back, and Git reads them as we do."""

import subprocess

from hypothesis import given
from hypothesis import strategies as st

from superqode.session.git.deltas import apply_delta, delta_size, make_delta
from superqode.session.git.object_codec import BLOB, TreeEntry
from superqode.session.git.packwriting import PackWriter
from superqode.session.git.repository import Repository


@given(st.binary(max_size=400), st.binary(max_size=400), st.binary(max_size=400), st.binary(max_size=400))
def test_a_delta_makes_what_it_was_made_of(start, end, old, new):
    """Whatever two objects share at either end, the delta gives the second one back."""
    base, target = start + old + end, start + new + end
    assert apply_delta(base, make_delta(base, target)) == target
    assert delta_size(base, target) <= len(new)


def test_long_copies_are_told_in_pieces():
    """Copies of 64 KiB, which have no length byte, and of more than 16 MiB, which need several, come back."""
    for size in (0xFFFF, 0x10000, 0x10001, 0x20000, 0xFFFFFF, 0x1000000, 0x2000001):
        base = bytes(size)
        assert apply_delta(base, make_delta(base, base + b"x")) == base + b"x"


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
