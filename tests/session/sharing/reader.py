"""A reader of encrypted shares in forty lines, written from FORMAT.md: cryptography's Fernet and KDFs, and git.

python reader.py REPOSITORY REF LINK-SECRET TARGET     (a password is read from standard input, if one comes)
"""

import base64
import contextlib
import hashlib
import hmac
import json
import struct
import subprocess
import sys
import unicodedata

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf import argon2, hkdf, scrypt


def git(repository, *arguments, stdin=None):
    return subprocess.run(["git", "-C", repository, *arguments], input=stdin, capture_output=True, check=True).stdout


def expand(key, salt, info):
    return hkdf.HKDF(hashes.SHA256(), 32, salt, b"superqode-share 1 " + info).derive(key)


def decrypt(key, raw):
    return Fernet(base64.urlsafe_b64encode(key)).decrypt(base64.urlsafe_b64encode(raw))


def password_key(kdf, secret, password):
    salt, typed = base64.b64decode(kdf["salt"]), unicodedata.normalize("NFKC", password).encode()
    if kdf["name"] == "hkdf":
        return expand(secret, salt, b"link")
    if kdf["name"] == "scrypt":
        mixed = hmac.digest(secret, typed, "sha256")
        return scrypt.Scrypt(salt, 32, kdf["n"], kdf["r"], kdf["p"]).derive(mixed)
    costs = {"iterations": kdf["iterations"], "lanes": kdf["lanes"], "memory_cost": kdf["memory_kib"]}
    return argon2.Argon2id(salt=salt, length=32, secret=secret, **costs).derive(typed)


def data_key(files, secret, password):
    for slot in (json.loads(data) for path, data in sorted(files.items()) if path.startswith("keys/")):
        with contextlib.suppress(InvalidToken):
            return decrypt(password_key(slot["kdf"], secret, password), base64.b64decode(slot["wrapped"]))
    sys.exit("no key opens: wrong password, or a cut link")


def read_share(repository, ref, link_secret, target, password=""):
    paths = git(repository, "ls-tree", "-r", "--name-only", ref).decode().split()
    files = {path: git(repository, "cat-file", "blob", f"{ref}:{path}") for path in paths}
    key = data_key(files, base64.urlsafe_b64decode(link_secret + "=="), password)
    salt = hashlib.sha256(files["share.json"]).digest()
    manifest = json.loads(decrypt(expand(key, salt, b"manifest"), files["manifest"]))
    git(".", "init", "-q", "--bare", target)
    for segment in manifest["segments"]:
        bundle, number, count = b"", segment["id"], segment["chunks"]
        for chunk in range(count):
            info = b"chunk" + struct.pack(">II?", number, chunk, chunk == count - 1)
            bundle += decrypt(expand(key, salt, info), files[f"segments/{number}/{chunk:06d}"])
        assert hashlib.sha256(bundle).hexdigest() == segment["sha256"]
        pack = bundle.partition(b"\n\n")[2]
        git(target, "index-pack", "--strict", "--fsck-objects", "--stdin", "--fix-thin", stdin=pack)
    for name, oid in manifest["refs"].items():
        git(target, "update-ref", name, oid)
    return manifest


if __name__ == "__main__":
    print(json.dumps(read_share(*sys.argv[1:5], password=sys.stdin.readline().rstrip("\n")), indent=1))
