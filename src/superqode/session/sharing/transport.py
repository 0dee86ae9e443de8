"""Shares and remotes: which remote is meant, under which name a share lies there, pushed, deleted, fetched."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Final

from superqode.session.errors import (
    FetchTooLarge,
    NamespaceRefused,
    NoDefaultRemote,
    RemoteRefMoved,
    RemoteRefNotFound,
    RemoteRejected,
    ShareNotFound,
    ShareTampered,
    ShareTooLarge,
    UnsoundObjects,
)
from superqode.session.git import program, remote, remotes
from superqode.session.git.history import is_ancestor
from superqode.session.git.landing import Landing, to_send_from
from superqode.session.git.remote import Update
from superqode.session.git.remotes import Namespace, RemoteInfo
from superqode.session.git.repository import Repository
from superqode.session.git.sizes import largest_object, object_sizes
from superqode.session.sharing.layout import UNPACKED_MAX
from superqode.session.sharing.ledger import ShareRecord
from superqode.session.sharing.trailers import COMMIT_MAX
from superqode.session.store.index.catalogue import Progress

__all__ = [
    "NAMESPACES",
    "PUBLIC",
    "SEALED",
    "delete",
    "fetch_share",
    "find_target",
    "is_public_ref",
    "label",
    "offer_shares",
    "push",
    "target_of",
]

NAMESPACES: Final[tuple[Namespace, ...]] = ("superqode", "heads")
# In the order in which a share is looked for.
SEALED: Final = ("refs/superqode/shares/", "refs/heads/superqode-shares/")
PUBLIC: Final = ("refs/superqode/shares/public/", "refs/heads/superqode-shares-public/")
_LANDED: Final = "refs/superqode/landed"


def find_target(repository: Repository, wanted: str | None) -> RemoteInfo | None:
    """The remote that is meant: by name, URL or path; the default one where nothing is said, or `None`: there is none.

    Raises:
        NoDefaultRemote: nothing is said, and none of several is the default.
        RemoteNotFound: there is no remote of this name.
        InvalidRemote: it is no URL that may be used.
    """
    if wanted is not None:
        return remotes.resolve_remote(repository, wanted)
    known = remotes.remotes_for_shares(repository)
    chosen = next((remote for remote in known if remote.default), None)
    if known and chosen is None:
        raise NoDefaultRemote([remote.name for remote in known])
    return chosen


def target_of(repository: Repository, record: ShareRecord, wanted: str | None) -> RemoteInfo | None:
    """The remote a share is on, or was meant for, by its URL: names change.

    Args:
        repository: the store.
        record: the share.
        wanted: the remote as the user named it, with what logs in there.
    """
    meant = find_target(repository, wanted) if wanted else None
    if record.remote_url and (meant is None or meant.shown != record.remote_url):
        return find_target(repository, record.remote_url)
    return meant


def offer_shares(repository: Repository) -> None:
    """Let shares be fetched from this store by who may read its folder; stores made before sharing hid them."""
    shown = "!refs/superqode/shares"
    if shown not in (repository.path / "config").read_text("utf-8", "replace"):
        program.configure(repository.path, "--add", "transfer.hideRefs", shown, purpose="Sharing a session")


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
    send = partial(_push, repository, target, record, tip, interactive=interactive, progress=progress)
    try:
        return send()
    except RemoteRejected:
        # Git dies of a damaged share that the remote has as well, and the remote hears no more than an early end.
        if not _set_damaged_aside(repository):
            raise
        return send()


def _set_damaged_aside(repository: Repository) -> bool:
    """Put damaged files of shares' commits into the quarantine: git passes over what is gone. Says if any were."""
    loose = repository.objects.loose
    damaged = {oid for _, oid in repository.refs.items(SEALED[0]) if loose.stands(oid) and loose.is_damaged(oid)}
    for oid in damaged:
        loose.set_aside(oid)
    return bool(damaged)


def _push(
    repository: Repository,
    target: RemoteInfo,
    record: ShareRecord,
    tip: str,
    *,
    interactive: bool,
    progress: Progress | None,
) -> ShareRecord:
    with to_send_from(repository) as sender:
        refused: NamespaceRefused | None = None
        for namespace in _namespaces(target, record):
            name = record.ref_on(namespace)
            expected = record.pushed or None if name == record.remote_ref else None
            send = partial(
                remote.push,
                sender,
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
    send = partial(remote.push, repository.path, target.push_url, interactive=interactive)
    known = [Update("", name, expected) for name, expected in names.items() if expected]
    if len(known) == len(names):
        # Mostly they are where they were seen last, and to look first is one more list of all that the server has.
        with suppress(RemoteRefMoved):
            send(known)
            return
    there = remote.ls_remote(target.url, list(names), interactive=interactive)
    updates = [Update("", name, expected or there[name]) for name, expected in names.items() if name in there]
    if updates:
        send(updates)


def is_public_ref(name: str) -> bool:
    """Whether a share of this name is in clear."""
    return name.startswith(PUBLIC)


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
    places = (*SEALED, *PUBLIC) if sealed else (*PUBLIC, *SEALED)
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
