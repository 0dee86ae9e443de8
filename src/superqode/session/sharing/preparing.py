"""What is going to be shared: a session's history after its secrets were taken out, and its snapshots."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from superqode.session.codec import message
from superqode.session.codec.meta import Meta
from superqode.session.errors import CorruptObject, CorruptSession
from superqode.session.git.history import ancestors_among
from superqode.session.git.object_codec import Commit, Tag, TreeEntry
from superqode.session.git.repository import HEADS, TAGS, Repository
from superqode.session.redaction import Redactor
from superqode.session.sharing.models import ShareConfig
from superqode.session.store.index.catalogue import Progress
from superqode.session.store.loading import tip_of
from superqode.session.store.results import SecretPlace
from superqode.session.store.rewrite import Rewriter
from superqode.session.store.secrets import rewriting, store_redactor
from superqode.session.store.snapshots import session_tags
from superqode.session.store.state import counts, read_tree

__all__ = ["Prepared", "prepare", "still_clean"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a share is made of.

    Attributes:
        session_id: the session.
        tip: the commit to share; it is in the store, and nothing but the caller's ref keeps it there.
        tree: that commit's tree.
        meta: that tree's `session.json`.
        messages: how many messages it has.
        executions: how many tool executions it has.
        tags: the snapshots, as tags of prepared commits, by snapshot id.
        rewritten: how many commits are new ones.
        masked: what was taken out, and where.
    """

    session_id: str
    tip: str
    tree: str
    meta: Meta
    messages: int
    executions: int
    tags: dict[str, Tag]
    rewritten: int
    masked: tuple[SecretPlace, ...]

    @property
    def branch(self) -> str:
        """The branch's ref, under the session's own name."""
        return HEADS + self.session_id

    def tag_ref(self, snapshot_id: str) -> str:
        """A snapshot's ref, under the session's own name."""
        return f"{TAGS}{self.session_id}/{snapshot_id}"

    @property
    def snapshots(self) -> list[message.SharedSnapshot]:
        """The snapshots as a public share tells of them, oldest first."""
        told = [
            message.SharedSnapshot(name, tag.target, _moment(tag.tagger.seconds), tag.message)
            for name, tag in self.tags.items()
        ]
        return sorted(told, key=lambda snapshot: (snapshot.created_at, snapshot.id))


def prepare(repository: Repository, session_id: str, config: ShareConfig, progress: Progress | None = None) -> Prepared:
    """Prepare a session for sharing; the caller keeps pruning out until a ref holds what was made.

    Raises:
        SessionNotFound, CorruptSession: as loading it.
    """
    redactor = store_redactor(repository, detect=config.redact)
    with rewriting(repository, redactor, progress) as rewriter:
        source = tip_of(repository, session_id)
        try:
            tip = rewriter.commit(source, session_id) if config.redact else source
            tags = _tags(repository, rewriter, redactor, session_id, source, redact=config.redact)
            masked = tuple(rewriter.places(source, session_id)) if config.redact else ()
            rewritten = rewriter.rewritten(source) if masked else 0
            if not config.allow_view_history:
                tip, tags = _without_history(repository, session_id, tip), {}
            commit = repository.objects.commit(tip)
            seen = read_tree(repository.objects, commit, session_id)
            messages, executions = counts(repository.objects, commit, seen, session_id)
        except CorruptObject as problem:
            raise CorruptSession(session_id, str(problem)) from problem
    return Prepared(session_id, tip, commit.tree, seen.meta, messages, executions, tags, rewritten, masked)


def still_clean(repository: Repository, tip: str, session_id: str) -> bool:
    """Whether what was shared before holds nothing that preparation takes out today."""
    with rewriting(repository) as rewriter:
        return rewriter.commit(tip, session_id) == tip


def _tags(
    repository: Repository, rewriter: Rewriter, redactor: Redactor, session_id: str, source: str, *, redact: bool
) -> dict[str, Tag]:
    objects = repository.objects
    told_id = read_tree(objects, objects.commit(source), session_id).meta.id
    found = session_tags(repository, (session_id, told_id), source)
    reachable = ancestors_among(objects, source, {tag.target for tag in found.values()})
    made: dict[str, Tag] = {}
    for name, tag in found.items():
        if tag.target in reachable:
            target = rewriter.commit(tag.target, session_id) if redact else tag.target
            described = redactor.text(tag.message).value if redact else tag.message
            made[name] = Tag(target, "commit", f"{session_id}/{name}", tag.tagger, described)
    return made


def _without_history(repository: Repository, session_id: str, tip: str) -> str:
    """A commit of its own with title, tags, files and agents, and nothing that was said or done."""
    objects = repository.objects
    commit: Commit = objects.commit(tip)
    tree = read_tree(objects, commit, session_id)
    kept = [entry for entry in objects.tree(commit.tree) if entry.oid in (tree.format_oid, tree.meta_oid)]
    told = message.parse(commit.message)
    story = message.Story(
        subject=f"session: {tree.meta.title or session_id}",
        session_id=session_id,
        saved_at=told.saved_at,
        updated_at=told.updated_at,
        messages=(0, 0),
        executions=(0, 0),
    )
    root = objects.write_tree([TreeEntry(*entry) for entry in kept])
    return objects.write_commit(root, (), commit.committer, commit.committer, message.compose(story))


def _moment(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, UTC)
