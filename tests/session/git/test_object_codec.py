"""Trees, commits and tags: any of them comes back, and garbage is told as such."""

from hypothesis import given
from hypothesis import strategies as st

from superqode.session.errors import CorruptObject
from superqode.session.git.object_codec import BLOB, TREE, TreeEntry, parse_commit, parse_tag, parse_tree, tree_order


@given(st.sets(st.text("abc.-019é", min_size=1, max_size=6).filter(lambda name: name not in (".", "..")), max_size=12))
def test_any_tree_comes_back(names):
    """What is written as a tree is read as it was, in Git's order."""
    entries = [
        TreeEntry(TREE if number % 2 else BLOB, name, f"{number:040x}") for number, name in enumerate(sorted(names))
    ]
    ordered = sorted(entries, key=tree_order)
    data = b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(oid) for mode, name, oid in ordered)

    assert parse_tree("0" * 40, data) == ordered


@given(st.binary(max_size=80))
def test_garbage_is_no_tree(data):
    """Random bytes are a tree or CorruptObject."""
    try:
        entries = parse_tree("0" * 40, data)
    except CorruptObject:
        return
    assert all(len(entry.oid) == 40 for entry in entries)


@given(st.binary(max_size=120))
def test_random_bytes_are_no_commit_and_no_tag(data):
    """Random bytes after a plausible beginning raise CorruptObject and nothing else."""
    for parse in (parse_commit, parse_tag):
        for begun in (data, b"tree " + b"0" * 40 + b"\n" + data, b"object " + b"0" * 40 + b"\ntype commit\n" + data):
            try:
                parse("0" * 40, begun)
            except CorruptObject:
                continue
