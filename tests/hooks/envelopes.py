"""Shares built by hand from FORMAT.md, byte for byte, well-formed and not; uses nothing of the library.

Objects are written as loose files, so that nothing stops a test from writing what git itself would not.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import subprocess
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

ID = "0123456789abcdefghjkmnpqrs"
OTHER_ID = "tvwxyz0123456789abcdefghjk"
THIRD_ID = "zzzzzzzzzzzzzzzzzzzzzzzzzz"
IDENT = "superqode <share@superqode.invalid>"
SHARES = "refs/superqode/shares"
BRANCHES = "refs/heads/superqode-shares"
NO_OBJECT = "0" * 40
CHUNK = 4096
FULL = 57 + 4096 + 16
SESSION = {"format": b"superqode-session 1\n", "session.json": b'{\n  "title": "T"\n}\n'}

_chance = random.Random(7)


class Repository:
    """A bare repository: git as a program, and objects written by hand."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def make(cls, path: Path, *options: str) -> Repository:
        """Make an empty one."""
        subprocess.run(["git", "init", "-q", "--bare", *options, str(path)], check=True)
        return cls(path)

    def git(self, *arguments: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run git here."""
        command = ["git", "-C", str(self.path), *arguments]
        settings = os.environ | environment
        return subprocess.run(command, capture_output=True, text=True, check=check, env=settings, timeout=120)

    def tell(self, *arguments: str) -> str:
        """What git prints."""
        return self.git(*arguments).stdout.strip()

    def put(self, kind: str, content: bytes) -> str:
        """Write any object; gives its id."""
        whole = f"{kind} {len(content)}\0".encode() + content
        oid = hashlib.sha1(whole, usedforsecurity=False).hexdigest()
        file = self.path / "objects" / oid[:2] / oid[2:]
        if not file.exists():
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(zlib.compress(whole, 1))
        return oid

    def tree(self, files: Mapping[str, bytes], modes: Mapping[str, str] | None = None) -> str:
        """Write files in folders; `modes` names those that are no plain files, by their path."""
        modes = modes or {}
        folders: dict[str, dict[str, bytes]] = {}
        listed: list[tuple[bytes, bytes]] = []
        for path, content in files.items():
            folder, slash, rest = path.partition("/")
            if slash:
                folders.setdefault(folder, {})[rest] = content
                continue
            mode = modes.get(path, "100644")
            oid = "ab" * 20 if mode == "160000" else self.put("blob", content)
            listed.append((path.encode(), f"{mode} {path}\0".encode() + bytes.fromhex(oid)))
        for folder, inside in folders.items():
            deeper = {path.partition("/")[2]: mode for path, mode in modes.items() if path.startswith(f"{folder}/")}
            entry = f"40000 {folder}\0".encode() + bytes.fromhex(self.tree(inside, deeper))
            listed.append((folder.encode() + b"/", entry))
        return self.put("tree", b"".join(entry for _, entry in sorted(listed)))

    def commit(
        self,
        tree: str,
        *parents: str,
        message: str,
        author: str = f"{IDENT} 0 +0000",
        committer: str = f"{IDENT} 0 +0000",
        more: str = "",
    ) -> str:
        """Write a commit."""
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
        lines += [f"author {author}", f"committer {committer}"]
        return self.put("commit", ("\n".join(lines) + f"\n{more}\n{message}").encode())

    def point(self, ref: str, oid: str) -> str:
        """Let a ref name an object."""
        self.git("update-ref", ref, oid)
        return oid

    def refs(self) -> list[str]:
        """The names of all refs."""
        return self.tell("for-each-ref", "--format=%(refname)").split()


def canonical(value: object) -> bytes:
    """Canonical JSON."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode() + b"\n"


def token(length: int) -> bytes:
    """A raw token whose plaintext, padded, has so many bytes; every one is another."""
    return b"\x80" + bytes(8) + _chance.randbytes(16 + length + 32)


def argon2id(**changes: object) -> dict[str, object]:
    """The parameters of a password's key."""
    salt = base64.b64encode(_chance.randbytes(16)).decode()
    return {"iterations": 3, "lanes": 4, "memory_kib": 65536, "name": "argon2id", "salt": salt} | changes


def scrypt(**changes: object) -> dict[str, object]:
    """The parameters of a password's key, without Argon2id."""
    salt = base64.b64encode(_chance.randbytes(16)).decode()
    return {"n": 131072, "name": "scrypt", "p": 1, "r": 8, "salt": salt} | changes


def hkdf() -> dict[str, object]:
    """The parameters of a key without a password."""
    return {"name": "hkdf", "salt": base64.b64encode(_chance.randbytes(16)).decode()}


def key(kdf: Mapping[str, object] | None = None, wrapped: bytes | None = None) -> bytes:
    """A file in `keys`."""
    told = base64.b64encode(token(48) if wrapped is None else wrapped).decode()
    return canonical({"kdf": kdf or hkdf(), "version": 1, "wrapped": told})


def envelope(share: str = ID, chunks: Sequence[int] = (1,), chunk: int = CHUNK) -> dict[str, bytes]:
    """The files of an encrypted share with as many segments as `chunks` has numbers."""
    header = {"chunk": chunk, "format": "superqode-share", "id": share, "version": 1}
    files = {"share.json": canonical(header), "keys/0.json": key(), "manifest": token(1024 + 16)}
    for segment, count in enumerate(chunks):
        for place in range(count - 1):
            files[f"segments/{segment}/{place:06d}"] = token(chunk + 16)
        files[f"segments/{segment}/{count - 1:06d}"] = token(16 * _chance.randrange(1, chunk // 16))
    return files


def message(share: str = ID, expires: str = "") -> str:
    """An encrypted share's message."""
    return f"share\n\nSuperqode-Share: {share}\n" + (f"Superqode-Expires: {expires}\n" if expires else "")


def share_of(
    repository: Repository, files: Mapping[str, bytes], *parents: str, share: str = ID, expires: str = ""
) -> str:
    """Write a share's commit."""
    return repository.commit(repository.tree(files), *parents, message=message(share, expires))


def session(repository: Repository, saves: int = 3, *before: str, text: bytes = b"hello") -> str:
    """Write a session of some saves; gives its last commit."""
    files, parents = dict(SESSION), list(before)
    for save in range(saves):
        files[f"timeline/0000/{save // 100:02d}/{save % 100:02d}-user.json"] = b'{\n  "content": "%s %d"\n}\n' % (
            text,
            save,
        )
        told = f"user: hello {save}\n\nSuperqode-Session: session-1\n"
        ident = f"Ada <ada@example.invalid> {1795341600 + save} +0100"
        parents = [repository.commit(repository.tree(files), *parents, message=told, author=ident, committer=ident)]
    return parents[0]


def public_message(share: str = ID, generation: int = 1, title: str = "Fix it", **changes: str | None) -> str:
    """A public share's message; keywords replace a trailer's value (`_` for `-`), `None` leaves it out."""
    told: dict[str, str | None] = {
        "Share": share,
        "Session": "session-1",
        "Created": "2026-11-22T10:00:00.000000Z",
        "Expires": None,
        "Allow-Fork": "yes",
        "View-History": "yes",
        "Generation": str(generation),
        "Saved-At": "2026-11-22T10:00:00.000000Z",
        "Messages": "3 +0",
        "Tools": "0 +0",
    }
    told |= {name.replace("_", "-"): value for name, value in changes.items()}
    lines = [f"Superqode-{name}: {value}\n" for name, value in told.items() if value is not None]
    return f"share: {title}\n\n" + "".join(lines)


def public_share(repository: Repository, last: str, *before: str, told: str | None = None) -> str:
    """Write a public share's commit on a session's last one."""
    tree = repository.tell("rev-parse", f"{last}^{{tree}}")
    return repository.commit(
        tree,
        last,
        *before,
        message=told or public_message(),
        author=f"{IDENT} 1795341660 +0000",
        committer=f"{IDENT} 1795341660 +0000",
    )
