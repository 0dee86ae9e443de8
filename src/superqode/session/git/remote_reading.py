"""List a remote's refs, and fetch some: bounded, checked, and with nothing that comes along unasked.

`git ls-remote` has the server list all that it has, where it is no branch or tag, and picks what was asked for itself;
`git fetch` has it list only the names that are asked for (gitprotocol-v2(5), `ref-prefix`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import Final

from superqode.session.errors import FetchTooLarge, RemoteError
from superqode.session.git import network, remote_failures
from superqode.session.git.network import NO_REPOSITORY, PATIENCE, Ended, Progress
from superqode.session.git.refs import is_ref_name
from superqode.session.git.remote_target import aim
from superqode.session.git.remote_urls import is_local

__all__ = ["REFS_MAX", "fetch", "ls_remote"]

_OID: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_LINE_MAX: Final = 4096
# As many refs as anybody's session store has; a server that says it has more is not believed.
REFS_MAX: Final = 100_000
_FETCH: Final = (
    "fetch",
    "--progress",
    "--no-tags",
    "--no-write-fetch-head",
    "--no-auto-maintenance",
    "--no-prune",
    "--no-recurse-submodules",
    "--no-show-forced-updates",
    "--no-write-commit-graph",
)
_FETCH_SETTINGS: Final = {
    "fetch.fsckObjects": "true",
    "fetch.unpackLimit": "1",
    "transfer.unpackLimit": "1",
    # It lands where nobody misses it after a crash; of a thousand refs each would wait for the disk.
    "core.fsync": "none",
    "core.logAllRefUpdates": "false",
}


class _Listing:
    """The lines of `git ls-remote`, read as they come; what no ref can be called is left out."""

    def __init__(self, patterns: Sequence[str], limit: int, remote: str) -> None:
        self.found: dict[str, str] = {}
        self._patterns = patterns
        self._limit = limit
        self._remote = remote
        self._rest = b""

    def add(self, data: bytes) -> None:
        *whole, rest = (self._rest + data).split(b"\n")
        for line in whole:
            self._line(line)
        self._rest = rest[:_LINE_MAX]

    def _line(self, line: bytes) -> None:
        oid, _, name = line[:_LINE_MAX].decode("utf-8", "surrogateescape").partition("\t")
        if not _OID.fullmatch(oid) or not is_ref_name(name):
            return
        # git matches the end of a name; we asked for whole ones.
        if self._patterns and not any(fnmatchcase(name, pattern) for pattern in self._patterns):
            return
        if oid.strip("0"):
            self.found[name] = oid
        elif name in self._patterns:
            raise _broken(self._remote, name)
        if len(self.found) > self._limit:
            raise _too_many(self._remote, self._limit)


def _too_many(remote: str, limit: int) -> RemoteError:
    reason = f"it lists more than {limit:,} refs"
    return RemoteError(remote, f"{remote} cannot be listed: {reason}", reason=reason)


def _broken(remote: str, name: str) -> RemoteError:
    reason = f"its ref {name} is broken and names no object"
    return RemoteError(
        remote,
        f"{remote} cannot be read: {reason}. Whoever keeps it can put the ref back from a backup, or remove its file",
        reason=reason,
    )


def ls_remote(
    url: str,
    patterns: Sequence[str] = (),
    *,
    repository: Path = NO_REPOSITORY,
    interactive: bool = False,
    limit: int = REFS_MAX,
    patience: float = PATIENCE,
) -> dict[str, str]:
    """List a remote's refs and their object ids.

    Args:
        url: the remote.
        patterns: whole names, or shell patterns in which `*` stands for slashes too; none for all refs.
        repository: whose settings hold besides the user's own.
        interactive: as for `push`.
        limit: how many refs there may be at most.
        patience: as for `push`.

    Raises:
        RemoteError: there are more refs than the limit, or one that was asked for by its whole name is broken (broken
            ones are not listed); and its classes as for `push`.
        GitMissing, GitFailed: git is missing, or failed by itself.
    """
    target = aim(url)
    listing = _Listing(patterns, limit, target.shown)
    # The server leaves out what is neither branch nor tag only if it is told so: git sends it no patterns.
    kinds = {pattern.split("/")[1] if pattern.count("/") > 1 else "" for pattern in patterns}
    only = [f"--{kind}" for kind in sorted(kinds)] if kinds and kinds <= {"heads", "tags"} else []
    ended = network.run(
        ["ls-remote", "--refs", "--quiet", *only, "--", target.url, *patterns],
        purpose="Asking a remote",
        repository=repository,
        interactive=interactive,
        patience=patience,
        output=listing.add,
    )
    if ended.code != 0 or ended.waited:
        failure = remote_failures.explain(ended, target.hide)
        raise remote_failures.as_error(failure, target.shown, "ls-remote", ended)
    return listing.found


def fetch(
    into: Path,
    url: str,
    refs: Mapping[str, str],
    *,
    depth: int | None = None,
    max_bytes: int | None = None,
    max_refs: int = REFS_MAX,
    commits_only: bool = False,
    shallow: bool = False,
    interactive: bool = False,
    progress: Progress | None = None,
    patience: float = PATIENCE,
) -> None:
    """Fetch refs and what they reach, every object checked, into a repository that the caller can throw away.

    A server of protocol v2 lists no other refs than those that are asked for, by name or by the beginning of a name.

    Args:
        into: a bare repository; what was there stays. After an error nothing in it is to be trusted.
        url: the remote.
        refs: its refs, and what they are called here; a ref that is here already is replaced. Where both end in `*`,
            all whose names begin so, which may be none, and in which `*` stands for slashes too. Empty: they get no
            name here, only what they reach comes.
        depth: how many commits deep; `None` for all.
        max_bytes: how much may come at most, in bytes on disk.
        max_refs: how many refs there may be at most of one beginning.
        commits_only: leave out trees and files, where the server can (git-rev-list(1), `--filter=tree:0`).
        shallow: note where the history of a shallow copy ends, in the file `shallow` (gitrepository-layout(5)); without
            it git takes such a history without a word.
        interactive: as for `push`.
        progress: is told how far it is.
        patience: as for `push`.

    Raises:
        RemoteRefNotFound: there is no such ref.
        FetchTooLarge: more came than `max_bytes`.
        UnsoundObjects: what came is damaged, incomplete, or forbidden by `git fsck`.
        RemoteError: there are more than `max_refs`; and its classes as for `push`.
        GitMissing, GitFailed: git is missing, or cannot write our side.
    """
    target = aim(url)
    if not all(_is_refspec(*pair) for pair in refs.items()):
        raise ValueError(f"{refs!r} names something that is no ref")
    landing = {into / Path(ours).parent for ours in refs.values() if ours.endswith("*")}
    packs = into / "objects" / "pack"
    before = _sizes(packs)
    size_before = sum(before.values())

    def grown() -> int:
        size = sum(_sizes(packs).values()) - size_before
        if max_bytes is not None and size > max_bytes:
            raise FetchTooLarge(target.shown, max_bytes)
        if any(_holds_more(folder, max_refs) for folder in landing):
            raise _too_many(target.shown, max_refs)
        return size

    done = False
    try:
        ended = network.run(
            [
                *_FETCH,
                *([f"--depth={depth}"] if depth is not None else []),
                *(["--filter=tree:0"] if commits_only else []),
                *(["--update-shallow"] if shallow else []),
                "--",
                _promisor(target.url) if commits_only else target.url,
                *(f"+{theirs}:{ours}" if ours else theirs for theirs, ours in refs.items()),
            ],
            purpose="Fetching",
            repository=into,
            interactive=interactive,
            patience=patience,
            settings=_FETCH_SETTINGS,
            progress=progress,
            watch=grown,
        )
        done = not ended.waited and (ended.code == 0 or (bool(landing) and _found_nothing(ended)))
        grown()
    finally:
        if not done:
            _sweep(packs, before)
    if not done:
        failure = remote_failures.explain(ended, target.hide)
        raise remote_failures.as_error(failure, target.shown, "fetch", ended)


def _is_refspec(theirs: str, ours: str) -> bool:
    """Whether these are two names, or the beginnings of names, each with a `*` behind it; or one of them alone."""
    ours = ours or theirs
    if theirs.endswith("*") and ours.endswith("*"):
        theirs, ours = theirs[:-1] + "x", ours[:-1] + "x"
    return is_ref_name(theirs) and is_ref_name(ours)


def _promisor(url: str) -> str:
    """A URL that may be called a promisor of what a filter leaves out; Git takes no path for one, and misses that."""
    return Path(url).as_uri() if is_local(url) and not url.startswith("file://") else url


def _found_nothing(ended: Ended) -> bool:
    """Whether no ref had such a name: with `--depth` git then fails, and says nothing but warnings."""
    return ended.code == 1 and all(line.startswith("warning: ") for line in ended.lines)


def _holds_more(folder: Path, limit: int) -> bool:
    with suppress(OSError), os.scandir(folder) as found:
        return next(islice(found, limit, None), None) is not None
    return False


def _sizes(folder: Path) -> dict[str, int]:
    sizes = {}
    with suppress(OSError), os.scandir(folder) as found:
        for entry in found:
            with suppress(OSError):  # renamed at this very moment
                sizes[entry.name] = entry.stat().st_size
    return sizes


def _sweep(folder: Path, before: Mapping[str, int]) -> None:
    """Remove the unfinished packs of a fetch that was killed; git leaves them to a later gc."""
    for name in _sizes(folder):
        if name.startswith("tmp_") and name not in before:
            (folder / name).unlink(missing_ok=True)
