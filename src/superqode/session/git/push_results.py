"""What became of each ref of a push: git's report read, and a refusal made the error that says why."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from superqode.session.errors import (
    NamespaceRefused,
    PartlyRejected,
    RemoteError,
    RemoteRefMoved,
    RemoteRejected,
    RemoteUnauthorized,
)
from superqode.session.git.remote_failures import server_words

__all__ = ["RefResult", "is_report_lost", "read_results", "refusal"]


class RefResult(NamedTuple):
    """What became of one ref of a push.

    Attributes:
        ref: its name on the remote.
        accepted: whether the remote has it now.
        reason: why not.
    """

    ref: str
    accepted: bool
    reason: str


_RESULT: Final = re.compile(r"(?P<flag>[ +*=!-])\t[^\t]*:(?P<ref>[^\t:]+)\t(?P<told>.*)")
_REASON: Final = re.compile(r".*?\((?P<reason>.*)\)")
_COLLATERAL: Final = re.compile(r"atomic (?:push|transaction) fail\w+|transaction failed")
_NO_REPORT: Final = "remote failed to report status"
# `non-fast-forward` is none of them: with a lease git itself never says it, and a server of those that take no other.
_MOVED: Final = re.compile(r"stale info|fetch first|remote ref updated|failed to (?:update ref|lock)")
_RACED: Final = re.compile(
    r"cannot lock ref|incorrect old value|reference already exists|is at [0-9a-f]{40} but expected"
)
_WRITE_DENIED: Final = re.compile(
    r"insufficient permission|Permission denied|unable to create temporary object|Read-only"
)
_NAMESPACE: Final = re.compile(
    r"hidden ref|funny ref|prohibited by Gerrit|ref(?:s/\S+)? is illegal|(?:invalid|illegal|unsupported) ref"
    r"|\bonly\b.*refs/heads|W refs/\S+ \S+ \S+ DENIED by",
    re.IGNORECASE,
)
_BRANCHES: Final = ("refs/heads/", "refs/tags/")


def read_results(output: bytes) -> list[RefResult]:
    """Read what `git push --porcelain` prints (git-push(1), "OUTPUT"); empty where it came to no ref."""
    results = []
    for line in output.decode("utf-8", "replace").splitlines():
        found = _RESULT.fullmatch(line)
        if found is not None:
            told = _REASON.fullmatch(found["told"])
            accepted = found["flag"] != "!"
            results.append(RefResult(found["ref"], accepted, "" if accepted else told["reason"] if told else ""))
    return results


def is_report_lost(results: Sequence[RefResult]) -> bool:
    """Whether the connection broke before the server said what became of the refs."""
    return any(result.reason == _NO_REPORT for result in results)


def refusal(
    results: Sequence[RefResult],
    lines: Sequence[str],
    remote: str,
    hide: Callable[[str], str],
    *,
    unmoved: bool = False,
) -> RemoteError:
    """The error for a push of which at least one ref was rejected.

    Args:
        results: what became of each ref.
        lines: what git and the server said.
        remote: the remote's URL, without credentials.
        hide: takes credentials out of a text.
        unmoved: whether every ref is known to be where it was expected, whatever the server says.
    """
    rejected = [result for result in results if not result.accepted]
    # With --atomic, or in a transaction, one ref's fault is told of all of them.
    first = next((result for result in rejected if not _COLLATERAL.search(result.reason)), rejected[0])
    words = server_words(lines)
    unpack = next((line.partition("unpack failed: ")[2] for line in lines if "remote unpack failed: " in line), "")
    whole = ": ".join(filter(None, (first.reason, words or unpack))) or "the server gave no reason"
    reason = "".join(letter for letter in hide(whole) if letter.isprintable())
    changed = [result.ref for result in results if result.accepted]
    if changed:
        return PartlyRejected(remote, first.ref, reason, changed)
    if _WRITE_DENIED.search(f"{words} {unpack}"):
        return RemoteUnauthorized(remote, reason)
    if not first.ref.startswith(_BRANCHES) and _NAMESPACE.search(whole):
        return NamespaceRefused(remote, first.ref, reason)
    raced = _MOVED.search(first.reason) or _RACED.search(whole)
    if raced and not unmoved and "exists; cannot create" not in whole:
        return RemoteRefMoved(remote, first.ref, f"it is not where it was expected ({reason})")
    return RemoteRejected(remote, first.ref, reason)
