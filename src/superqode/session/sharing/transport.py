"""Shares and remotes: which remote is meant, under which name a share lies there, pushed, deleted, fetched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from superqode.session.errors import (
    FetchTooLarge,
    NamespaceRefused,
    RemoteRefNotFound,
    RemoteRejected,
    ShareNotFound,
    ShareTampered,
    ShareTooLarge,
    UnsoundObjects,
)
from superqode.session.git import program, remote, remotes
from superqode.session.git.history import is_ancestor
from superqode.session.git.landing import Landing
from superqode.session.git.remote import Update
from superqode.session.git.remotes import Namespace, RemoteInfo
from superqode.session.git.repository import Repository
from superqode.session.git.sizes import largest_object, object_sizes
from superqode.session.sharing.layout import TOTAL_MAX, UNPACKED_MAX
from superqode.session.sharing.ledger import ShareRecord
from superqode.session.sharing.trailers import COMMIT_MAX
from superqode.session.store.index.catalogue import Progress

__all__ = [
    "NAMESPACES",
    "delete",
    "fetch_commits",
    "fetch_share",
    "find_target",
    "is_public_ref",
    "label",
    "offer_shares",
    "push",
    "share_refs",
]

NAMESPACES: Final[tuple[Namespace, ...]] = ("superqode", "heads")
# In the order in which a share is looked for.
_SEALED: Final = ("refs/superqode/shares/", "refs/heads/superqode-shares/")
_PUBLIC: Final = ("refs/superqode/shares/public/", "refs/heads/superqode-shares-public/")
_LANDED: Final = "refs/superqode/landed"
# Refs in one fetch: each is a word of git's command line, which Linux ends at two megabytes.
_AT_ONCE: Final = 1_000


def find_target(repository: Repository, wanted: str | None) -> RemoteInfo | None:
    """The remote that is meant: by name, URL or path; the default one where nothing is said, or `None`.

    Raises:
        RemoteNotFound: there is no remote of this name.
        InvalidRemote: it is no URL that may be used.
    """
    if wanted is None:
        return remotes.default_remote(repository)
    return remotes.resolve_remote(repository, wanted)


def offer_shares(repository: Repository) -> None:
    """Let shares be fetched from this store by who may read its folder; stores made before sharing hid them."""
    shown = "!refs/superqode/shares"
    if shown not in (repository.path / "config").read_text("utf-8", "replace"):
        program.run(repository.path, ["config", "--add", "transfer.hideRefs", shown], purpose="Sharing a session")


def label(target: RemoteInfo) -> str:
    """What people call a remote: its name, or its URL without credentials."""
    return target.name or target.shown


def push(
    repository: Repository,
    target: RemoteInfo,
    record: ShareRecord,
    tip: str,
    *,
    interactive: bool = False,
    progress: Progress | None = None,
) -> ShareRecord:
    """Push a share; gives its record as it is then.

    A host that refuses the namespace gets a branch, and that is remembered.

    Raises:
        RemoteError: what went wrong, and whether anything was sent.
    """
    refused: NamespaceRefused | None = None
    for namespace in _namespaces(target, record):
        name = record.ref_on(namespace)
        expected = record.pushed or None if name == record.remote_ref else None
        send = partial(
            remote.push,
            repository.path,
            target.push_url,
            interactive=interactive,
            progress=progress,
            ciphertext=record.sealed,
        )
        try:
            send([Update(tip, name, expected)])
        except NamespaceRefused as problem:
            refused = problem
            continue
        except RemoteRejected:
            # A push whose answer got lost may have arrived all the same: this one, or one before it.
            there = remote.ls_remote(target.url, [name], interactive=interactive).get(name)
            if there is None or there == expected or not is_ancestor(repository.objects, there, tip):
                raise
            if there != tip:
                send([Update(tip, name, there)])
        if target.name and target.namespace != namespace:
            remotes.remember_namespace(repository, target.name, namespace)
        return replace(record, remote=label(target), remote_url=target.shown, remote_ref=name, pushed=tip)
    if refused is None:
        raise AssertionError("there is a namespace to try")
    raise refused


def _namespaces(target: RemoteInfo, record: ShareRecord) -> tuple[Namespace, ...]:
    if record.pushed:  # where it is, it stays
        return ("superqode",) if record.remote_ref == record.ref_on("superqode") else ("heads",)
    return (target.namespace,) if target.namespace else NAMESPACES


def delete(
    repository: Repository, target: RemoteInfo, names: Mapping[str, str | None], *, interactive: bool = False
) -> None:
    """Delete refs on a remote, all or none; those that are gone already are fine.

    Args:
        repository: the store.
        target: the remote.
        names: the refs, each with the commit that it must be at, or `None` for any.
        interactive: whether git may ask on the terminal.

    Raises:
        RemoteError: what went wrong.
    """
    there = remote.ls_remote(target.url, list(names), interactive=interactive)
    updates = [Update("", name, expected or there[name]) for name, expected in names.items() if name in there]
    if updates:
        remote.push(repository.path, target.push_url, updates, interactive=interactive)


def share_refs(
    target: RemoteInfo, share_id: str = "*", *, public_only: bool = False, interactive: bool = False
) -> dict[str, str]:
    """The refs of one share on a remote, or of all (public) ones, with their commits.

    Raises:
        RemoteError: what went wrong.
    """
    places = _PUBLIC if public_only else (*_SEALED, *_PUBLIC)
    found = remote.ls_remote(target.url, [place + share_id for place in places], interactive=interactive)
    # A pattern's `*` stands for slashes, too.
    return {name: oid for name, oid in found.items() if any(name.rpartition("/")[0] + "/" == place for place in places)}


def is_public_ref(name: str) -> bool:
    """Whether a share of this name is in clear."""
    return name.startswith(_PUBLIC)


def fetch_share(
    target: RemoteInfo,
    share_id: str,
    landing: Landing,
    *,
    sealed: bool,
    max_bytes: int,
    interactive: bool = False,
    progress: Progress | None = None,
) -> tuple[str, bool]:
    """Fetch a share into a landing, by its exact ref; gives its commit, and whether it is public.

    Args:
        target: the remote.
        share_id: the share.
        landing: where it goes.
        sealed: whether its link has a secret: then it is looked for among the encrypted ones first.
        max_bytes: how large it may be.
        interactive: whether git may ask on the terminal.
        progress: told how far it is.

    Raises:
        ShareNotFound: the remote does not have it.
        ShareTooLarge, ShareTampered: it is larger than that, or not even sound as Git objects.
        RemoteError: what went wrong.
    """
    places = (*_SEALED, *_PUBLIC) if sealed else (*_PUBLIC, *_SEALED)
    for name in [place + share_id for place in sorted(places, key=lambda place: not _likely(target, place))]:
        try:
            remote.fetch(
                landing.repository.path,
                target.url,
                {name: _LANDED},
                depth=None if is_public_ref(name) else 1,
                max_bytes=max_bytes,
                interactive=interactive,
                progress=progress,
            )
        except RemoteRefNotFound:
            continue
        except FetchTooLarge as problem:
            raise ShareTooLarge(share_id, problem.reason) from problem
        except UnsoundObjects as problem:
            raise ShareTampered(share_id, problem.reason) from problem
        commit = landing.repository.refs.read(_LANDED)
        if commit is not None:
            _check_sizes(landing.repository, commit, share_id)
            return commit, is_public_ref(name)
    raise ShareNotFound(share_id, target.shown)


def _check_sizes(repository: Repository, commit: str, share_id: str) -> None:
    """Before anything is read: a megabyte can unpack to a gigabyte."""
    kind, size = object_sizes(repository.path, [commit], "Opening a share")[commit]
    if kind != "commit":
        raise ShareTampered(share_id, f"its ref is at a {kind}")
    if size > COMMIT_MAX:
        raise ShareTooLarge(share_id, f"its commit has {size} bytes, of {COMMIT_MAX} at most")
    largest = largest_object(repository.path, "Opening a share")
    if largest > UNPACKED_MAX:
        raise ShareTooLarge(share_id, f"one of its objects has {largest} bytes, of {UNPACKED_MAX} at most")


def _likely(target: RemoteInfo, place: str) -> bool:
    """Whether a remote keeps its shares there, as far as pushing to it has shown."""
    return place.startswith("refs/heads/") == (target.namespace == "heads")


def fetch_commits(
    target: RemoteInfo, names: Iterable[str], landing: Landing, *, interactive: bool = False
) -> dict[str, str]:
    """Fetch only the commits of refs, without their content where the server can leave it out; gives their ids.

    Raises:
        RemoteError: what went wrong.
    """
    refs = [(name, f"{_LANDED}-{number}") for number, name in enumerate(names)]
    parts = [refs[start : start + _AT_ONCE] for start in range(0, len(refs), _AT_ONCE)]
    while parts:
        part = parts.pop()
        try:
            remote.fetch(
                landing.repository.path,
                target.url,
                dict(part),
                depth=1,
                max_bytes=TOTAL_MAX,
                commits_only=True,
                interactive=interactive,
            )
        except (UnsoundObjects, RemoteRefNotFound):
            # One that is broken, or was revoked at this moment, does not hide the others.
            half = len(part) // 2
            parts += [part[:half], part[half:]] if half else []
    found = {name: landing.repository.refs.read(local) for name, local in refs}
    there = {name: oid for name, oid in found.items() if oid is not None}
    sizes = object_sizes(landing.repository.path, there.values(), "Listing shares")
    return {name: oid for name, oid in there.items() if sizes[oid][0] == "commit" and sizes[oid][1] <= COMMIT_MAX}
