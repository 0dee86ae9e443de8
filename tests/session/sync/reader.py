"""A reader of sealed syncs that knows FORMAT.md and nothing of ours: what another language would need."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from mnemonic import Mnemonic

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def git(repository: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """Run git."""
    return subprocess.run(
        ["git", "-C", str(repository), *arguments], input=stdin, capture_output=True, check=True
    ).stdout


def read(remote: Path, words: str, target: Path) -> dict[str, str]:
    """Rebuild everything in a new bare repository; gives the view."""
    import base64

    secret = bytes(Mnemonic("english").to_entropy(words))

    def derive(info: bytes, salt: bytes) -> bytes:
        return HKDF(SHA256(), 32, salt, info).derive(secret)

    def unseal(key: bytes, raw: bytes) -> bytes:
        return Fernet(base64.urlsafe_b64encode(key)).decrypt(base64.urlsafe_b64encode(raw))

    sync_id = "".join(ALPHABET[byte & 31] for byte in derive(b"superqode-sync 1 id", b"")[:26])
    tip = f"refs/superqode/sync/{sync_id}"
    salt = hashlib.sha256(git(remote, "cat-file", "blob", f"{tip}:sync.json")).digest()
    raw = git(remote, "cat-file", "blob", f"{tip}:manifest")
    manifest = json.loads(unseal(derive(b"superqode-sync 1 manifest", salt), raw))
    subprocess.run(["git", "init", "--quiet", "--bare", str(target)], check=True)
    view: dict[str, str | None] = {}
    for segment in manifest["segments"]:
        whole = b""
        for chunk in range(segment["chunks"]):
            place = chunk.to_bytes(4, "big") + bytes([chunk == segment["chunks"] - 1])
            key = derive(b"superqode-sync 1 chunk" + segment["id"].encode() + place, salt)
            raw = git(remote, "cat-file", "blob", f"{tip}:segments/{segment['id']}/{chunk:06d}")
            whole += unseal(key, raw)
        assert hashlib.sha256(whole).hexdigest() == segment["sha256"]
        view |= json.loads(whole[: segment["head"]])["changes"]
        if whole[segment["head"] :]:
            git(target, "index-pack", "--strict", "--stdin", "--fix-thin", stdin=whole[segment["head"] :])
    found = {name: oid for name, oid in view.items() if oid is not None}
    for name, oid in found.items():
        if name.startswith("refs/"):
            git(target, "update-ref", name, oid)
    return found


if __name__ == "__main__":
    print(json.dumps(read(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))))
