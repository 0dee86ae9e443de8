"""Push to a remote, through the `git` program and with the user's own credentials; `remote_reading` is the way back.

libgit2 runs no credential helpers, no ssh config and no protocol v2 (design, section 5, rule 7). A push ends in one of
three ways: it is done; it is not, and the error says why; or the connection broke, the remote could not tell, and the
error's `outcome` is `"unknown"`. URLs may hold credentials; errors and their messages never do.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from superqode.session import clock
from superqode.session.errors import (
    GitFailed,
    NamespaceRefused,
    RemoteError,
    RemoteRefMoved,
    RemoteRejected,
    RemoteUnauthorized,
    RemoteUnreachable,
)
from superqode.session.git import network, program, push_results, remote_failures
from superqode.session.git.network import PATIENCE, Ended, Progress
from superqode.session.git.refs import is_ref_name
from superqode.session.git.remote_reading import fetch, ls_remote
from superqode.session.git.remote_target import Target, aim

__all__ = ["REFS_AT_ONCE", "Update", "fetch", "ls_remote", "push", "push_each"]

# Hosts fail on more in one push ("Internal Server Error" from 100 on).
REFS_AT_ONCE: Final = 50
# What takes so many is given twice as many the next time, up to this: for each push a server lists all that it has, so
# that many small ones take a time that grows with the square. A command line of Windows holds no more than fifty.
_REFS_AT_MOST: Final = REFS_AT_ONCE if os.name == "nt" else 1_600
_OID: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_ASK_AGAIN_AFTER: Final = 1.0
# A server cannot know which refs a push is about before it has listed all that it has (there is no protocol v2 for
# pushes). By this header one that is reached by HTTP can: CONTRIBUTING.md, "Past this machine".
_TOLD_REF: Final = "Superqode-Ref"
# Ciphertext neither compresses nor has deltas: looking for them costs and gains nothing.
_INCOMPRESSIBLE: Final = {"pack.window": "0", "pack.depth": "0", "pack.compression": "0", "core.compression": "0"}
_PUSH: Final = (
    "push",
    "--porcelain",
    "--progress",
    "--no-verify",  # the store's own hook guards what people push by hand
    "--no-follow-tags",
    "--no-signed",
    "--recurse-submodules=no",
)


class Update(NamedTuple):
    """One ref of a push.

    Attributes:
        source: a ref or object id of ours; empty to delete the target.
        target: the ref's name on the remote.
        expected: the object id it must have there now; `None` where it must not be there.
    """

    source: str
    target: str
    expected: str | None


def push(
    repository: Path,
    url: str,
    updates: Sequence[Update],
    *,
    interactive: bool = False,
    progress: Progress | None = None,
    ciphertext: bool = False,
    patience: float = PATIENCE,
) -> None:
    """Change refs of a remote: all of them or none, where the server can.

    Very many go in parts, each of which is all or none. What is as it shall be already counts as done, so that a
    push, or a deletion, can be repeated.

    Args:
        repository: the repository that has the objects.
        url: the remote.
        updates: what to change, and from what.
        interactive: whether git and ssh may ask for passwords and host keys on the terminal.
        progress: is told how far it is.
        ciphertext: the objects do not compress; do not try.
        patience: seconds of silence after which the connection counts as broken.

    Raises:
        InvalidRemote: the URL is none.
        RemoteUnreachable: there is no server, no repository, or the connection broke (see `outcome`).
        RemoteUnauthorized, HostKeyRejected: we may not, or do not know the server.
        RemoteRefMoved: a ref is not at `expected`; nothing was changed.
        NamespaceRefused: the host takes no refs of this kind; nothing was changed.
        RemoteRejected: the server said no in its own words, or its lock stays in the way; nothing was changed.
        PartlyRejected: a server that cannot do all or none took some.
        GitMissing, GitFailed: git is missing, or cannot read our side.
    """
    target = aim(url)
    call = _pushing(repository, updates, interactive, progress, patience, _INCOMPRESSIBLE if ciphertext else {})

    def send(some: Sequence[Update]) -> None:
        part = _resolved(repository, some)
        ask = partial(_refs_now, repository, target, part, interactive=interactive, patience=patience)
        for again in (True, False):
            output = bytearray()
            ended = call([*_PUSH, "--atomic", *_refspecs(target, part)], output=output.extend)
            if ended.code != 0 and remote_failures.explain(ended, target.hide).kind == "no atomic":
                output.clear()
                ended = call([*_PUSH, *_refspecs(target, part)], output=output.extend)
            if (ended.code == 0 and not ended.waited) or _settle(target, part, ended, bytes(output), ask, again=again):
                break
            clock.sleep(_ASK_AGAIN_AFTER)

    _in_parts(updates, send)


def push_each(
    repository: Path,
    url: str,
    updates: Sequence[Update],
    *,
    interactive: bool = False,
    progress: Progress | None = None,
    patience: float = PATIENCE,
) -> dict[str, str]:
    """Change refs of a remote, each whatever becomes of the others; gives those that it refused, with its reasons.

    Arguments and errors as for `push`, but that a ref that is refused is none.

    Raises:
        RemoteRefMoved: a ref is not at `expected`; others may be done.
        NamespaceRefused: the host takes no refs of this kind; others may be done.
    """
    target = aim(url)
    call = _pushing(repository, updates, interactive, progress, patience)
    refused: dict[str, str] = {}

    def send(some: Sequence[Update]) -> None:
        part = _resolved(repository, some)
        output = bytearray()
        ended = call([*_PUSH, *_refspecs(target, part)], output=output.extend)
        results = push_results.read_results(bytes(output))
        told = not ended.waited and not push_results.is_report_lost(results)
        rejected = {result.ref: result for result in results if told and not result.accepted}
        ask = partial(_refs_now, repository, target, part, interactive=interactive, patience=patience)
        if not rejected and (ended.code != 0 or ended.waited):
            _settle(target, part, ended, bytes(output), ask, again=False)
        for update in part:
            if update.target in rejected:
                reason = [rejected[update.target]], ended.lines, target.shown, target.hide
                problem = push_results.refusal(*reason)
                standing = _standing([update], ask) if isinstance(problem, RemoteRefMoved) else "moved"
                if standing == "done":
                    continue
                if standing == "as before":
                    problem = push_results.refusal(*reason, unmoved=True)
                if type(problem) is not RemoteRejected:
                    raise problem
                refused[update.target] = problem.reason

    _in_parts(updates, send)
    return refused


def _in_parts(updates: Sequence[Update], send: Callable[[Sequence[Update]], None]) -> None:
    """Send all, in parts that grow as long as they are taken; what fails in a large one is sent again in small ones."""
    size, most, start = REFS_AT_ONCE, _REFS_AT_MOST, 0
    while start < len(updates):
        part = updates[start : start + size]
        try:
            send(part)
        except (RemoteRefMoved, NamespaceRefused):
            raise
        except RemoteError:
            if len(part) <= REFS_AT_ONCE:
                raise
            size = most = REFS_AT_ONCE
        else:
            start += len(part)
            size = min(2 * size, most)


def _pushing(
    repository: Path,
    updates: Sequence[Update],
    interactive: bool,
    progress: Progress | None,
    patience: float,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> Callable[..., Ended]:
    """Runs git for a push, with arguments and what takes its output."""
    return partial(
        network.run,
        purpose="Pushing",
        repository=repository,
        interactive=interactive,
        patience=patience,
        settings={**settings, **_told(updates)},
        progress=progress,
    )


def _told(updates: Sequence[Update]) -> dict[str, str]:
    """The setting that tells the server which ref is meant, where it is one."""
    return {"http.extraHeader": f"{_TOLD_REF}: {updates[0].target}"} if len(updates) == 1 else {}


def _resolved(repository: Path, updates: Sequence[Update]) -> list[Update]:
    """The updates with object ids as sources, so that what was pushed is known whatever happens to our refs."""
    for update in updates:
        if not is_ref_name(update.target) or not _OID.fullmatch(update.expected or "0" * 40):
            raise ValueError(f"{update!r} names no ref, or no object")
        if update.source and not (is_ref_name(update.source) or _OID.fullmatch(update.source)):
            raise ValueError(f"{update!r} has no source")
    asked = "".join(f"{update.source}\n" for update in updates if update.source).encode()
    told = program.run(repository, ["cat-file", "--batch-check=%(objectname)"], purpose="Pushing", stdin=asked)
    found = iter(told.decode().splitlines())
    resolved = [update._replace(source=next(found) if update.source else "") for update in updates]
    for update in resolved:
        if update.source and not _OID.fullmatch(update.source):  # git says `<name> missing`
            raise GitFailed("push", 1, f"the object for {update.target} is not there ({update.source})")
    return resolved


def _refspecs(target: Target, updates: Sequence[Update]) -> Iterator[str]:
    for update in updates:
        yield f"--force-with-lease={update.target}:{update.expected or ''}"
    yield "--"
    yield target.url
    for update in updates:
        yield f"{update.source}:{update.target}"


def _settle(
    target: Target,
    updates: Sequence[Update],
    ended: Ended,
    output: bytes,
    ask: Callable[[], dict[str, str]],
    *,
    again: bool,
) -> bool:
    """Find out what a push that failed did; says whether everything is as it shall be after all.

    With `again` it may also say that nothing moved, though the server said so: somebody held a lock just then.
    """
    results = push_results.read_results(output)
    if not ended.waited and not push_results.is_report_lost(results):
        if any(not result.accepted for result in results):
            refusal = partial(push_results.refusal, results, ended.lines, target.shown, target.hide)
            refused = refusal()
            if isinstance(refused, RemoteRefMoved):
                standing = _standing(updates, ask)
                # libcurl sends a request again whose answer got lost; the second finds the ref moved: by itself.
                if standing == "done":
                    return True
                if standing == "as before":
                    if again:
                        return False
                    raise refusal(unmoved=True)
            raise refused
        failure = remote_failures.explain(ended, target.hide)
        if failure.kind == "unclear" and _standing(updates, ask) != "silent":
            raise RemoteUnauthorized(target.shown, f"it may be read, not written ({failure.reason})")
        deletes = not any(update.source for update in updates)
        sent = "Writing objects" in ended.reached
        # libcurl connects again where a connection broke: that this fails does not say that nothing was sent.
        if not (failure.kind == "broken" and (deletes or sent)) and not (failure.kind == "down" and sent):
            raise remote_failures.as_error(failure, target.shown, "push", ended)
    _settle_broken(target, updates, ended, ask)
    return True


def _settle_broken(target: Target, updates: Sequence[Update], ended: Ended, ask: Callable[[], dict[str, str]]) -> None:
    """Ask the remote what it has, after a connection broke while it was told what to do."""
    reason = remote_failures.explain(ended, target.hide).reason
    done, of = ended.reached.get("Writing objects", (0, 0))
    # What was sent whole may still be worked on, so "not there" is no proof; what was cut off cannot arrive any more.
    cut_off = done < of
    for attempt in range(2):
        if attempt:
            clock.sleep(_ASK_AGAIN_AFTER)
        try:
            now = ask()
        except RemoteError:
            break
        if all(now.get(update.target, "") == update.source for update in updates):
            return
        if cut_off and all(now.get(update.target) == update.expected for update in updates):
            raise RemoteUnreachable(target.shown, reason)
    raise RemoteUnreachable(target.shown, f"{reason}; whether it arrived is unknown", outcome="unknown")


def _standing(
    updates: Sequence[Update], ask: Callable[[], dict[str, str]]
) -> Literal["done", "as before", "moved", "silent"]:
    """Where a remote's refs are: all as they shall be, all as they were expected, otherwise; or it does not say."""
    try:
        now = ask()
    except RemoteError:
        return "silent"
    if all(now.get(update.target, "") == update.source for update in updates):
        return "done"
    return "as before" if all(now.get(update.target) == update.expected for update in updates) else "moved"


def _refs_now(
    repository: Path, target: Target, updates: Sequence[Update], *, interactive: bool, patience: float
) -> dict[str, str]:
    names = [update.target for update in updates]
    return ls_remote(target.url, names, repository=repository, interactive=interactive, patience=patience)
