"""The commits of all shares on a remote, as listing and pruning read them: fetched in parts, without their content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from superqode.session.entropy import ALPHABET
from superqode.session.errors import RemoteRefNotFound, UnsoundObjects
from superqode.session.git import remote
from superqode.session.git.landing import Landing
from superqode.session.git.remotes import RemoteInfo
from superqode.session.git.sizes import object_sizes
from superqode.session.sharing.layout import TOTAL_MAX
from superqode.session.sharing.trailers import COMMIT_MAX
from superqode.session.sharing.transport import PUBLIC, SEALED

__all__ = ["fetch_commits"]

_LANDED: Final = "refs/superqode/landed"
# Refs in one fetch by name: each is a word of git's command line, which Linux ends at two megabytes.
_AT_ONCE: Final = 1_000
# Where a thirty-second of the shares is more than this, they come in thirty-two parts.
_FEW: Final = 500
# How the ids of each part begin. Encrypted shares that begin with a p stand beside the folder `public`.
_PARTS: Final = [[letter] if letter != "p" else [letter + second for second in ALPHABET] for letter in ALPHABET]


def fetch_commits(
    target: RemoteInfo, landing: Landing, *, public_only: bool = False, interactive: bool = False
) -> Iterator[dict[str, str]]:
    """Fetch the commits of all shares, or of all public ones, without their content where the server can leave it out.

    A server of protocol v2 lists no other refs. Few shares come at once, many in parts, by how their ids begin.

    Args:
        target: the remote.
        landing: where they go.
        public_only: leave the encrypted ones out.
        interactive: whether git may ask on the terminal.

    Yields:
        Refs on the remote, each with its commit; none twice.

    Raises:
        RemoteError: what went wrong.
    """
    places = PUBLIC if public_only else (*SEALED, *PUBLIC)
    first, *others = _PARTS
    found = _fetch_part(target, places, first, landing, interactive=interactive)
    yield found
    seen = set() if len(found) > _FEW else set(found)
    for part in others if len(found) > _FEW else [[""]]:
        more = _fetch_part(target, places, part, landing, interactive=interactive)
        yield {name: oid for name, oid in more.items() if name not in seen}


def _fetch_part(
    target: RemoteInfo, places: Iterable[str], beginnings: Iterable[str], landing: Landing, *, interactive: bool
) -> dict[str, str]:
    """Fetch the commits of the shares whose ids begin so; gives them by their refs."""
    wanted = [place + beginning for beginning in beginnings for place in places]
    refspecs = {f"{name}*": f"{_LANDED}/{number}/{name}*" for number, name in enumerate(wanted)}
    try:
        _fetch(target, refspecs, landing, interactive=interactive)
    except (UnsoundObjects, RemoteRefNotFound):
        # One that is broken, or was revoked at this moment, does not hide the others: they come by name.
        listed = remote.ls_remote(target.url, list(refspecs), interactive=interactive)
        return _by_name(target, [name for name in listed if _is_in(name, places)], landing, interactive=interactive)
    landed = landing.collect_refs(f"{_LANDED}/")
    found = {"refs/" + local.partition("/refs/")[2]: oid for local, oid in landed.items()}
    return _commits({name: oid for name, oid in found.items() if _is_in(name, places)}, landing)


def _by_name(target: RemoteInfo, names: list[str], landing: Landing, *, interactive: bool) -> dict[str, str]:
    refs = [(name, f"{_LANDED}/{name}") for name in names]
    parts = [refs[start : start + _AT_ONCE] for start in range(0, len(refs), _AT_ONCE)]
    while parts:
        part = parts.pop()
        try:
            _fetch(target, dict(part), landing, interactive=interactive)
        except (UnsoundObjects, RemoteRefNotFound):
            half = len(part) // 2
            parts += [part[:half], part[half:]] if half else []
    landed = landing.collect_refs(f"{_LANDED}/")
    return _commits({name: landed[local] for name, local in refs if local in landed}, landing)


def _fetch(target: RemoteInfo, refs: dict[str, str], landing: Landing, *, interactive: bool) -> None:
    remote.fetch(
        landing.repository.path,
        target.url,
        refs,
        depth=1,
        max_bytes=TOTAL_MAX,
        commits_only=True,
        interactive=interactive,
    )


def _is_in(name: str, places: Iterable[str]) -> bool:
    """Whether a ref stands in one of these places itself: a pattern's `*` stands for slashes, too."""
    return name.rpartition("/")[0] + "/" in places


def _commits(refs: dict[str, str], landing: Landing) -> dict[str, str]:
    """Those refs that name a commit, and no huge one."""
    sizes = object_sizes(landing.repository.path, refs.values(), "Listing shares")
    return {name: oid for name, oid in refs.items() if sizes[oid][0] == "commit" and sizes[oid][1] <= COMMIT_MAX}
