"""Key derivation: as documented, floors and caps before any work, and passwords as people type them."""

import hashlib
import hmac
import subprocess
import sys
import unicodedata
from dataclasses import replace

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from hypothesis import given
from hypothesis import strategies as st

from session.sharing.whole import CHEAP, LINK, PASSWORD, SECRET, SHARE_ID
from superqode.session.errors import InvalidShareConfig, KdfRefused
from superqode.session.sharing import kdf

SALT = b"s" * 16
KINDS = [kdf.Argon2(SALT), kdf.Scrypt(SALT), kdf.LinkOnly(SALT)]
NAMES = ["argon2id", "scrypt", "hkdf"]

REFUSED = [
    kdf.Argon2(SALT, memory_kib=19_455),
    kdf.Argon2(SALT, memory_kib=0),
    kdf.Argon2(SALT, iterations=1),
    kdf.Argon2(SALT, iterations=-1),
    kdf.Argon2(SALT, lanes=0),
    kdf.Argon2(SALT, memory_kib=1_048_577),
    kdf.Argon2(SALT, memory_kib=2**32),
    kdf.Argon2(SALT, memory_kib=10**3_000),
    kdf.Argon2(SALT, iterations=11),
    kdf.Argon2(SALT, lanes=17),
    kdf.Scrypt(SALT, n=2**16),
    kdf.Scrypt(SALT, n=0),
    kdf.Scrypt(SALT, n=2**21),
    kdf.Scrypt(SALT, n=2**17 + 1),
    kdf.Scrypt(SALT, n=3 * 2**17),
    kdf.Scrypt(SALT, n=2**4_000),
    kdf.Scrypt(SALT, r=7),
    kdf.Scrypt(SALT, r=9),
    kdf.Scrypt(SALT, p=0),
    kdf.Scrypt(SALT, p=5),
]
ALLOWED = [
    *KINDS,
    kdf.Argon2(SALT, memory_kib=19_456, iterations=2, lanes=1),
    kdf.Argon2(SALT, memory_kib=1_048_576, iterations=10, lanes=16),
    kdf.Scrypt(SALT, n=2**17, p=1),
    kdf.Scrypt(SALT, n=2**20, p=4),
]


def test_argon2id_is_as_documented():
    """Argon2id of the password, with the link secret as its secret value."""
    ours = CHEAP.derive(PASSWORD, SECRET)
    theirs = Argon2id(salt=CHEAP.salt, length=32, iterations=2, lanes=1, memory_cost=19_456, secret=SECRET)

    assert ours == theirs.derive(PASSWORD.encode())
    assert CHEAP.derive(PASSWORD, bytes(16)) != ours


def test_scrypt_is_as_documented():
    """The real scrypt of Python's hashlib, over an HMAC of the password under the link secret."""
    mixed = hmac.digest(SECRET, PASSWORD.encode(), "sha256")

    theirs = hashlib.scrypt(mixed, salt=SALT, n=2**17, r=8, p=1, maxmem=2**28, dklen=32)
    assert kdf.Scrypt(SALT).derive(PASSWORD, SECRET) == theirs


def test_the_link_alone_is_as_documented():
    """HKDF-SHA256 in its two steps (RFC 5869); a password changes nothing."""
    extracted = hmac.digest(LINK.salt, SECRET, "sha256")
    expanded = hmac.digest(extracted, b"superqode-share 1 link\x01", "sha256")

    assert LINK.derive(None, SECRET) == LINK.derive("x", SECRET) == expanded


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_parameters_are_read_again(kind):
    """What is written is read as the same, and passes its check."""
    again = kdf.from_json(kind.to_json(), SHARE_ID)

    assert again == kind
    again.check(SHARE_ID)


def test_parameters_are_written_as_documented():
    """The fields of FORMAT.md, with its defaults: 64 MiB, 3 passes, 4 lanes; 2^17, 8, 1."""
    salt = "c3Nzc3Nzc3Nzc3Nzc3Nzcw=="

    assert KINDS[0].to_json() == {
        "iterations": 3, "lanes": 4, "memory_kib": 65_536, "name": "argon2id", "salt": salt
    }  # fmt: skip
    assert KINDS[1].to_json() == {"n": 131_072, "name": "scrypt", "p": 1, "r": 8, "salt": salt}
    assert KINDS[2].to_json() == {"name": "hkdf", "salt": salt}


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_malformed_parameters_are_refused(kind):
    """A field that is missing, too many or of another type is a ValueError."""
    values = kind.to_json()
    for field in values:
        for wrong in (None, "x", True, 1.5, [], {}, "c3Nzc3Nzc3Nzc3Nzc3Nzcx=="):
            with pytest.raises((ValueError, KdfRefused)):
                kdf.from_json(values | {field: wrong}, SHARE_ID)
        with pytest.raises(ValueError):
            kdf.from_json({name: value for name, value in values.items() if name != field}, SHARE_ID)
    with pytest.raises(ValueError):
        kdf.from_json(values | {"x": 1}, SHARE_ID)


@pytest.mark.parametrize("value", [None, [], "argon2id", 1, {}, {"name": []}], ids=range(6))
def test_what_is_no_object_is_refused(value):
    """Whatever names no key derivation is a ValueError."""
    with pytest.raises(ValueError):
        kdf.from_json(value, SHARE_ID)


@pytest.mark.parametrize("name", ["pbkdf2", "argon2i", "Argon2id", "none", "\x1b[2J" * 1_000], ids=range(5))
def test_an_unknown_derivation_is_refused_and_named(name):
    """KdfRefused with its name, cut and quoted: it goes to a terminal."""
    with pytest.raises(KdfRefused) as caught:
        kdf.from_json(KINDS[2].to_json() | {"name": name}, SHARE_ID)
    assert len(str(caught.value)) < 400
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("kind", ALLOWED, ids=range(7))
def test_what_is_strong_and_affordable_is_accepted(kind):
    """The floors and caps themselves are allowed."""
    kind.check(SHARE_ID)


@pytest.mark.parametrize("kind", REFUSED, ids=range(20))
def test_weak_and_enormous_parameters_are_refused(kind):
    """KdfRefused says which number is wrong, in few words."""
    with pytest.raises(KdfRefused, match=r"Argon2id's|scrypt's") as caught:
        kind.check(SHARE_ID)
    assert len(str(caught.value)) < 300


_CHILD = """
import resource, time
from session.sharing.test_kdf import REFUSED
from session.sharing.whole import SECRET, SHARE_ID
from superqode.session.errors import KdfRefused
from superqode.session.sharing.keys import KeyFile, unwrap

files = [KeyFile(kind, bytes(105)).encode() for kind in REFUSED]
memory, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
for data in files:
    try:
        unwrap({0: data}, "password", SECRET, SHARE_ID)
    except KdfRefused:
        continue
    raise SystemExit("not refused")
spent = time.process_time() - started
print(spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory)
"""


def test_refusing_costs_nothing():
    """Twenty shares with weak or enormous parameters together take under 100 ms of computing and 50 MB."""
    done = subprocess.run(
        [sys.executable, "-c", _CHILD],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )

    seconds, memory = done.stdout.split()
    assert float(seconds) < 0.1
    assert int(memory) * (1 if sys.platform == "darwin" else 1024) < 50_000_000


def test_a_new_share_has_the_stronger_kdf():
    """Argon2id with a password, HKDF without, each with a salt of its own."""
    first, second = kdf.new_kdf(password=True), kdf.new_kdf(password=True)

    assert first == kdf.Argon2(first.salt)
    assert first.salt != second.salt
    assert isinstance(kdf.new_kdf(password=False), kdf.LinkOnly)


def test_without_argon2id_it_is_scrypt(monkeypatch):
    """Where OpenSSL has no Argon2id a password is stretched by scrypt, at the floor or above."""

    def unsupported(**_: object) -> None:
        raise UnsupportedAlgorithm("no Argon2id")

    monkeypatch.setattr(kdf, "Argon2id", unsupported)

    chosen = kdf.new_kdf(password=True)

    assert chosen == kdf.Scrypt(chosen.salt)
    chosen.check(SHARE_ID)
    assert isinstance(kdf.new_kdf(password=False), kdf.LinkOnly)


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("pass", b"pass"),
        (" pass ", b" pass "),
        ("e\u0301", "é".encode()),
        ("\ufb01\u2460", b"fi1"),
        ("密", "密".encode()),
    ],
    ids=["plain", "spaces", "composed", "compatible", "cjk"],
)
def test_passwords_are_normalised_and_not_trimmed(typed, normal):
    """The same password typed on another keyboard is the same; spaces belong to it."""
    assert kdf.normalise_password(typed) == normal


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_every_form_of_a_password_is_one(password):
    """Composed, decomposed and compatible forms give the same bytes."""
    forms = {kdf.normalise_password(unicodedata.normalize(form, password)) for form in ("NFC", "NFD", "NFKC", "NFKD")}

    assert len(forms) == 1


@pytest.mark.parametrize("password", [None, "", "\ud800", "a\udcff"], ids=["none", "empty", "surrogate", "byte"])
def test_no_password_is_no_password(password):
    """An empty one or bytes that are no text are refused, by each derivation that takes one."""
    with pytest.raises(InvalidShareConfig, match="password"):
        kdf.normalise_password(password)
    for kind in (CHEAP, replace(KINDS[1])):
        with pytest.raises(InvalidShareConfig, match="password"):
            kind.derive(password, SECRET)
