"""What a shell may complete: ids by id and by title, saves, snapshots, tags, agents, projects, trash, log, remotes.

A shell that completes has no place for messages: whatever goes wrong completes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from click.shell_completion import CompletionItem

    from superqode.session import SessionStore
    from superqode.session.store.index.summaries import LabelKind

    Pairs = Iterable[tuple[str, str]]

__all__ = [
    "complete_agents",
    "complete_ids",
    "complete_ids_and_revisions",
    "complete_operations",
    "complete_projects",
    "complete_remotes",
    "complete_revisions",
    "complete_tags",
    "complete_trash",
    "completions",
]

_MOST: Final = 200
_SAVES: Final = 30
_HELP_WIDTH: Final = 60
_COMMIT_SHOWN: Final = 12
_LATEST: Final = "@latest"


def completions(
    ctx: click.Context, incomplete: str, listed: Callable[[SessionStore], Pairs], *, titles: bool = False
) -> list[CompletionItem]:
    """Give what a store lists and what begins with what was typed.

    Args:
        ctx: where the store may have been named.
        incomplete: what was typed.
        listed: gives values, each with a word about it.
        titles: where no value begins so, give those whose word about it has what was typed in it.
    """
    from click.shell_completion import CompletionItem

    from superqode.cli.options import store_path
    from superqode.cli.text import line
    from superqode.session import SessionStore
    from superqode.session.errors import SessionError

    try:
        with SessionStore(store_path(ctx), create=False) as store:
            known = dict(listed(store))
    except (SessionError, OSError, click.ClickException):
        return []
    found = [name for name in known if name.startswith(incomplete)]
    if not found and titles:
        wanted = incomplete.casefold()
        found = [name for name, title in known.items() if wanted in title.casefold()]
    return [CompletionItem(name, help=line(known[name], _HELP_WIDTH)) for name in found[:_MOST]]


def complete_ids(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Give the ids of sessions that begin with what was typed (else whose titles have it), newest first; `@latest`."""
    from click.shell_completion import CompletionItem

    titles = len(incomplete) > 1

    def listed(store: SessionStore) -> Pairs:
        found = store.list_sessions(beginning=incomplete, limit=_MOST)
        if not found and titles:
            found = store.list_sessions(text=incomplete, limit=_MOST)
        return [(item.id, item.title) for item in found]

    latest = [CompletionItem(_LATEST, help="the newest session")] if _LATEST.startswith(incomplete) else []
    return latest + completions(ctx, incomplete, listed, titles=titles)


def complete_ids_and_revisions(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """As `complete_ids`; after `ID@`, its snapshots and saves."""
    session_id, at, revision = incomplete.rpartition("@")
    if not session_id or not at:
        return complete_ids(ctx, parameter, incomplete)
    found = _revisions(ctx, session_id, revision)
    for item in found:
        item.value = f"{session_id}@{item.value}"
    return found


def complete_revisions(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Give the snapshots and saves of the session that is named before it."""
    # Where an option still lacks its value, click leaves what was typed before it in `args`.
    session_id = ctx.params.get("session_id") or next(iter(ctx.args), None)
    return _revisions(ctx, str(session_id), incomplete) if session_id else []


def _revisions(ctx: click.Context, named: str, incomplete: str) -> list[CompletionItem]:
    def listed(store: SessionStore) -> Pairs:
        session_id = store.resolve(named)
        for made in store.load(session_id).snapshots:
            yield made.id, made.description or "a snapshot"
        saves = store.history(session_id, limit=_SAVES)
        known = {save.commit: save for save in saves}
        back, found = 0, saves[0] if saves else None
        while found is not None:  # along the first parents, as Git counts
            yield f"~{back}", found.subject
            back, found = back + 1, known.get(found.parents[0]) if found.parents else None
        for save in saves:
            yield save.commit[:_COMMIT_SHOWN], save.subject

    return completions(ctx, incomplete, listed)


def complete_trash(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Give the ids of deleted sessions that begin with what was typed, else whose titles have it."""

    def listed(store: SessionStore) -> Pairs:
        items = store.trash(beginning=incomplete, limit=_MOST) or store.trash()
        return [(item.session_id, item.title) for item in items]

    return completions(ctx, incomplete, listed, titles=True)


def _labels(ctx: click.Context, incomplete: str, kind: LabelKind) -> list[CompletionItem]:
    """What the sessions have of a kind, most used first, with how many have it."""
    from superqode.cli.text import count

    def listed(store: SessionStore) -> Pairs:
        return [(label, count(number, "session")) for label, number in store.labels(kind)]

    return completions(ctx, incomplete, listed)


def complete_tags(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Give the tags there are."""
    return _labels(ctx, incomplete, "tag")


def complete_agents(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Give the agents that took part in sessions."""
    return _labels(ctx, incomplete, "agent")


def complete_projects(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Give the projects there are sessions of, and folders."""
    from click.shell_completion import CompletionItem

    folders = CompletionItem(incomplete, type="dir")
    return [*_labels(ctx, incomplete, "project"), folders]


def complete_operations(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Give the ids of operations that can be taken back, newest first."""

    def listed(store: SessionStore) -> Pairs:
        for one in store.operations(_MOST):
            if one.happened and not one.final and not one.taken_back_by:
                yield one.id, f"{one.verb} {one.sessions[0].id if one.sessions else ''}"

    return completions(ctx, incomplete, listed)


def complete_remotes(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Give the names of the remotes, with their URLs (never their credentials)."""

    def listed(store: SessionStore) -> Pairs:
        from superqode.session.git.remotes import list_remotes
        from superqode.session.git.repository import is_store

        return [(one.name, one.shown) for one in list_remotes(store.path)] if is_store(store.path) else []

    return completions(ctx, incomplete, listed)
