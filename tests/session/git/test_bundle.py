"""Bundles: written by git, their headers read with suspicion, their packs let in only through git's own checks."""

import io
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session.errors import BackupError, GitFailed
from superqode.session.git import bundle

OID = b"1" * 40
HEAD = b"# v2 git bundle\n"


def _read(header):
    return bundle.read_header(io.BytesIO(header), "x.bundle")


def test_a_header_names_its_refs():
    """Versions 2 and 3 are read up to the pack; HEAD is no ref of a store."""
    refs = OID + b" refs/heads/a\n" + b"2" * 40 + b" refs/tags/a/snap\n" + OID + b" HEAD\n\nPACK"
    expected = {"refs/heads/a": "1" * 40, "refs/tags/a/snap": "2" * 40}

    assert _read(HEAD + refs) == expected
    assert _read(b"# v3 git bundle\n@object-format=sha1\n" + refs) == expected
    stream = io.BytesIO(HEAD + refs)
    bundle.read_header(stream, "x")
    assert stream.read() == b"PACK"


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (b"", "does not begin like a Git bundle"),
        (b"PK\x03\x04", "does not begin like a Git bundle"),
        (b"# v1 git bundle\n", "does not begin like a Git bundle"),
        (b"# v4 git bundle\n", "does not begin like a Git bundle"),
        (b"x" * 100_000, "does not begin like a Git bundle"),
        (HEAD, "its header has no end"),
        (HEAD + OID + b" refs/heads/a\n", "its header has no end"),
        (HEAD + OID + b" refs/heads/a", "its header has no end"),
        (HEAD + OID + b" refs/heads/" + b"a" * 5_000 + b"\n\n", "its header has no end"),
        (HEAD + b"-" + OID + b" base\n\n", "builds on commits that are not in it"),
        (b"# v3 git bundle\n@object-format=sha256\n\n", "it needs @object-format=sha256"),
        (b"# v3 git bundle\n@filter=blob:none\n\n", "it needs @filter=blob:none"),
        (b"# v3 git bundle\n@new-thing\n\n", "it needs @new-thing"),
        (HEAD + OID + b" ../../etc/passwd\n\n", "its header names"),
        (HEAD + OID + b" refs/heads/../../x\n\n", "its header names"),
        (HEAD + OID + b" refs/heads/a.lock\n\n", "its header names"),
        (HEAD + OID + b" refs/heads/a b\n\n", "its header names"),
        (HEAD + OID + b" refs/heads/\x00\n\n", "its header names"),
        (HEAD + OID + b" config\n\n", "its header names"),
        (HEAD + OID + b" FETCH_HEAD\n\n", "its header names"),
        (HEAD + OID[:-1] + b" refs/heads/a\n\n", "its header names"),
        (HEAD + b"G" * 40 + b" refs/heads/a\n\n", "its header names"),
        (HEAD + OID.replace(b"1", b"A") + b" refs/heads/a\n\n", "its header names"),
        (HEAD + OID + b"\n\n", "its header names"),
    ],
    ids=range(24),
)
def test_hostile_headers_are_refused(header, told):
    """Other formats, missing ends, incomplete bundles and names that may be no refs are BackupError with the reason."""
    with pytest.raises(BackupError, match=told) as caught:
        _read(header)
    assert "x.bundle" in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_header_without_end_is_given_up(monkeypatch):
    """Millions of refs are more than a store has: reading stops."""
    monkeypatch.setattr(bundle, "_REFS_MAX", 100)
    lines = b"".join(OID + b" refs/heads/s%d\n" % number for number in range(200))

    with pytest.raises(BackupError, match="its header has no end"):
        _read(HEAD + lines + b"\n")


@given(st.binary(max_size=120), st.booleans())
def test_random_headers_are_refs_or_refused(data, begun):
    """Random bytes raise BackupError and nothing else."""
    try:
        refs = _read(HEAD + data if begun else data)
    except BackupError:
        return
    assert all(name.startswith("refs/") for name in refs)


class _Git:
    def __init__(self, path):
        self.path = path
        subprocess.run(["git", "init", "-q", "--bare", str(path)], check=True)

    def __call__(self, *arguments, stdin=b""):
        command = ["git", "-C", str(self.path), "-c", "user.name=A", "-c", "user.email=a@b", *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode().strip()


@pytest.fixture
def source(tmp_path):
    """A repository with a branch and a tag."""
    git = _Git(tmp_path / "source")
    blob = git("hash-object", "-w", "--stdin", stdin=b"content" * 100)
    tree = git("mktree", stdin=f"100644 blob {blob}\tfile\n".encode())
    git("update-ref", "refs/heads/a", git("commit-tree", "-m", "x", tree))
    git("tag", "-a", "-m", "m", "a/snap", "a")
    return git


@pytest.fixture
def target(tmp_path):
    """An empty repository."""
    return _Git(tmp_path / "target")


def _unpack(file, target):
    with file.open("rb") as stream:
        refs = bundle.read_header(stream, str(file))
        bundle.unpack(target.path, stream, str(file))
    return refs


def test_what_is_written_is_unpacked(source, target, tmp_path):
    """Refs, and everything they reach, are in the file and come out of it."""
    file = tmp_path / "b"
    bundle.write_bundle(source.path, file, ["refs/heads/a", "refs/tags/a/snap"])

    refs = _unpack(file, target)

    assert refs == {name: source("rev-parse", name) for name in ("refs/heads/a", "refs/tags/a/snap")}
    assert target("cat-file", "-t", refs["refs/tags/a/snap"]) == "tag"
    assert target("cat-file", "blob", f"{refs['refs/heads/a']}:file") == "content" * 100


def test_a_ref_that_is_not_there_is_gits_error(source, tmp_path):
    """Naming a ref that is not there fails, and git says so."""
    with pytest.raises(GitFailed, match="git bundle failed"):
        bundle.write_bundle(source.path, tmp_path / "b", ["refs/heads/nobody"])


@pytest.mark.parametrize("keep", [0.5, 0.8, 0.99])
def test_a_truncated_pack_brings_nothing_in(source, target, tmp_path, keep):
    """A file that ends early is refused by git, and no object of it is visible."""
    file = tmp_path / "b"
    bundle.write_bundle(source.path, file, ["refs/heads/a"])
    header = file.read_bytes().index(b"\n\n") + 2
    size = header + int((file.stat().st_size - header) * keep)
    file.write_bytes(file.read_bytes()[:size])

    with pytest.raises(GitFailed, match="index-pack"):
        _unpack(file, target)
    assert target("count-objects").startswith("0 objects")


def test_a_header_without_a_pack_is_cut_off(target, tmp_path):
    """Where the file ends with its header there is nothing to unpack."""
    (tmp_path / "b").write_bytes(HEAD + OID + b" refs/heads/a\n\n")

    with pytest.raises(BackupError, match="it has no pack"):
        _unpack(tmp_path / "b", target)


def test_a_hostile_object_is_refused(source, target, tmp_path):
    """An object that `fsck` refuses (a tree with `..`, say) does not come in."""
    blob = source("hash-object", "-w", "--stdin", stdin=b"x")
    data = b"100644 ..\0" + bytes.fromhex(blob)
    tree = source("hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=data)
    source("update-ref", "refs/heads/evil", source("commit-tree", "-m", "x", tree))
    file = tmp_path / "b"
    bundle.write_bundle(source.path, file, ["refs/heads/evil"])

    with pytest.raises(GitFailed, match="hasDotdot"):
        _unpack(file, target)
