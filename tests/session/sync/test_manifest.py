"""The manifest: read again as it was written, and refused where it says what none says."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from superqode.session.errors import SyncTampered, UnknownSyncVersion
from superqode.session.sharing.tokens import seal
from superqode.session.sync.keys import SyncKey
from superqode.session.sync.manifest import Manifest, Segment, open_manifest, seal_manifest

KEY = SyncKey(bytes(range(32)))
SEGMENT = Segment(id="0" * 26, chunks=2, size=300_000, head=40, sha256="ab" * 32)
MANIFEST = Manifest(
    sync_id=KEY.id,
    generation=3,
    written_at=datetime(2026, 11, 22, 10, tzinfo=UTC),
    written_by="Wilhelmina",
    previous=("12" * 20,),
    segments=(SEGMENT,),
)


def test_a_manifest_comes_back():
    """What was sealed opens under its key, and its length says little."""
    assert open_manifest(KEY, seal_manifest(KEY, MANIFEST), "home") == MANIFEST
    assert len(MANIFEST.encode()) == 1024


def test_another_key_opens_nothing():
    """Under another key, or with a bit changed, it is no manifest."""
    raw = seal_manifest(KEY, MANIFEST)
    with pytest.raises(SyncTampered, match="does not open"):
        open_manifest(SyncKey(bytes(32)), raw, "home")
    with pytest.raises(SyncTampered, match="does not open"):
        open_manifest(KEY, raw[:40] + bytes([raw[40] ^ 1]) + raw[41:], "home")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": "other"}, "does not say that it is one"),
        ({"version": True}, "does not say that it is one"),
        ({"generation": 0}, "malformed"),
        ({"generation": "3"}, "malformed"),
        ({"previous": ["x"]}, "malformed"),
        ({"previous": ["12" * 20] * 65}, "malformed"),
        ({"sync_id": "f" * 26}, "another sync's"),
        ({"surprise": 1}, "malformed"),
        ({"written_at": "yesterday"}, "malformed"),
        ({"segments": [json.loads(SEGMENT.model_dump_json())] * 2}, "malformed"),
        ({"segments": [json.loads(SEGMENT.model_dump_json()) | {"chunks": 3}]}, "malformed"),
        ({"segments": [json.loads(SEGMENT.model_dump_json()) | {"head": 300_001}]}, "malformed"),
        ({"segments": [json.loads(SEGMENT.model_dump_json()) | {"id": "../../../etc/passwd"}]}, "malformed"),
    ],
)
def test_what_no_manifest_says(change, told):
    """Whoever has the key and writes nonsense is refused in one line."""
    values = json.loads(MANIFEST.encode()) | change
    raw = seal(KEY.manifest(), json.dumps(values).encode().ljust(4096))
    with pytest.raises(SyncTampered, match=told):
        open_manifest(KEY, raw, "home")


def test_a_newer_version_is_told_as_such():
    """A manifest of a later version asks for an update, and is not called damaged."""
    values = json.loads(MANIFEST.encode()) | {"version": 2}
    raw = seal(KEY.manifest(), json.dumps(values).encode().ljust(1024))
    with pytest.raises(UnknownSyncVersion, match="Update superqode"):
        open_manifest(KEY, raw, "home")
