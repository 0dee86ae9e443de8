"""Secrets in stored sessions: found (`scan`), and taken out of a session's whole history (`scrub`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from superqode.session.errors import (
    CorruptObject,
    CorruptSession,
    InvalidSession,
    SessionError,
    SessionNotFound,
    StoreError,
)
from superqode.session.git import program
from superqode.session.git.packed_refs import PackedRef
from superqode.session.git.repository import HEADS, TAGS, Repository
from superqode.session.redaction import Redactor
from superqode.session.redaction.naming import check_named
from superqode.session.store import maintenance
from superqode.session.store.branches import branch_ref, is_gone, session_ids
from superqode.session.store.index.catalogue import Progress
from superqode.session.store.index.verdicts import Verdicts
from superqode.session.store.ledger import SHARES, Ledger
from superqode.session.store.loading import tip_of
from superqode.session.store.operations.forgetting import scrubbing
from superqode.session.store.operations.log import OperationLog
from superqode.session.store.results import ScrubResult, SecretPlace
from superqode.session.store.rewrite import Rewriter
from superqode.session.store.scrubbed import Replaced, mark_scrubbed
from superqode.session.store.sources_refs import drop_original, holds
from superqode.session.store.trash import TRASH

__all__ = [
    "PREPARED",
    "Wanted",
    "forget_logs",
    "forget_verdicts",
    "rewriting",
    "scan",
    "scrub",
    "shares_of",
    "store_redactor",
]

PREPARED: Final = "refs/superqode/prepared/"
"""The commits that were shared, by share id: what an update builds on."""

# Public shares of this store stand here as well.
_SHARED: Final = (PREPARED, "refs/superqode/shares/public/")
_STORE_REFS: Final = "refs/superqode/"
_FILE: Final = "verdicts.sqlite"
# Where the detector library keeps its rules, compiled.
_RULES: Final = "rules"
_SECRET_MIN: Final = 4


def store_redactor(repository: Repository, *, detect: bool = True) -> Redactor:
    """What masks this store's secrets, with marks of its own."""
    return Redactor(Ledger(repository).mark_key(), detect=detect, rules_cache=repository.own / _RULES)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be scrubbed.

    Attributes:
        secrets: texts.
        rules: rules or marks of the redaction, as `scan` names them.
    """

    secrets: tuple[str, ...] = field(default=(), repr=False)
    rules: tuple[str, ...] = ()

    def redactor(self, repository: Repository) -> Redactor:
        """What takes exactly that out.

        Raises:
            InvalidSession: there is nothing, or a text so short that it would be found everywhere.
            UnknownRule: one of the rules is none, and no mark either.
        """
        if not (self.secrets or self.rules) or any(len(secret) < _SECRET_MIN for secret in self.secrets):
            raise InvalidSession(f"Nothing was scrubbed: give what is to go, of at least {_SECRET_MIN} characters each")
        for rule in self.rules:
            check_named(rule, repository.own / _RULES)
        return Redactor(
            Ledger(repository).mark_key(),
            literals=self.secrets,
            detect=bool(self.rules),
            only=self.rules,
            rules_cache=repository.own / _RULES,
        )


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
    repository: Repository,
    wanted: Iterable[str] | None = None,
    progress: Progress | None = None,
    damaged: Callable[[CorruptSession], None] | None = None,
) -> list[SecretPlace]:
    """Find the secrets in sessions' histories; see `SessionStore.scan`.

    Raises:
        SessionNotFound, CorruptSession: as loading one.
    """
    named = list(wanted) if wanted is not None else session_ids(repository)
    found: list[SecretPlace] = []
    with rewriting(repository) as rewriter:
        for number, session_id in enumerate(named):
            try:
                found += _places(repository, rewriter, session_id)
            except SessionNotFound:
                if wanted is not None:
                    raise
            except CorruptSession as problem:
                if damaged is None:
                    raise
                damaged(problem)
            if progress is not None:
                progress(number + 1, len(named), "looking for secrets")
    return found


def _places(repository: Repository, rewriter: Rewriter, session_id: str) -> list[SecretPlace]:
    try:
        return rewriter.places(tip_of(repository, session_id), session_id)
    except CorruptObject as problem:
        raise CorruptSession(session_id, str(problem)) from problem


def scrub(
    repository: Repository,
    session_id: str,
    wanted: Wanted,
    forget: Callable[[], None],
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> ScrubResult:
    """Take texts out of a session's history: new commits on the branch, its tags moved, the old commits purged.

    Args:
        repository: the store.
        session_id: the session.
        wanted: what is to go.
        forget: has everything forget what it remembers of the old history.
        dry_run: only tell.
        progress: told how many commits were looked through.

    Raises:
        SessionNotFound, CorruptSession: as loading it.
        InvalidSession: no text, or one so short that it would be found everywhere.
        UnknownRule: one of the rules is none, and no mark either.
        GitMissing: only `git` can free the old bytes; nothing was changed then.
        GitFailed: it could not.
    """
    program.find_git("Scrubbing a session")
    redactor = wanted.redactor(repository)
    with rewriting(repository, redactor, progress) as rewriter:
        tip = tip_of(repository, session_id)
        places = (*rewriter.places(tip, session_id), *_tag_places(repository, redactor, session_id))
        also, shares = _elsewhere(repository, rewriter, session_id)
        replaced = rewriter.replaced(tip)
        result = ScrubResult(session_id, tip, len(replaced), places, 0, also, shares)
    if dry_run:
        forget_verdicts(repository)
        return result
    # A transcript writes things its own way, so nothing surely finds all of a secret in it: it goes as a whole, and
    # first, for what comes next may be cut short.
    told = bool(places) or holds(repository, session_id, wanted.secrets)
    log = OperationLog(repository)
    with log.alone(), scrubbing(repository, log, [session_id], replaced):
        originals = drop_original(repository, session_id) if told else ()
        # All of it also where nothing is left to replace: an earlier scrub may have been cut short after that.
        new = _replace(repository, redactor, session_id, progress)
        forget_logs(repository, session_id)
        Ledger(repository).change_shares(session_id, lambda told: redactor.value(told).value, "ledger: scrubbed")
    # Before the bytes are freed, which may fail.
    forget_verdicts(repository)
    forget()
    freed = maintenance.free_now(repository)
    held = maintenance.holders(repository, [session_id])
    return ScrubResult(session_id, new, result.rewritten, places, freed, also, shares, originals, held)


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
            # First: cut short behind it, a sync does the rest.
            mark_scrubbed(repository, session_id, _replaced(repository, rewriter, [tip], moved.values()))
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


def _replaced(
    repository: Repository, rewriter: Rewriter, tips: Iterable[str], tags: Iterable[tuple[str, str]]
) -> Replaced:
    """What a scrub replaces: all commits that some tips or tags reach, and the tags."""
    commits: dict[str, str] = {}
    named: dict[str, str] = {}
    for old, new in tags:
        commit = _commit_of(repository, old)
        if commit != old:
            named[old] = new
        if commit is not None:
            commits |= rewriter.replaced(commit)
    for tip in tips:
        commits |= rewriter.replaced(tip)
    return Replaced(commits, named)


def _tag_places(repository: Repository, redactor: Redactor, session_id: str) -> list[SecretPlace]:
    """What is masked in the descriptions of snapshots."""
    found: list[SecretPlace] = []
    for name, oid in repository.refs.items(f"{TAGS}{session_id}/"):
        try:
            tag = repository.objects.tag(oid)
        except CorruptObject:
            continue
        where = f"snapshot {name.removeprefix(f'{TAGS}{session_id}/')}"
        counts = Counter((masked.rule, masked.mark) for masked in redactor.text(tag.message).masked)
        found += [
            SecretPlace(session_id, tag.target, "", -1, where, rule, mark, count)
            for (rule, mark), count in counts.items()
        ]
    return found


def _rewritten_tag(repository: Repository, rewriter: Rewriter, redactor: Redactor, session_id: str, oid: str) -> str:
    """The tag that stands for a snapshot's: of the rewritten commit, with a description that tells nothing."""
    try:
        kind = repository.objects.read(oid)[0]
        if kind == "commit":  # a plain tag
            return rewriter.commit(oid, session_id)
        tag = repository.objects.tag(oid)
    except CorruptObject:
        return oid  # damage that `verify` reports
    target = rewriter.commit(tag.target, session_id) if tag.kind == "commit" else tag.target
    described = redactor.text(tag.message).value
    if (target, described) == (tag.target, tag.message):
        return oid
    return repository.objects.write_tag(target, tag.name, tag.tagger, described)


def _elsewhere(repository: Repository, rewriter: Rewriter, session_id: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Other sessions, and shares, whose history holds the secret too."""
    others: dict[str, None] = {}
    shares: dict[str, None] = {}
    own = (HEADS + session_id, f"{TAGS}{session_id}/")
    for name, oid in repository.refs.items("refs/"):
        mine = name == own[0] or name.startswith(own[1])
        closed = name.startswith(_STORE_REFS) and not name.startswith((TRASH, *_SHARED))  # ciphertext; the ledger
        if mine or closed or not _holds(rewriter, name, _commit_of(repository, oid)):
            continue
        if name.startswith(TRASH):
            others["trash: " + name.removeprefix(TRASH).partition("/tags/")[0].removesuffix("/branch")] = None
        elif name.startswith(_SHARED):
            shares[name.rpartition("/")[2]] = None
        elif name.startswith(HEADS):
            others[name.removeprefix(HEADS)] = None
        else:
            others[name] = None  # a tag of another session, or what plain git made
    return tuple(others), tuple(shares)


def shares_of(repository: Repository, session_ids: Iterable[str]) -> tuple[str, ...]:
    """The shares whose commits stand here still, of sessions that are gone; of a damaged ledger nobody knows."""
    gone = {session_id for session_id in session_ids if is_gone(repository, session_id)}
    standing = {name.rpartition("/")[2] for prefix in _SHARED for name in repository.refs.names(prefix)}
    try:
        documents = Ledger(repository).documents(SHARES) if gone and standing else {}
    except (StoreError, CorruptSession):
        return ()
    return tuple(sorted(key for key, told in documents.items() if key in standing and told.get("session_id") in gone))


def _commit_of(repository: Repository, oid: str) -> str | None:
    """The commit that a ref or a tag names, if it is one."""
    commit = repository.objects.peeled(oid) or oid
    try:
        return commit if repository.objects.read(commit)[0] == "commit" else None
    except CorruptObject:
        return None


def _holds(rewriter: Rewriter, name: str, tip: str | None) -> bool:
    try:
        return tip is not None and rewriter.commit(tip, name) != tip
    except SessionError:
        return False  # damaged: `verify` names it


def forget_logs(repository: Repository, session_id: str) -> None:
    """Forget what reflogs tell of a session, its trash too: they keep old commits alive, and tell their subjects."""
    logs = [repository.path / "logs" / HEADS / session_id]
    for folder in (TAGS, TRASH):
        found = sorted((repository.path / "logs" / folder / session_id).rglob("*"))
        logs += [path for path in found if not path.is_dir()]
    for log in logs:
        log.unlink(missing_ok=True)
