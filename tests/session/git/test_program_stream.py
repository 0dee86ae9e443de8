"""`program.stream`: git's output while it runs, its failures told, nothing left running."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from superqode.session.errors import GitFailed
from superqode.session.git import program


@pytest.fixture
def repository(tmp_path):
    """A bare repository with one commit on the branch x."""
    path = tmp_path / "repository"
    subprocess.run(["git", "init", "-q", "--bare", str(path)], check=True)
    tree = program.run(path, ["mktree"], purpose="Trying").decode().strip()
    ident = {"user.name": "A", "user.email": "a@example.invalid"}
    commit = program.run(path, ["commit-tree", "-m", "x", tree], purpose="Trying", settings=ident).decode().strip()
    program.run(path, ["update-ref", "refs/heads/x", commit], purpose="Trying")
    return path


@pytest.fixture
def says(repository, tmp_path):
    """Makes `git says` run a shell script."""

    def make(script):
        return {"alias.says": f"!sh -c '{script}' says"}

    return make


def _is_gone(process):
    """Whether a process that was told to end does so within seconds; one that nobody waited for counts as gone."""
    for _ in range(100):
        try:
            os.kill(process, 0)
            state = Path(f"/proc/{process}/stat").read_text() if Path("/proc").is_dir() else ""
        except (ProcessLookupError, FileNotFoundError):
            return True
        if ") Z " in state:
            return True
        time.sleep(0.05)
    return False


def test_output_comes_as_a_stream(repository):
    """A bundle made to standard output, from refs on standard input, is read as it is made."""
    with program.stream(repository, ["bundle", "create", "-q", "-", "--stdin"], purpose="Trying", stdin=b"x\n") as out:
        assert out.readline() == b"# v2 git bundle\n"
        assert b"PACK" in out.read()


def test_a_failure_is_told_at_the_end(repository):
    """An exit with an error is GitFailed with git's words, after the block, however little came out."""
    with pytest.raises(GitFailed, match=r"git rev-parse failed with exit code 128: fatal: .*nobody") as caught:
        with program.stream(repository, ["rev-parse", "nobody"], purpose="Trying") as out:
            out.read()
    assert (caught.value.command, caught.value.code) == ("rev-parse", 128)


def test_a_long_complaint_does_not_block(repository, says):
    """Megabytes on standard error, before any output, neither block git nor become the message."""
    settings = says("head -c 3000000 /dev/zero | tr \\\\0 x >&2; echo done; exit 3")
    with pytest.raises(GitFailed) as caught:
        with program.stream(repository, ["says"], purpose="Trying", settings=settings) as out:
            assert out.read() == b"done\n"
    assert len(str(caught.value)) < 3_000


def test_a_long_input_does_not_block(repository):
    """Megabytes of input go in while nobody has read any output yet."""
    names = b"refs/heads/x\n" * 30_000
    with program.stream(repository, ["cat-file", "--batch-check"], purpose="Trying", stdin=names) as out:
        assert sum(1 for _ in out) == 30_000


def test_git_is_killed_where_the_block_raises(repository, says):
    """The block's own error comes out, at once, and neither git nor what it started is left."""
    settings = says("echo $$; exec sleep 60")
    started = time.monotonic()
    with pytest.raises(KeyError, match="mine"):
        with program.stream(repository, ["says"], purpose="Trying", settings=settings) as out:
            child = int(out.readline())
            raise KeyError("mine")
    assert time.monotonic() - started < 10
    assert _is_gone(child)


def test_an_output_left_unread_is_told(repository, says):
    """A reader that stops in the middle learns that git could not finish."""
    settings = says("head -c 3000000 /dev/zero || exit 4")
    with pytest.raises(GitFailed):
        with program.stream(repository, ["says"], purpose="Trying", settings=settings) as out:
            out.read(10)


def test_memory_stays_bounded(repository):
    """Sixty megabytes pass through without being held."""
    import tracemalloc

    settings = {"alias.says": "!head -c 60000000 /dev/zero"}
    tracemalloc.start()
    try:
        with program.stream(repository, ["says"], purpose="Trying", settings=settings) as out:
            assert sum(len(piece) for piece in iter(lambda: out.read(65_536), b"")) == 60_000_000
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
