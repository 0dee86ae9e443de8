"""A whole share in the hands of somebody who can write the remote: whatever they change, it does not open as another."""

import json

import pytest

from session.sharing.whole import CHEAP, LINK, PASSWORD, SECRET, seal_share
from superqode.session.errors import KdfRefused, PasswordRequired, ShareError, ShareTampered, WrongPassword
from superqode.session.sharing import header, kdf, keys

PLAIN = [bytes(range(256)) * 40, b"second segment" * 400]
SHARE = seal_share(PLAIN)
LOCKED = seal_share(PLAIN, locks=((CHEAP, PASSWORD),))
FOREIGN = seal_share(PLAIN, share_id="z" * 26)
# Another share of the same owner, if they took the same data key: the header still tells them apart.
TWIN = seal_share(PLAIN, share_id="y" * 26, data_key=SHARE.data_key)
AGAIN = seal_share([data[::-1] for data in PLAIN], data_key=SHARE.data_key)
FILES = sorted(SHARE.files)


def _refused(share, expected=ShareTampered):
    """It does not open, by an error of the kind expected that names the share."""
    with pytest.raises(expected) as caught:
        share.open()
    assert caught.value.share_id == share.share_id
    assert "Nothing was taken" in str(caught.value) or isinstance(caught.value, WrongPassword | ShareError)
    return caught.value


def test_untouched_shares_open():
    """By the link alone, or by link and password: every segment, byte for byte."""
    for share, password in ((SHARE, None), (LOCKED, PASSWORD), (FOREIGN, None), (TWIN, None)):
        copy = share.copy()
        copy.password = password
        manifest, opened = copy.open()
        assert opened == PLAIN
        assert manifest.tip == manifest.segments[-1].tip


@pytest.mark.parametrize("path", FILES, ids=str)
def test_every_region_of_every_file_is_protected(path):
    """One flipped bit anywhere is ShareTampered; only in a key's salt or wrapped key it looks like a wrong secret."""
    data = SHARE.files[path]
    places = range(len(data)) if len(data) < 1_000 else {*range(130), *range(0, len(data), 53), len(data) - 1}
    expected = (ShareTampered, WrongPassword) if path.startswith("keys/") else ShareError
    for place in places:
        copy = SHARE.copy()
        copy.files[path] = data[:place] + bytes([data[place] ^ (1 << place % 7)]) + data[place + 1 :]
        problem = _refused(copy, expected)
        assert path.startswith("keys/") or not isinstance(problem, WrongPassword)


def test_regions_of_a_password_s_key_file_are_protected():
    """The same where a password is stretched: refused by the right error, and the password never opens another key."""
    data = LOCKED.files["keys/0.json"]
    seen = set()
    for place in (0, *range(3, len(data), 29), len(data) - 1):
        copy = LOCKED.copy()
        copy.password = PASSWORD
        copy.files["keys/0.json"] = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        seen.add(type(_refused(copy, (ShareTampered, WrongPassword))))
    assert ShareTampered in seen
    assert WrongPassword in seen


@pytest.mark.parametrize("path", FILES, ids=str)
def test_cut_and_grown_files_are_refused(path):
    """Truncated at any of many places, emptied, grown or missing: ShareTampered, not another exception."""
    data = SHARE.files[path]
    sizes = {0, 1, 16, 57, 72, 73, len(data) // 2, len(data) - 32, len(data) - 16, len(data) - 1}
    for size in sizes:
        copy = SHARE.copy()
        copy.files[path] = data[:size]
        assert len(copy.files[path]) < len(data)
        _refused(copy)
    for more in (b"\0", b"\n", bytes(16), bytes(1024), data, bytes(2_000_000)):
        copy = SHARE.copy()
        copy.files[path] = data + more
        _refused(copy)


@pytest.mark.parametrize("path", [path for path in FILES if path != "share.json"], ids=str)
def test_missing_files_are_refused(path):
    """Any one file less is ShareTampered (without share.json there is no share to begin with)."""
    copy = SHARE.copy()
    del copy.files[path]
    _refused(copy)


@pytest.mark.parametrize("segment", [0, 1], ids=str)
def test_a_share_cut_at_any_chunk_is_refused(segment):
    """Dropping the last chunks of a segment leaves a tree that looks right, and is refused."""
    paths = sorted(path for path in FILES if path.startswith(f"segments/{segment}/"))
    for kept in range(1, len(paths)):
        copy = SHARE.copy()
        for path in paths[kept:]:
            del copy.files[path]
        assert "its manifest names" in str(_refused(copy))


def test_any_two_files_swapped_are_refused():
    """No file opens in another one's place."""
    for first in FILES:
        for second in FILES:
            if first < second:
                copy = SHARE.copy()
                copy.files[first], copy.files[second] = copy.files[second], copy.files[first]
                _refused(copy)


@pytest.mark.parametrize("other", [FOREIGN, TWIN, LOCKED, AGAIN], ids=["foreign", "same key", "same id", "same both"])
def test_files_of_another_share_are_refused(other):
    """Spliced in file by file, from a share with another id, another data key, or of another time under both."""
    for path in FILES:
        if other.files[path] == SHARE.files[path]:
            continue
        copy = SHARE.copy()
        copy.files[path] = other.files[path]
        if path == "keys/0.json" and other.data_key == SHARE.data_key:
            # The very key, wrapped for the very link once more: that changes nothing.
            assert copy.open()[1] == PLAIN
        else:
            _refused(copy, (ShareTampered, WrongPassword, PasswordRequired))


def test_more_files_are_refused():
    """A chunk or a segment that the manifest does not name, or any other file."""
    for path, source in (
        ("segments/0/000003", "segments/0/000002"),
        ("segments/2/000000", "segments/1/000000"),
        ("README.md", "share.json"),
        ("segments/x", "manifest"),
    ):
        copy = SHARE.copy()
        copy.files[path] = SHARE.files[source]
        _refused(copy)


def test_an_edited_header_is_refused():
    """Another length of chunks, though written as it must be, changes every key."""
    for chunk in (4097, 5120, header.CHUNK_MAX):
        copy = SHARE.copy()
        copy.files["share.json"] = header.Header(SHARE.share_id, chunk).encode()
        assert "its manifest does not open" in str(_refused(copy))


def test_weakened_parameters_are_refused():
    """Who asks for a cheaper or an enormous derivation gets nothing to try passwords on, and no memory."""
    values = json.loads(LOCKED.files["keys/0.json"])
    for change in ({"memory_kib": 8}, {"iterations": 1}, {"memory_kib": 2**40}, {"iterations": 10**9}):
        copy = LOCKED.copy()
        copy.password = PASSWORD
        changed = values | {"kdf": values["kdf"] | change}
        copy.files["keys/0.json"] = json.dumps(changed, sort_keys=True, separators=(",", ":")).encode() + b"\n"
        _refused(copy, KdfRefused)


def test_a_link_key_put_beside_a_password_opens_nothing():
    """Somebody without the data key can add a key file, and get another share's key into nobody's hands."""
    copy = LOCKED.copy()
    copy.files["keys/1.json"] = keys.wrap(bytes(32), LINK, None, SECRET)  # even if they knew the link
    assert "its manifest does not open" in str(_refused(copy))
    copy.files["keys/1.json"] = keys.wrap(bytes(32), LINK, None, bytes(16))
    _refused(copy, WrongPassword)


def test_a_wrong_password_is_not_damage():
    """A wrong password, none, and a damaged manifest under the right one are three errors."""
    for password, expected in ((None, PasswordRequired), ("wrong", WrongPassword)):
        copy = LOCKED.copy()
        copy.password = password
        assert type(_refused(copy, expected)) is expected
    copy = LOCKED.copy()
    copy.password = PASSWORD
    copy.files["manifest"] = SHARE.files["manifest"]
    assert type(_refused(copy)) is ShareTampered


def test_removing_a_password_keeps_the_others():
    """A key file less, and who has another one still opens; who had that one gets WrongPassword."""
    share = seal_share(PLAIN, locks=((CHEAP, PASSWORD), (kdf.Argon2(b"2" * 16, 2, 1, 19_456), "second")))
    del share.files["keys/0.json"]
    share.password = "second"
    assert share.open()[1] == PLAIN
    share.password = PASSWORD
    _refused(share, WrongPassword)
