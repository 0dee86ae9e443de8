"""Makes `share-1/` and `share-1.json`: an encrypted share of version 1 as it must stay readable, and made, for ever.

Run it only to add something to the fixture, never to make a test pass: `PYTHONPATH=tests python tests/data/shares/make_share_1.py`.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

from data.make_format_1 import USER, fixed_time_and_chance
from superqode.session import Session, SessionStore, entropy
from superqode.session.sharing import header, kdf, keys, layout, manifest, segments
from superqode.session.sharing.links import ShareLink
from superqode.session.sharing.trailers import compose_envelope

HERE = Path(__file__).parent
LINK = ShareLink("0123456789abcdefghjkmnpqrs", bytes(range(16)))
# Decomposed, a ligature, a circled digit, a space at the end: what NFKC joins, and what it must keep.
PASSWORD = "A\u030angstro\u0308m \ufb01 \u2460 "
DATA_KEY = bytes(range(32, 64))
CHUNK = 4096
LOCKS = (
    (kdf.LinkOnly(b"salt of the link"), None),
    (kdf.Argon2(b"salt for argon2!"), PASSWORD),
    (kdf.Scrypt(b"salt for scrypt!"), PASSWORD),
)
CONTENT = keys.ContentKeys(DATA_KEY, header.Header(LINK.share_id, CHUNK))


@contextmanager
def fixed_chance() -> Iterator[None]:
    """Let chance be a fixed sequence that begins anew."""
    draws = iter(range(1_000_000))

    def draw(count: int) -> bytes:
        return hashlib.shake_128(b"share %d" % next(draws)).digest(count)

    entropy.set_entropy(draw)
    try:
        with patch("os.urandom", draw):  # where the library's Fernet takes its IVs from
            yield
    finally:
        entropy.set_entropy(None)


def seal_files(bundles: list[bytes], told: dict[str, object]) -> dict[str, bytes]:
    """Give all files of the share: the same bundles and manifest give the same bytes, always.

    Args:
        bundles: the segments' plaintexts.
        told: the manifest's fields, as JSON has them; the segments' sums and lengths are made anew.
    """
    with fixed_chance():
        files = {layout.HEADER_FILE: CONTENT.header.encode()}
        for number, (derivation, password) in enumerate(LOCKS):
            files[layout.key_path(number)] = keys.wrap(DATA_KEY, derivation, password, LINK.secret or b"")
        entries = []
        for number, bundle in enumerate(bundles):
            sealer = segments.SegmentSealer(CONTENT, number, io.BytesIO(bundle))
            files |= {layout.chunk_path(number, place): raw for place, raw in enumerate(sealer)}
            old = told["segments"][number]
            entries.append(sealer.segment(tip=old["tip"], prerequisite=old["prerequisite"]))
        values = {name: value for name, value in told.items() if name not in ("format", "version")}
        whole = manifest.Manifest(**(values | {"segments": tuple(entries)}))
        files[layout.MANIFEST_FILE] = manifest.seal_manifest(CONTENT, whole)
    return files


def _git(folder: str, *arguments: str) -> bytes:
    return subprocess.run(["git", "-C", folder, *arguments], capture_output=True, check=True).stdout


def _bundles(folder: str) -> tuple[list[bytes], dict[str, object]]:
    """A session's first save as a bundle, what came later as another, and the manifest of both."""
    branch, tag = "refs/heads/session-123", "refs/tags/session-123/before-review"
    with fixed_time_and_chance(), SessionStore(folder, user=USER) as store:
        session = Session(id="session-123", title="Fix SQL injection — 修正")
        session.add_message("user", "Fix the SQL injection vulnerability: " + entropy.random_text(12_000))
        store.save(session)
        first = _git(folder, "rev-parse", branch).decode().strip()
        bundles = [_git(folder, "bundle", "create", "-q", "-", branch)]
        session.add_message("assistant", "I'll fix that…", "security_tester")
        session.create_snapshot("Before review", snapshot_id="before-review")
        store.save(session)
    second = _git(folder, "rev-parse", branch).decode().strip()
    bundles.append(_git(folder, "bundle", "create", "-q", "-", branch, tag, f"^{first}"))
    told = {
        "share_id": LINK.share_id,
        "session_id": "session-123",
        "title": "Fix SQL injection — 修正",
        "visibility": "private",
        "allow_fork": True,
        "allow_view_history": True,
        "created_at": "2026-11-22T10:00:00.000000Z",
        "updated_at": "2026-11-22T11:00:00.123456Z",
        "expires_at": "2026-11-29T10:00:00.000000Z",
        "created_by": "Ada Example",
        "generation": 2,
        "refs": {branch: second, tag: _git(folder, "rev-parse", tag).decode().strip()},
        "segments": [{"tip": first, "prerequisite": None}, {"tip": second, "prerequisite": first}],
    }
    return bundles, told


def vectors(files: dict[str, bytes]) -> dict[str, object]:
    """Everything between the password and the bundles, for somebody who writes a reader."""
    whole = manifest.open_manifest(CONTENT, files[layout.MANIFEST_FILE])
    chunks = {}
    for segment in whole.segments:
        for chunk in range(segment.chunks):
            key = CONTENT.chunk(segment.id, chunk, final=chunk == segment.chunks - 1)
            chunks[layout.chunk_path(segment.id, chunk)] = key.hex()
    secret = LINK.secret or b""
    return {
        "token": LINK.token,
        "link_secret": secret.hex(),
        "password": PASSWORD,
        "password_normalised": kdf.normalise_password(PASSWORD).hex(),
        "keys": {
            layout.key_path(number): lock.derive(given, secret).hex() for number, (lock, given) in enumerate(LOCKS)
        },
        "data_key": DATA_KEY.hex(),
        "H": CONTENT.header.salt.hex(),
        "manifest_key": CONTENT.manifest().hex(),
        "manifest": json.loads(whole.encode()),
        "chunk_keys": chunks,
        "message": compose_envelope(LINK.share_id, datetime(2026, 11, 29, 10, tzinfo=UTC)).decode(),
        "files": {path: hashlib.sha256(data).hexdigest() for path, data in sorted(files.items())},
    }


def main() -> None:
    """Write both anew."""
    with tempfile.TemporaryDirectory() as folder:
        files = seal_files(*_bundles(folder))
    shutil.rmtree(HERE / "share-1", ignore_errors=True)
    for path, data in files.items():
        target = HERE / "share-1" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    told = json.dumps(vectors(files), indent=1, sort_keys=True)
    (HERE / "share-1.json").write_text(told + "\n", "utf-8")


if __name__ == "__main__":
    main()
