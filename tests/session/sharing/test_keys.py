"""Key files: wrapped for one password each, tried in order, and what went wrong told apart."""

import hmac
import json
from dataclasses import replace

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from hypothesis import given, settings
from hypothesis import strategies as st

from session.sharing.whole import CHEAP, LINK, PASSWORD, SECRET, SHARE_ID
from superqode.session.errors import (
    InvalidShareConfig,
    KdfRefused,
    PasswordRequired,
    ShareError,
    ShareTampered,
    ShareTooLarge,
    UnknownShareVersion,
    WrongPassword,
)
from superqode.session.sharing import kdf, keys
from superqode.session.sharing.header import Header
from superqode.session.sharing.tokens import seal

DATA_KEY = bytes(range(100, 132))
LINKED = keys.wrap(DATA_KEY, LINK, None, SECRET)
LOCKED = keys.wrap(DATA_KEY, CHEAP, PASSWORD, SECRET)
OTHER = keys.wrap(DATA_KEY, replace(CHEAP, salt=b"o" * 16), "another", SECRET)


def _unwrap(files, password=None, secret=SECRET):
    return keys.unwrap(files, password, secret, SHARE_ID)


def test_each_password_opens_the_same_data_key():
    """The link alone, one password, another: whichever has a file gives the data key."""
    assert _unwrap({0: LINKED}) == DATA_KEY
    assert _unwrap({0: LOCKED}, PASSWORD) == DATA_KEY
    assert _unwrap({3: LOCKED, 9999: OTHER}, "another") == DATA_KEY
    assert _unwrap({0: LOCKED, 1: LINKED}) == DATA_KEY
    assert _unwrap({0: LINKED}, "one too many") == DATA_KEY


@settings(max_examples=8)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20), st.binary(min_size=16, max_size=16))
def test_any_password_and_secret_open_again(password, secret):
    """Whatever a data key was wrapped for gives it back."""
    assert keys.unwrap({0: keys.wrap(DATA_KEY, CHEAP, password, secret)}, password, secret, SHARE_ID) == DATA_KEY


def test_scrypt_opens_where_there_is_no_argon2id(monkeypatch):
    """The fall-back works from end to end, with the real scrypt and without Argon2id."""

    def unsupported(**_: object) -> None:
        raise UnsupportedAlgorithm("no Argon2id")

    monkeypatch.setattr(kdf, "Argon2id", unsupported)
    data = keys.wrap(DATA_KEY, kdf.new_kdf(password=True), PASSWORD, SECRET)

    assert json.loads(data)["kdf"]["name"] == "scrypt"
    assert _unwrap({0: LOCKED, 1: data}, PASSWORD) == DATA_KEY
    with pytest.raises(ShareError, match=r"its key takes Argon2id.*Update the package") as caught:
        _unwrap({0: LOCKED}, PASSWORD)
    assert not isinstance(caught.value, WrongPassword | ShareTampered)


def test_too_little_memory_is_told(monkeypatch):
    """A machine without the memory that a key takes says so, and does not call the password wrong."""

    def too_much(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(kdf, "Argon2id", too_much)
    with pytest.raises(ShareError, match="more memory than there is"):
        _unwrap({0: LOCKED}, PASSWORD)


@pytest.mark.parametrize(
    ("files", "password", "secret", "reason"),
    [
        ({0: LOCKED, 1: OTHER}, "wrong", SECRET, "the password is wrong"),
        ({0: LOCKED}, PASSWORD, bytes(16), "the password is wrong"),
        ({0: LOCKED}, "", SECRET, "the password is empty or no text"),
        ({0: LOCKED}, "\udcff", SECRET, "the password is empty or no text"),
        ({0: LINKED}, None, bytes(16), "the link's secret is not its own"),
        ({0: LINKED}, PASSWORD, bytes(16), "the link's secret is not its own"),
        ({0: LINKED, 1: LOCKED}, None, bytes(16), "the link's secret is not its own"),
        ({0: LINKED, 1: LOCKED}, PASSWORD, bytes(16), "the password is wrong"),
        ({0: LINKED}, None, None, "the link lacks its secret, the part behind the dot"),
        ({0: LOCKED}, PASSWORD, None, "the link lacks its secret, the part behind the dot"),
        ({0: LOCKED}, None, SECRET, "it needs a password, and none was given"),
    ],
    ids=range(11),
)
def test_a_wrong_password_is_told_from_a_wrong_link(files, password, secret, reason):
    """Each reason in its own words; PasswordRequired only where none was given and one is needed."""
    with pytest.raises(WrongPassword) as caught:
        _unwrap(files, password, secret)

    assert caught.value.reason == reason
    assert isinstance(caught.value, PasswordRequired) == (reason.startswith("it needs"))


def test_no_password_is_shown():
    """Neither errors nor the keys' repr tell the password or a key."""
    with pytest.raises(WrongPassword) as caught:
        _unwrap({0: LOCKED}, "hunter2")

    assert "hunter2" not in str(caught.value)
    assert repr(DATA_KEY) not in repr(keys.ContentKeys(DATA_KEY, Header(SHARE_ID)))


def test_an_empty_password_wraps_nothing():
    """A share that would open without its password is not made."""
    for password in (None, ""):
        with pytest.raises(InvalidShareConfig):
            keys.wrap(DATA_KEY, CHEAP, password, SECRET)


def test_a_key_file_is_as_documented():
    """Canonical JSON with three fields; the wrapped key is a token of 105 bytes."""
    values = json.loads(LINKED)

    assert json.dumps(values, separators=(",", ":"), sort_keys=True).encode() + b"\n" == LINKED
    assert set(values) == {"kdf", "version", "wrapped"}
    assert len(keys.decode_key_file(0, LINKED, SHARE_ID).wrapped) == 105


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}\n",
        b"[1]\n",
        LINKED[:-1],
        LINKED + b" ",
        LINKED.replace(b":", b": "),
        LINKED.replace(b'"version":1', b'"version":true'),
        LINKED.replace(b'"version":1', b'"version":1,"x":2'),
        LINKED.replace(b"==", b""),
        LINKED.replace(b'"wrapped":"', b'"wrapped":"AAAA'),
        LINKED.replace(b'"wrapped":', b'"wrapped":7,"wrapped":'),
        LINKED.replace(b'"name":"hkdf",', b""),
    ],
    ids=range(12),
)
def test_malformed_key_files_are_tampered_with(data):
    """Another spelling or shape is ShareTampered and names the file, whatever the password."""
    with pytest.raises(ShareTampered, match=r"keys/5\.json") as caught:
        _unwrap({5: data}, PASSWORD)
    assert len(str(caught.value)) < 400


def test_spare_bits_of_base64_are_not_passed_over():
    """A wrapped key or salt spelt another way is refused, though it stands for the same bytes."""
    salt = json.loads(LINKED)["kdf"]["salt"]
    with pytest.raises(ShareTampered):
        _unwrap({0: LINKED.replace(salt.encode(), (salt[:-3] + "B==").encode())})


def test_every_file_is_checked_before_the_first_derivation(monkeypatch):
    """One bad file among good ones is refused before a password is stretched for any."""

    def derive(*_: object) -> bytes:
        raise AssertionError("derived")

    for kind in (kdf.Argon2, kdf.Scrypt, kdf.LinkOnly):
        monkeypatch.setattr(kind, "derive", derive)
    costly = keys.KeyFile(kdf.Argon2(b"s" * 16, memory_kib=2**30), bytes(105)).encode()

    with pytest.raises(KdfRefused):
        _unwrap({0: LINKED, 1: LOCKED, 2: costly}, PASSWORD)
    with pytest.raises(ShareTampered):
        _unwrap({0: LINKED, 1: LOCKED, 2: b"{}\n"}, PASSWORD)
    with pytest.raises(UnknownShareVersion, match=r"2 in keys/2\.json"):
        _unwrap({0: LINKED, 2: LINKED.replace(b'"version":1', b'"version":2')})


def test_the_number_and_size_of_key_files_are_bounded():
    """Sixteen files of 4 KiB, and at least one."""
    assert _unwrap(dict.fromkeys(range(16), LINKED)) == DATA_KEY
    with pytest.raises(ShareTooLarge, match="17 keys"):
        _unwrap(dict.fromkeys(range(17), LINKED))
    with pytest.raises(ShareTooLarge, match="5000 bytes"):
        _unwrap({0: LINKED.ljust(5_000)})
    with pytest.raises(ShareTampered, match="it has no key"):
        _unwrap({})


def test_a_data_key_of_another_length_is_refused():
    """Somebody with link and password could wrap less than a key: not taken."""
    short = keys.KeyFile(LINK, seal(LINK.derive(None, SECRET), bytes(40))).encode()

    with pytest.raises(ShareTampered, match="40 bytes"):
        _unwrap({0: short})


def test_content_keys_are_as_documented():
    """HKDF in its two steps, with the header's hash as salt and the place in the info."""
    header = Header(SHARE_ID, 4096)
    content = keys.ContentKeys(DATA_KEY, header)
    extracted = hmac.digest(header.salt, DATA_KEY, "sha256")

    def expanded(info: bytes) -> bytes:
        return hmac.digest(extracted, info + b"\x01", "sha256")

    assert content.manifest() == expanded(b"superqode-share 1 manifest")
    assert content.chunk(1, 258, final=True) == expanded(b"superqode-share 1 chunk\0\0\0\x01\0\0\x01\x02\x01")
    assert content.chunk(1, 258, final=False) == expanded(b"superqode-share 1 chunk\0\0\0\x01\0\0\x01\x02\0")


def test_no_two_keys_are_the_same():
    """Another place, end, header or data key gives another key."""
    first = keys.ContentKeys(DATA_KEY, Header(SHARE_ID))
    others = [first, keys.ContentKeys(DATA_KEY, Header(SHARE_ID, 4096)), keys.ContentKeys(bytes(32), Header(SHARE_ID))]
    found = {content.manifest() for content in others}
    found |= {
        content.chunk(segment, chunk, final=final)
        for content in others
        for segment in (0, 1, 256)
        for chunk in (0, 1, 256)
        for final in (False, True)
    }

    assert len(found) == 3 * (1 + 3 * 3 * 2)
    assert keys.new_data_key() != keys.new_data_key()
