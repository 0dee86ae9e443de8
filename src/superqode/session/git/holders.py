"""What keeps commits in a repository besides its refs: reflogs, work trees, packs with a `.keep` of somebody's.

`git repack` and `git prune` leave all of that alone, so what is to be forgotten would stay behind it. Reflogs of refs
that are there are shortened; those of a ref that vanished say where it was, and stay. The others are the user's own:
they are named. See git-prune(1), git-worktree(1) and gitrepository-layout(5).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from superqode.session.git import program
from superqode.session.git.reflog import Reflog
from superqode.session.git.repository import HEADS, Repository

__all__ = ["holders", "let_go"]

_PURPOSE: Final = "Freeing the bytes of purged sessions"
_SYMBOLIC: Final = "ref: "
_POINTER_MAX: Final = 4096
# How many refs are named to one git: a command line has a limit.
_AT_ONCE: Final = 500


def let_go(repository: Repository, keep: Sequence[int]) -> None:
    """Forget work trees that are gone, and of reflogs what no ref reaches.

    Args:
        repository: the repository.
        keep: as for `program.run`.

    Raises:
        GitMissing, GitFailed: only `git` can do it.
    """
    if any(_registered(repository)):
        program.run(repository.path, ["worktree", "prune", "--expire=now"], purpose=_PURPOSE, keep=keep)
    logged: dict[str, set[str]] = {}
    for name, oids in _logs(repository):
        for oid in oids:
            logged.setdefault(oid, set()).add(name)
    stale = _unreached(repository, logged)
    names = {name for oid in stale & logged.keys() for name in logged[oid]}
    unborn = {name for name in names if _is_unborn(repository, name)}
    for name in unborn:  # git does not shorten these
        Reflog(str((repository.path / name).parent)).remove("HEAD")
    rest = sorted(names - unborn)
    for start in range(0, len(rest), _AT_ONCE):
        expire = ["reflog", "expire", "--expire=never", "--expire-unreachable=now"]
        program.run(repository.path, [*expire, *rest[start : start + _AT_ONCE]], purpose=_PURPOSE, keep=keep)


def holders(repository: Repository, sessions: Collection[str]) -> tuple[str, ...]:
    """Name what keeps commits here that no ref reaches: paths of work trees, and of `.keep` files of somebody's.

    Args:
        repository: the repository; nothing that only `let_go` removes is left.
        sessions: those that were to be forgotten: a work tree of one has their files in its index.

    Raises:
        GitMissing, GitFailed: only `git` can tell.
    """
    trees = [_tree_of(folder) for folder in _registered(repository) if _is_holding(repository, folder, sessions)]
    marks = sorted((repository.path / "objects" / "pack").glob("*.keep"))
    held = [str(mark) for mark in marks if _unreached(repository, _commits_in(repository, mark.with_suffix(".idx")))]
    return (*trees, *held)


def _is_unborn(repository: Repository, name: str) -> bool:
    """Whether this is a HEAD, the repository's or a work tree's, whose branch is not there."""
    is_head = name.rpartition("/")[2] == "HEAD" and not name.startswith("refs/")
    return is_head and not _is_born(repository, _first_line(repository.path / name))


def _is_born(repository: Repository, head: str) -> bool:
    """Whether what a HEAD says is a commit, or a branch that is there."""
    name = head.removeprefix(_SYMBOLIC)
    return name == head or name in repository.refs.names(name)


def _logs(repository: Repository) -> Iterator[tuple[str, set[str]]]:
    """The reflogs of refs that are there, of HEAD, and of work trees' HEADs, with the commits and tags they name."""
    log = repository.refs.log
    there = set(repository.refs.names("refs/"))
    for name in log.names():
        if name in there:
            yield name, _named(log, name)
    yield "HEAD", _named(log, "HEAD")
    for folder in _registered(repository):
        yield f"worktrees/{folder.name}/HEAD", _named(Reflog(str(folder)), "HEAD")


def _named(log: Reflog, name: str) -> set[str]:
    return {oid for move in log.moves(name) for oid in move if oid}


def _unreached(repository: Repository, oids: Iterable[str]) -> set[str]:
    """Which of these commits, and of those behind them, no ref reaches; what is not there is none of them."""
    given = "".join(f"{oid}\n" for oid in oids)
    if not given:
        return set()
    arguments = ["rev-list", "--ignore-missing", "--single-worktree", "--stdin", "--not", "--all"]
    return set(program.run(repository.path, arguments, purpose=_PURPOSE, stdin=given.encode()).decode().split())


def _registered(repository: Repository) -> list[Path]:
    """Where work trees are registered."""
    return sorted(folder for folder in (repository.path / "worktrees").glob("*") if folder.is_dir())


def _tree_of(folder: Path) -> str:
    """The path of a registered work tree."""
    return str(Path(_first_line(folder / "gitdir")).parent) if (folder / "gitdir").is_file() else str(folder)


def _is_holding(repository: Repository, folder: Path, sessions: Collection[str]) -> bool:
    head = _first_line(folder / "HEAD")
    if not head.startswith(_SYMBOLIC):
        return bool(_unreached(repository, [head]))
    # Its index names files that its branch had, whatever became of that.
    return head.removeprefix(_SYMBOLIC + HEADS) in sessions or not _is_born(repository, head)


def _first_line(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.readline(_POINTER_MAX).decode("utf-8", "surrogateescape").strip()
    except OSError:
        return ""


def _commits_in(repository: Repository, index: Path) -> list[str]:
    """The commits in a pack, by its index."""
    try:
        with index.open("rb") as file:
            listed = program.run(repository.path, ["show-index"], purpose=_PURPOSE, stdin=file)
    except FileNotFoundError:
        return []
    oids = b"".join(line.split()[1] + b"\n" for line in listed.splitlines())
    arguments = ["cat-file", "--batch-check=%(objecttype) %(objectname)"]
    told = program.run(repository.path, arguments, purpose=_PURPOSE, stdin=oids).decode().splitlines()
    return [line.partition(" ")[2] for line in told if line.startswith("commit ")]
