"""A team for the tests of sharing: two people with a store each, a bare repository between them, and git's plumbing."""

from __future__ import annotations

import gc
import hashlib
import io
import os
import shutil
import subprocess
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from superqode.session import Session, SessionStore
from superqode.session.git.repository import Repository
from superqode.session.redaction import Redactor
from superqode.session.sharing import ledger as records
from superqode.session.sharing.header import Header
from superqode.session.sharing.keys import ContentKeys
from superqode.session.sharing.manager import SessionSharingManager
from superqode.session.sharing.manifest import Manifest, Segment, open_manifest, seal_manifest
from superqode.session.sharing.models import ShareConfig, SharedSession
from superqode.session.sharing.segments import SegmentSealer
from superqode.session.store.ledger import Ledger

SESSION = "session-123"
PASSWORD = "correct horse battery"
# Made up, in the shape of a real one: what redaction must find.
TOKEN = "ghp_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"
LEDGER = "refs/superqode/ledger"
LEDGER_FORMAT = hashlib.sha1(b"blob 19\0superqode-ledger 1\n").hexdigest()  # noqa: S324 - Git's own


def git(path: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """Run git in a repository, which must succeed; gives its standard output."""
    environment = os.environ | {"LC_ALL": "C"}
    ident = ("-c", "user.name=Plain Git", "-c", "user.email=git@example.invalid")
    done = subprocess.run(
        ["git", *ident, "-C", str(path), *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        env=environment,
        timeout=120,
    )
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout


def bare(path: Path) -> Path:
    """Make a bare repository, as a host has it."""
    subprocess.run(["git", "init", "--quiet", "--bare", str(path)], check=True)
    return path


def refs(path: Path) -> dict[str, str]:
    """The refs of a repository and what they are at."""
    lines = git(path, "for-each-ref", "--format=%(refname) %(objectname)").decode().splitlines()
    return dict(line.split(" ") for line in lines)


def objects(path: Path) -> dict[str, tuple[str, bytes]]:
    """Every object of a repository, whatever reaches it: type and content by id."""
    names = git(path, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
    told = git(path, "cat-file", "--batch", stdin=names)
    found: dict[str, tuple[str, bytes]] = {}
    place = 0
    while place < len(told):
        end = told.index(b"\n", place)
        oid, kind, size = told[place:end].decode().split(" ")
        found[oid] = (kind, told[end + 1 : end + 1 + int(size)])
        place = end + 2 + int(size)
    return found


def everything(path: Path) -> Iterator[tuple[str, bytes]]:
    """All that a repository tells: decompressed objects, names and targets of refs, and its loose files as they are."""
    yield "refs", repr(refs(path)).encode()
    for oid, (kind, content) in objects(path).items():
        yield f"{kind} {oid}", content
    for file in path.rglob("*"):
        if file.is_file() and "hooks" not in file.parts:
            yield str(file.relative_to(path)), str(file.relative_to(path)).encode() + file.read_bytes()


def state(path: Path) -> tuple[dict[str, str], set[str], list[str]]:
    """All that sharing could leave in a store: refs, objects and unfinished files; but for the ledger's."""
    gc.collect()  # a landing goes with the error that holds it
    found = refs(path)
    found.pop(LEDGER, None)
    listed = git(path, "cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype)").decode()
    kinds = dict(line.split(" ") for line in listed.splitlines())
    commits = [oid for oid, kind in kinds.items() if kind == "commit"]
    # Ledgers of before have no ref any more, and are told by the file that says so.
    asked = "".join(f"{oid}:format\n" for oid in commits).encode()
    told = git(path, "cat-file", "--batch-check=%(objectname)", stdin=asked).decode().splitlines()
    ledgers = [oid for oid, file in zip(commits, told, strict=True) if file == LEDGER_FORMAT]
    own = git(path, "rev-list", "--objects", "--no-object-names", *ledgers).decode().split() if ledgers else []
    return found, kinds.keys() - set(own), sorted(file.name for file in (path / "superqode" / "incoming").glob("*"))


def released(problem: BaseException) -> BaseException:
    """An error without its frames: they hold what was being read, until the error goes."""
    found: BaseException | None = problem
    while found is not None:
        found.__traceback__ = None
        found = found.__cause__ or found.__context__
    return problem


def put(path: Path, kind: str, content: bytes) -> str:
    """Write a loose object, whatever is in it; gives its id."""
    data = f"{kind} {len(content)}\0".encode() + content
    oid = hashlib.sha1(data).hexdigest()  # noqa: S324 - Git's own
    file = path / "objects" / oid[:2] / oid[2:]
    if not file.exists():
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(zlib.compress(data, 9))
    return oid


def put_tree(path: Path, entries: dict[bytes, tuple[str, str]]) -> str:
    """Write a tree of `name: (mode, id)`, in Git's order, whatever the names."""
    ordered = sorted(entries.items(), key=lambda item: item[0] + (b"/" if item[1][0] == "40000" else b""))
    return put(
        path,
        "tree",
        b"".join(mode.encode() + b" " + name + b"\0" + bytes.fromhex(oid) for name, (mode, oid) in ordered),
    )


SHARE_IDENT = "superqode <share@superqode.invalid> 0 +0000"


def put_commit(
    path: Path,
    tree: str,
    message: bytes,
    *,
    parents: tuple[str, ...] = (),
    ident: str = SHARE_IDENT,
    committer: str = "",
) -> str:
    """Write a commit, whoever it says it is from."""
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
    lines += [f"author {ident}", f"committer {committer or ident}", "", ""]
    return put(path, "commit", "\n".join(lines).encode() + message)


def files_of(path: Path, commit: str) -> dict[str, bytes]:
    """The files of a commit, by path."""
    found = {}
    for line in git(path, "ls-tree", "-r", "-z", commit).split(b"\0")[:-1]:
        head, _, name = line.partition(b"\t")
        found[name.decode()] = git(path, "cat-file", "blob", head.split(b" ")[2].decode())
    return found


def put_files(path: Path, files: dict[str, bytes | tuple[str, str]]) -> str:
    """Write the tree of files (bytes, or a mode and an id) by path; gives its id."""
    folders: dict[str, dict[str, bytes | tuple[str, str]]] = {}
    entries: dict[bytes, tuple[str, str]] = {}
    for name, content in files.items():
        first, slash, rest = name.partition("/")
        if slash:
            folders.setdefault(first, {})[rest] = content
        else:
            found = ("100644", put(path, "blob", content)) if isinstance(content, bytes) else content
            entries[name.encode()] = found
    for name, below in folders.items():
        entries[name.encode()] = ("40000", put_files(path, below))
    return put_tree(path, entries)


@dataclass
class Person:
    """Somebody with a store."""

    store: SessionStore
    shares: SessionSharingManager
    rules: Path = field(repr=False)

    @property
    def path(self) -> Path:
        """The store's folder."""
        return Path(self.store.path)

    @property
    def repository(self) -> Repository:
        """The store, opened anew."""
        return Repository(self.path)

    @property
    def ledger(self) -> Ledger:
        """The store's ledger."""
        return Ledger(self.repository)

    def record(self, share: SharedSession) -> records.ShareRecord:
        """What the ledger remembers of a share."""
        return records.find_record(self.ledger, share.id)

    def keys(self, share: SharedSession) -> ContentKeys:
        """The keys of a share of theirs."""
        key = self.record(share).data_key
        assert key is not None
        return ContentKeys(key, Header(share.id))

    def say(self, *texts: str, session_id: str = SESSION, title: str = "Fix SQL injection") -> Session:
        """Go on with a session, with a save for each message."""
        there = self.store.exists(session_id)
        session = self.store.load(session_id) if there else Session(id=session_id, title=title)
        for text in texts:
            session.add_message("user", text)
            self.store.save(session)
        return session

    def snapshot(self, description: str, session_id: str = SESSION) -> str:
        """Take a snapshot; gives its id."""
        session = self.store.load(session_id)
        made = session.create_snapshot(description)
        self.store.save(session)
        return made.id

    def state(self) -> tuple[dict[str, str], set[str], list[str]]:
        """What sharing could leave in the store."""
        return state(self.path)


def person(folder: Path, name: str, rules: Path, remote: Path | str | None = None) -> Person:
    """Somebody with a store that has its first session's place made, and the detector's rules compiled."""
    store = SessionStore(folder / name.lower(), user=(name, f"{name.lower()}@example.invalid"))
    Repository.create(Path(store.path))
    seed(Path(store.path), rules)
    return Person(store, SessionSharingManager(store, remote), rules)


def seed(path: Path, rules: Path) -> None:
    """Give a store the detector's compiled rules: compiling them takes a second and more."""
    for file in rules.iterdir():
        shutil.copy(file, path / "superqode" / file.name)


def compile_rules(folder: Path) -> Path:
    """Compile the detector's rules into a folder."""
    folder.mkdir(exist_ok=True)
    Redactor(bytes(32), rules_cache=folder).text("a text that is long enough to be looked through")
    return folder


@dataclass
class Team:
    """Ann, who shares; Bob, who reads; and a remote."""

    folder: Path
    remote: Path
    ann: Person
    bob: Person

    def newcomer(self, name: str) -> Person:
        """Somebody else with an empty store."""
        return person(self.folder, name, self.ann.rules)

    def share(self, visibility: str = "unlisted", **options: object) -> SharedSession:
        """Let Ann share her session."""
        return self.ann.shares.create_share(SESSION, ShareConfig(visibility=visibility, **options))

    def commit_of(self, share: SharedSession) -> str:
        """The share's commit on the remote."""
        return refs(self.remote)[self.ann.record(share).remote_ref]

    def put(self, share: SharedSession, commit: str, ref: str = "") -> None:
        """Point the share's ref on the remote at something else."""
        file = self.remote / (ref or self.ann.record(share).remote_ref)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(commit + "\n", "utf-8")

    def manifest(self, share: SharedSession) -> Manifest:
        """The manifest as its owner pushed it."""
        return open_manifest(self.ann.keys(share), files_of(self.remote, self.ann.record(share).pushed)["manifest"])

    def forge(self, share: SharedSession, files: dict[str, bytes | tuple[str, str]], **how: object) -> str:
        """Put a commit with other files in the share's place, as somebody who may write the remote can."""
        message = how.pop("message", f"share\n\nSuperqode-Share: {share.id}\n".encode())
        commit = put_commit(self.remote, put_files(self.remote, files), message, **how)
        self.put(share, commit)
        return commit

    def forge_bundles(
        self, share: SharedSession, bundles: list[tuple[bytes, str, str | None]], **changes: object
    ) -> None:
        """Put other bundles (with tip and prerequisite) in, sealed with the right keys, as a member of the team can."""
        keys = self.ann.keys(share)
        own = self.ann.record(share).pushed  # whatever was put in its place meanwhile
        files: dict[str, bytes | tuple[str, str]] = dict(files_of(self.remote, own))
        files = {name: data for name, data in files.items() if not name.startswith("segments/")}
        told: list[Segment] = []
        for number, (bundle, tip, prerequisite) in enumerate(bundles):
            sealer = SegmentSealer(keys, number, io.BytesIO(bundle))
            for chunk, raw in enumerate(sealer):
                files[f"segments/{number}/{chunk:06d}"] = raw
            told.append(sealer.segment(tip=tip, prerequisite=prerequisite))
        manifest = self.manifest(share)
        values = {"generation": manifest.generation + 1, "segments": tuple(told)} | changes
        values.setdefault("refs", {manifest.branch: told[-1].tip})
        files["manifest"] = seal_manifest(keys, manifest.model_copy(update=values))
        self.forge(share, files)


def gather(folder: Path, rules: Path) -> Team:
    """Ann with a session of three messages and a snapshot, Bob with an empty store, and a bare repository."""
    remote = bare(folder / "team.git")
    ann = person(folder, "Ann", rules, remote)
    ann.say("Fix the SQL injection", "It is in users.py")
    ann.snapshot("before the fix")
    ann.say("Parametrise it")
    return Team(folder, remote, ann, person(folder, "Bob", rules))
