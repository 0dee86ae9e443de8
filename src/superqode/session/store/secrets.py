"""Secrets in stored sessions: found (`scan`), and taken out of a session's whole history (`scrub`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from superqode.session.errors import CorruptObject, InvalidSession, SessionError
from superqode.session.git import program
from superqode.session.git.packed_refs import PackedRef
from superqode.session.git.repository import HEADS, TAGS, Repository
from superqode.session.redaction import Redactor
from superqode.session.store import maintenance
from superqode.session.store.branches import branch_ref, session_ids
from superqode.session.store.index.catalogue import Progress
from superqode.session.store.index.verdicts import Verdicts
from superqode.session.store.ledger import Ledger
from superqode.session.store.loading import tip_of
from superqode.session.store.results import ScrubResult, SecretPlace
from superqode.session.store.rewrite import Rewriter
from superqode.session.store.trash import TRASH

__all__ = ["PREPARED", "Wanted", "forget_verdicts", "rewriting", "scan", "scrub", "store_redactor"]

PREPARED: Final = "refs/superqode/prepared/"
"""The commits that were shared, by share id: what an update builds on."""

_FILE: Final = "verdicts.sqlite"
_SECRET_MIN: Final = 4


def store_redactor(repository: Repository, *, detect: bool = True) -> Redactor:
    """What masks this store's secrets, with marks of its own."""
    return Redactor(Ledger(repository).mark_key(), detect=detect, rules_cache=repository.own / "rules")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be scrubbed.

    Attributes:
        secrets: texts.
        rules: rules or marks of the redaction, as `scan` names them.
    """

    secrets: tuple[str, ...] = field(default=(), repr=False)
    rules: tuple[str, ...] = ()

    def redactor(self, key: bytes) -> Redactor:
        """What takes exactly that out.

        Raises:
            InvalidSession: there is nothing, or a text so short that it would be found everywhere.
        """
        if not (self.secrets or self.rules) or any(len(secret) < _SECRET_MIN for secret in self.secrets):
            raise InvalidSession(f"Nothing was scrubbed: give what is to go, of at least {_SECRET_MIN} characters each")
        return Redactor(key, literals=self.secrets, detect=bool(self.rules), only=self.rules)


@contextmanager
def rewriting(
    repository: Repository, redactor: Redactor | None = None, progress: Progress | None = None
) -> Iterator[Rewriter]:
    """Give what rewrites histories of this store; with the store's own marks unless a redactor is given."""
    chosen = redactor or store_redactor(repository)
    verdicts = Verdicts(repository.own / _FILE, chosen.fingerprint)
    try:
        with repository.writing():
            yield Rewriter(repository, chosen, verdicts, progress)
    finally:
        verdicts.close()


def forget_verdicts(repository: Repository) -> None:
    """Throw away what redaction remembers: it names objects that are to be forgotten."""
    Verdicts(repository.own / _FILE, "").discard()


def scan(
    repository: Repository, wanted: Iterable[str] | None = None, progress: Progress | None = None
) -> list[SecretPlace]:
    """Find the secrets in sessions' histories; changes nothing but the cache.

    Raises:
        SessionNotFound, CorruptSession: as loading one.
    """
    named = list(wanted) if wanted is not None else session_ids(repository)
    found: list[SecretPlace] = []
    with rewriting(repository) as rewriter:
        for number, session_id in enumerate(named):
            found += rewriter.places(tip_of(repository, session_id), session_id)
            if progress is not None:
                progress(number + 1, len(named), "looking for secrets")
    return found


def scrub(
    repository: Repository,
    session_id: str,
    wanted: Wanted,
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> ScrubResult:
    """Take texts out of a session's history: new commits on the branch, its tags moved, the old commits purged.

    Raises:
        SessionNotFound, CorruptSession: as loading it.
        InvalidSession: no text, or one so short that it would be found everywhere.
        GitMissing: only `git` can free the old bytes; nothing was changed then.
    """
    program.find_git("Scrubbing a session")
    redactor = wanted.redactor(Ledger(repository).mark_key())
    with rewriting(repository, redactor, progress) as rewriter:
        tip = tip_of(repository, session_id)
        places = tuple(rewriter.places(tip, session_id))
        also, shares = _elsewhere(repository, rewriter, session_id)
        result = ScrubResult(session_id, tip, rewriter.rewritten(tip), places, 0, also, shares)
    if not places or dry_run:
        forget_verdicts(repository)
        return result
    new = _replace(repository, redactor, session_id, progress)
    _forget_logs(repository, session_id)
    forget_verdicts(repository)
    freed = maintenance.free_now(repository)
    return ScrubResult(session_id, new, result.rewritten, places, freed, also, shares)


def _replace(repository: Repository, redactor: Redactor, session_id: str, progress: Progress | None) -> str:
    """Point the branch and its tags at the rewritten history, whatever was saved since it was looked at."""
    refs, objects, ident = repository.refs, repository.objects, repository.committer()
    verdicts = Verdicts(repository.own / _FILE, redactor.fingerprint)
    try:
        with repository.writing(session_id):
            rewriter = Rewriter(repository, redactor, verdicts, progress)
            tip = tip_of(repository, session_id)
            new = rewriter.commit(tip, session_id)
            moved = {}
            for name, oid in refs.items(f"{TAGS}{session_id}/"):
                tag = _rewritten_tag(repository, rewriter, redactor, session_id, oid)
                if tag != oid:
                    moved[name] = (oid, tag)
            repository.flush()
            if new != tip:
                refs.update(branch_ref(session_id), new, tip, ident=ident, reason="scrubbed")
            for name, (old, tag) in moved.items():
                refs.update(name, tag, old, ident=ident, reason="scrubbed")
            repository.flush(
                [str(repository.path / HEADS / session_id), *(str(repository.path / name) for name in moved)]
            )
            # Packed as well, so that the old value is in no file any more.
            packed = {branch_ref(session_id): PackedRef(new)}
            packed |= {name: PackedRef(tag, objects.peeled(tag)) for name, (_, tag) in moved.items()}
            refs.create_all(packed)
    finally:
        verdicts.close()
    return new


def _rewritten_tag(repository: Repository, rewriter: Rewriter, redactor: Redactor, session_id: str, oid: str) -> str:
    """The tag that stands for a snapshot's: of the rewritten commit, with a description that tells nothing."""
    try:
        tag = repository.objects.tag(oid)
    except CorruptObject:
        return oid  # a plain tag, or damage that `verify` reports
    target = rewriter.commit(tag.target, session_id) if tag.kind == "commit" else tag.target
    described = redactor.text(tag.message).value
    if (target, described) == (tag.target, tag.message):
        return oid
    return repository.objects.write_tag(target, tag.name, tag.tagger, described)


def _elsewhere(repository: Repository, rewriter: Rewriter, session_id: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Other sessions, and shares, whose history holds the secret too."""
    refs = repository.refs
    others = []
    for name in session_ids(repository):
        if name != session_id and _holds(rewriter, name, refs.read(HEADS + name)):
            others.append(name)
    others += [
        "trash: " + name.removeprefix(TRASH).removesuffix("/branch")
        for name, oid in refs.items(TRASH)
        if name.endswith("/branch") and _holds(rewriter, name, oid)
    ]
    shares = [name.removeprefix(PREPARED) for name, oid in refs.items(PREPARED) if _holds(rewriter, name, oid)]
    return tuple(others), tuple(shares)


def _holds(rewriter: Rewriter, name: str, tip: str | None) -> bool:
    try:
        return tip is not None and rewriter.commit(tip, name) != tip
    except SessionError:
        return False  # damaged: `verify` names it


def _forget_logs(repository: Repository, session_id: str) -> None:
    """Reflogs keep old commits alive, and tell their subjects."""
    logs = [repository.path / "logs" / HEADS / session_id]
    logs += sorted((repository.path / "logs" / TAGS / session_id).glob("*"))
    for log in logs:
        log.unlink(missing_ok=True)
