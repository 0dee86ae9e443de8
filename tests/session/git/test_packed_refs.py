"""The file `packed-refs` against a plain dict: looked up, listed, written, however it was made."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session.errors import CorruptObject
from superqode.session.git import packed_refs
from superqode.session.git.packed_refs import (
    PackedRef,
    check_order,
    find,
    find_folded,
    iterate,
    merged,
    render,
    without,
)

OIDS = st.integers(1, 2**160 - 1).map(lambda number: f"{number:040x}")
NAMES = st.text("abcX-.é0", min_size=1, max_size=8).map(lambda name: f"refs/heads/{name}") | st.text(
    "ab", min_size=1, max_size=3
).map(lambda name: f"refs/tags/s/{name}")
REFS = st.dictionaries(NAMES, st.builds(PackedRef, OIDS, st.just("") | OIDS), max_size=40)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Where the file stands; each example writes it anew."""
    return tmp_path_factory.mktemp("packed") / "packed-refs"


_TAG = PackedRef("2" * 40, "3" * 40)


def _parsed(file, data):
    file.write_bytes(data)
    return iterate(str(file))


def _check(file, refs, absent):
    path = str(file)
    assert dict(iterate(path)) == refs
    for name, ref in refs.items():
        assert find(path, name) == ref.oid
    for name in absent - refs.keys():
        assert find(path, name) is None
    for prefix in ("", "refs/heads/", "refs/heads/a", "refs/tags/", "refs/tags/s/", "refs/nothing/", "z"):
        assert packed_refs.names(path, prefix) == [name for name, _ in iterate(path, prefix)]
        assert packed_refs.lines(path, prefix) == [f"{ref.oid} {name}" for name, ref in iterate(path, prefix)]
        assert dict(iterate(path, prefix)) == {name: ref for name, ref in refs.items() if name.startswith(prefix)}


@given(REFS, st.sets(NAMES, max_size=10))
def test_it_is_a_dict_on_disk(file, refs, absent):
    """What is rendered is found name by name, prefix by prefix, peeled ids and all, and nothing else is."""
    file.write_bytes(render(refs))

    _check(file, refs, absent)
    assert render(dict(iterate(str(file)))) == render(refs)


@given(REFS, st.sets(NAMES, max_size=5), st.randoms(use_true_random=False), st.sampled_from([b"\n", b"\r\n"]))
def test_a_file_that_is_not_sorted_is_searched_whole(file, refs, absent, chance, newline):
    """Without the header's word `sorted`, lines in any order are found, with Windows line ends too."""
    lines = [[f"{ref.oid} {name}"] + [f"^{ref.peeled}"] * bool(ref.peeled) for name, ref in refs.items()]
    chance.shuffle(lines)
    head = chance.choice([[], ["# pack-refs with: peeled "], ["# a comment"]])
    text = "\n".join([*head, *(line for pair in lines for line in pair), ""]).encode().replace(b"\n", newline)
    file.write_bytes(text)

    _check(file, refs, absent)


@given(REFS)
def test_sorted_lines_with_windows_ends_are_found(file, refs):
    """A sorted file that an editor gave Windows line ends is found by bisection just the same."""
    file.write_bytes(render(refs).replace(b" \n", b" \r\n", 1).replace(b"\n", b"\r\n").replace(b"\r\r", b"\r"))

    _check(file, refs, set())


@given(REFS)
def test_a_file_without_a_last_newline_is_read(file, refs):
    """A last line that does not end is a line."""
    file.write_bytes(render(refs).removesuffix(b"\n") if refs else b"")

    _check(file, refs, set())


def test_a_missing_and_an_empty_file_have_no_refs(tmp_path):
    """No file, an empty one and one with a header only are a store without packed refs."""
    for content in (None, b"", b"# pack-refs with: peeled fully-peeled sorted \n"):
        if content is not None:
            (tmp_path / "p").write_bytes(content)
        assert list(iterate(str(tmp_path / "p"))) == []
        assert packed_refs.names(str(tmp_path / "p")) == []
        assert find(str(tmp_path / "p"), "refs/heads/x") is None
        assert find_folded(str(tmp_path / "p"), "refs/heads/", "x") is None


@pytest.mark.parametrize(
    "line",
    [
        b"garbage",
        b"0" * 39 + b" refs/heads/x",
        b"0" * 40 + b"  refs/heads/x",
        b"0" * 40,
        b"0" * 40 + b" ",
        b"G" * 40 + b" refs/heads/x",
        b"0" * 40 + b" refs/he\0ads",
        b"\0" * 60,
        b"<<<<<<< HEAD",
    ],
    ids=range(9),
)
@pytest.mark.parametrize("header", [b"", b"# pack-refs with: peeled fully-peeled sorted \n"], ids=["plain", "sorted"])
def test_garbage_is_told(tmp_path, line, header):
    """A line that cannot be read is CorruptObject when somebody lists, and when the search comes upon it."""
    path = tmp_path / "packed-refs"
    path.write_bytes(header + b"1" * 40 + b" refs/heads/a\n" + line + b"\n")

    with pytest.raises(CorruptObject, match="packed-refs"):
        list(iterate(str(path)))
    with pytest.raises(CorruptObject, match="packed-refs"):
        packed_refs.names(str(path))
    with pytest.raises(CorruptObject, match="packed-refs"):
        find(str(path), "refs/heads/z")


@pytest.mark.parametrize(
    "peeled",
    [b"^" + b"\xb3" * 40, b"^hello", b"^", b"^" + b"3" * 39, b"^" + b"3" * 40 + b"\n^" + b"3" * 40],
    ids=range(5),
)
@pytest.mark.parametrize(
    "header", [b"# pack-refs with: peeled ", b"# pack-refs with: peeled sorted "], ids=["plain", "sorted"]
)
def test_a_peeled_id_that_is_none_is_told(tmp_path, header, peeled):
    """One flipped bit in what a tag peels to is CorruptObject, no error of Python's, and never an id; the refs are salvaged."""
    path = tmp_path / "packed-refs"
    path.write_bytes(b"\n".join([header, b"1" * 40 + b" refs/tags/s/a", peeled, b"2" * 40 + b" refs/tags/s/b", b""]))

    for prefix in ("", "refs/tags/"):
        for read in (iterate, packed_refs.names, packed_refs.lines):
            with pytest.raises(CorruptObject, match="packed-refs"):
                list(read(str(path), prefix))
    assert packed_refs.salvage(str(path)) == ({"refs/tags/s/a": "1" * 40, "refs/tags/s/b": "2" * 40}, 2)


def test_what_a_tag_peels_to_stands_behind_it(tmp_path):
    """A peeled id before the first ref belongs to none: CorruptObject."""
    path = tmp_path / "packed-refs"
    path.write_bytes(b"^" + b"3" * 40 + b"\n" + b"1" * 40 + b" refs/tags/s/a\n")

    with pytest.raises(CorruptObject, match="packed-refs"):
        list(iterate(str(path)))


@pytest.mark.parametrize("name", [b"\xff\xffz", b"\xfe", b"a\xff", b"\xff"])
def test_names_of_any_bytes_are_listed(tmp_path, name):
    """Git lets a name have bytes that no UTF-8 has: listed all at once, such a ref is there as it is one by one."""
    path = tmp_path / "packed-refs"
    named = f"refs/heads/{name.decode('utf-8', 'surrogateescape')}"
    path.write_bytes(render({"refs/heads/a": _TAG, named: _TAG, "refs/tags/x": _TAG}))

    for prefix in ("", "refs/", "refs/heads/", named[:-1], named):
        assert named in packed_refs.names(str(path), prefix)
        assert packed_refs.names(str(path), prefix) == [found for found, _ in iterate(str(path), prefix)]


@given(REFS, st.sampled_from(["refs/heads/", "refs/tags/s/"]))
def test_twins_are_found_whatever_the_case(file, refs, prefix):
    """A name that differs only in case is found, with its own spelling."""
    file.write_bytes(render(refs))
    below = [name.removeprefix(prefix) for name in refs if name.startswith(prefix)]
    for name in below:
        found = find_folded(str(file), prefix, name.lower())
        assert found is not None
        assert found.lower() == name.lower()
    assert find_folded(str(file), prefix, "nobody") is None


@given(REFS, REFS)
def test_some_are_put_among_the_others(file, refs, more):
    """The bytes with more refs are those of all of them, the newer ones in place of the old."""
    file.write_bytes(render(refs))
    assert merged(str(file), more) == render(refs | more)
    file.write_bytes(render(refs).removesuffix(b"\n"))
    assert dict(_parsed(file, merged(str(file), more))) == refs | more


SPELT = st.text("abABzZ-.0", min_size=1, max_size=5)


@given(st.sets(SPELT, max_size=30), SPELT)
def test_a_twin_is_found_just_where_there_is_one(file, names, asked):
    """However the names around it are spelt, a twin is found, and none where there is none."""
    file.write_bytes(render({f"refs/heads/{name}": PackedRef("1" * 40) for name in names} | {"refs/tags/a": _TAG}))
    twins = {name for name in names if name.lower() == asked.lower()}
    found = find_folded(str(file), "refs/heads/", asked.lower())
    assert found in twins if twins else found is None


@given(REFS, st.sets(NAMES, max_size=3), st.randoms(use_true_random=False), st.booleans())
def test_some_are_taken_out_and_the_others_stay(file, refs, absent, chance, ordered):
    """The bytes without refs are those of the others, peeled lines and all, also where some never were there."""
    data = render(refs)
    file.write_bytes(data if ordered else data.replace(b" sorted ", b" "))
    some = chance.sample(sorted(refs), len(refs) // 2)
    for gone in ({name} for name in refs):
        assert without(str(file), gone) == render({name: ref for name, ref in refs.items() if name not in gone})
    if some:
        rest = {name: ref for name, ref in refs.items() if name not in some and name not in absent}
        assert without(str(file), [*some, *absent]) == render(rest)
    assert without(str(file), absent - refs.keys()) is None


def test_a_ref_that_stands_there_twice_goes_whole(tmp_path):
    """Of two equal lines none is left when the ref is taken out, or it would show again; and one when it is put in."""
    path = tmp_path / "packed-refs"
    refs = {"refs/heads/a": _TAG, "refs/heads/b": _TAG, "refs/heads/c": _TAG}
    line = b"2" * 40 + b" refs/heads/b\n"
    path.write_bytes(render(refs).replace(line, b"4" * 40 + b" refs/heads/b\n" + line))
    new = PackedRef("5" * 40)

    assert without(str(path), ["refs/heads/b"]) == render({"refs/heads/a": _TAG, "refs/heads/c": _TAG})
    assert merged(str(path), {"refs/heads/b": new}) == render(refs | {"refs/heads/b": new})


def test_a_last_line_is_ended_when_another_goes(tmp_path):
    """What is left of a file without a last newline has one: git refuses a file that does not end with it."""
    path = tmp_path / "packed-refs"
    path.write_bytes(render({"refs/heads/a": _TAG, "refs/heads/b": PackedRef("4" * 40)}).removesuffix(b"\n"))

    assert without(str(path), ["refs/heads/a"]) == render({"refs/heads/b": PackedRef("4" * 40)})
    assert without(str(path), ["refs/heads/x"]) is None


def test_git_reads_what_we_write_and_we_what_git_writes(tmp_path):
    """A real `git pack-refs` file is read, ours is git's, and the order of names is the same."""
    repository = tmp_path / "repository"
    subprocess.run(["git", "init", "-q", "--bare", str(repository)], check=True)

    def git(*arguments, stdin=""):
        return subprocess.run(
            ["git", "-C", str(repository), "-c", "user.name=A", "-c", "user.email=a@b", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    commit = git("commit-tree", "-m", "x", git("mktree"))
    names = sorted({f"refs/heads/{name}" for name in ("a", "a-b", "a.b", "B", "z/1", "été", "a0")})
    git("update-ref", "--stdin", stdin="".join(f"create {name} {commit}\n" for name in names))
    git("tag", "-a", "-m", "m", "t", commit)
    git("pack-refs", "--all")
    path = repository / "packed-refs"

    refs = dict(iterate(str(path)))

    assert sorted(refs) == [*names, "refs/tags/t"]
    assert refs["refs/tags/t"].peeled == commit
    assert render(refs) == path.read_bytes()
    path.write_bytes(render(refs | {"refs/heads/new": PackedRef(commit)}))
    assert git("rev-parse", "new") == commit
    git("fsck", "--strict")


def test_a_lookup_in_a_large_file_reads_few_lines(tmp_path, monkeypatch):
    """Finding one of 20,000 refs, or that it is not there, reads some twenty lines of them."""
    names = [f"refs/heads/s{number:05d}" for number in range(20_000)]
    path = tmp_path / "packed-refs"
    path.write_bytes(render({name: PackedRef(f"{number:040x}") for number, name in enumerate(names)}))
    read = []

    class Counting:
        def match(self, data, place):
            read.append(place)
            return line.match(data, place)

    line = packed_refs._LINE
    monkeypatch.setattr(packed_refs, "_LINE", Counting())
    for place in (0, 1, 9_999, 19_998, 19_999):
        assert find(str(path), names[place]) == f"{place:040x}"
        assert find(str(path), names[place] + "0") is None
    assert len(read) < 10 * 20
    assert [name for name, _ in iterate(str(path), "refs/heads/s1234")] == names[12_340:12_350]
    assert len(read) < 11 * 20 + 11
    read.clear()
    assert find_folded(str(path), "refs/heads/", "s12345") == "s12345"
    assert find_folded(str(path), "refs/heads/", "s12345x") is None
    assert len(read) < 6 * 20


@given(REFS)
def test_what_is_written_is_in_order(file, refs):
    """Nothing is said against a file that we wrote."""
    file.write_bytes(render(refs))
    check_order(str(file))


def test_a_line_out_of_order_is_named(file):
    """A flipped bit in a name hides what stands behind it from every lookup: that is damage."""
    refs = {f"refs/{name}": PackedRef("1" * 40) for name in ("heads/s", "superqode/oplog", "superqode/trash/x")}
    file.write_bytes(render(refs).replace(b"refs/superqode/oplog", b"refs?superqode/oplog"))
    assert find(str(file), "refs/superqode/trash/x") is None
    with pytest.raises(CorruptObject, match=r"refs.superqode/.* is out of order"):
        check_order(str(file))
