"""The keys that follow from a sync key, to the byte: other programs and later versions have to find the same."""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from superqode.session.sync.keys import SyncKey, new_key

KEY = SyncKey(bytes(range(32)))


def test_every_key_is_as_it_ever_was():
    """The bytes of version 1."""
    assert KEY.id == "920f7c040zf5tpqx6fsgpf6wyr"
    assert KEY.manifest().hex() == "799397184817a60ca9b250a21c3e87ed9f108f511d5fefb0df9d4da11f99ca49"
    assert KEY.moved().hex() == "66c8e8086c4921f0c83e67d54bfba6674653b088658fa99dad05806a40e1e898"
    chunk = KEY.chunk("0123456789abcdefghjkmnpqrs")(7, True)
    assert chunk.hex() == "f792f55b976c483020d021d8b754ef2f62324ed4267a8cda8a0585c78faf7898"
    assert KEY.header == b'{"chunk":261120,"format":"superqode-sync","id":"' + KEY.id.encode() + b'","version":1}\n'


def test_the_keys_are_what_the_page_says():
    """HKDF-SHA256 with the header's hash as salt and the infos of FORMAT.md."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(KEY.header)
    salt = digest.finalize()

    def derived(info: bytes, salt: bytes = salt) -> bytes:
        return HKDF(hashes.SHA256(), 32, salt, info).derive(KEY.secret)

    alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
    assert KEY.id == "".join(alphabet[byte % 32] for byte in derived(b"superqode-sync 1 id", b"")[:26])
    assert KEY.manifest() == derived(b"superqode-sync 1 manifest")
    assert KEY.moved() == derived(b"superqode-sync 1 moved")
    name = "0123456789abcdefghjkmnpqrs"
    for number, final in ((0, False), (7, True)):
        info = b"superqode-sync 1 chunk" + name.encode() + number.to_bytes(4, "big") + bytes([final])
        assert KEY.chunk(name)(number, final) == derived(info)


def test_keys_differ_and_do_not_show():
    """Two keys have nothing in common, and none gets into a log by its repr."""
    one, other = new_key(), new_key()
    assert one.id != other.id
    assert one.manifest() != other.manifest()
    assert one.secret.hex() not in repr(one)
    assert repr(one.secret) not in repr(one)
