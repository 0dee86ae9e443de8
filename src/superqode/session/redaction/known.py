"""What only looks like a secret, and what does not: judging a value that stands where a secret could.

Kept are placeholders, code, names of variables, object ids, digests, UUIDs, our own ids, paths and URLs.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

__all__ = ["Kind", "is_digest", "is_example", "is_passphrase", "is_placeholder", "is_secret"]


class Kind(Enum):
    """What the name beside a value promises."""

    PASSWORD = "password"  # noqa: S105 - people choose them: words with a digit count
    KEY = "key"
    """Named as a secret beyond doubt: `api_key`, `client_secret`, `access_token`."""
    TOKEN = "token"  # noqa: S105 - may as well be a word of a parser, or a counter
    """A name that has other uses: `token`."""


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Words of which one alone says that the value stands for another.
_STAND_IN: Final = _listed(
    """
    your yours example examples sample dummy fake mock placeholder changeme change replace replaceme insert redacted
    masked hidden removed omitted todo tbd fixme goes here lorem ipsum undefined null none nil true false nan required
    optional default unset unknown notset empty hint invalid
    """
)
# Words that say what a secret is instead of being one: where there are no others, there is no secret.
_DESCRIBING: Final = _listed(
    """
    my the a an some any new old this that is not no and or of for to from in on with by get set use user username
    users name names admin root test tests testing tester login pass password passwords passwd passphrase pwd secret
    secrets token tokens key keys api apikey access auth authorization bearer basic oauth oauth2 jwt client server
    service session id ids string str text bytes int integer number boolean bool any object array list dict type value
    values field input output hash hashed encrypted plain plaintext raw env environ environment variable var config
    settings param params props self args kwargs options opts data body request response result header headers cookie
    public private shared github gitlab slack openai anthropic google aws azure npm pypi db database mysql postgres
    redis mongo smtp host port url uri file path prod production dev development staging local localhost identifier
    keyword operator punctuation comment whitespace newline eof word words literal symbol char minimal valid wrong
    incorrect missing expired confirm current reset forgot enter show hide repeat again must should please
    need needs see below above provided via prompt ask yes off only also abc foo bar baz foobar protected secure
    """
)
_WORDS: Final = re.compile(r"[A-Za-z]+")
_WHOLE_WORDS: Final = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]+(?![A-Za-z0-9])")
_CHANGE_ME: Final = re.compile(r"change_?-?me[0-9!]*", re.IGNORECASE)
_PHRASE: Final = re.compile(r"[a-z]{3,}(?:[ -][a-z]{3,}){3,}")
_CAMEL: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_ELLIPSIS: Final = re.compile(r"\.\.\.|\u2026|\*\*\*|\[\w+\]|x{4,}", re.IGNORECASE)
_TEMPLATE: Final = re.compile(
    r"^\$\$?[A-Za-z_]\w*$|\$[A-Z][A-Z_]{2,}|\$\{|\$\(|\{\{|\{[\w.!:\[\]'\"()-]*\}|<[^<>]*>|%[sdr](?!\w)|%\(\w|%[A-Za-z_]{2,}%|#\{"
)

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_HEX: Final = re.compile(
    r"(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{56}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})", re.IGNORECASE
)
_INTEGRITY: Final = re.compile(
    r"(?:sha[0-9]{1,3}|md5|blake[23][bs]?|h1|crc32|git)[-:][A-Za-z0-9+/=_:-]+", re.IGNORECASE
)
# Ours, and those that agents and their models give to calls, messages and answers.
_OWN_ID: Final = re.compile(
    r"(?:snap-)?[0-9]{8}-[0-9]{6}-[0-9a-z]{5,8}|(?:msg|call|toolu|run|resp|fc|rs|req|chatcmpl|ses|prt)[-_][0-9A-Za-z]{8,}"
)
_VARIABLE_NAME: Final = re.compile(r"_*[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
# The end of a class's or variable's name, whatever digits it has: `Ed25519PrivateKey`.
_NAMED: Final = re.compile(
    r"(?:[a-z0-9]|\b)(?:Key|Token|Secret|Password|Credential|Type|Class|Provider|Config|Param)(?:s|Types?)?$"
)
_SECRET_WORDS: Final = _listed("password passwd passphrase secret token key credential credentials")
# Stand in examples of URLs as often as `user` does.
_EXAMPLE_PASSWORDS: Final = _listed("password passwd pass pwd pw secret token key apikey x")
_IDENTIFIER: Final = re.compile(r"[A-Za-z_]\w*")
_CHAIN: Final = re.compile(r"[&*!@]*[A-Za-z_]\w*[?!]?(?:(?:\??\.|->|::)[A-Za-z_]\w*[?!]?)+")
_PATH: Final = re.compile(
    r"(?:~|\.{1,2}|[A-Za-z]:)?[/\\][\w.@ -]+(?:[/\\][\w.@ -]*)*"
    r"|[\w-]+(?:/[\w.-]+)*\.(?:pem|key|json|txt|ya?ml|env|py|ts|js|toml|crt|cfg|ini|md)"
)
_NUMBER: Final = re.compile(r"[-+]?[0-9][0-9.,:_eExX/-]*")
_CALLS: Final = frozenset("()[]{}")
_CODE: Final = _CALLS | frozenset("<>|")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.]+Z?)?")


def is_digest(value: str) -> bool:
    """Whether it is an object id, a digest, an integrity string, a UUID or an id of ours or of an agent."""
    return any(shape.fullmatch(value) for shape in (_HEX, _UUID, _INTEGRITY, _OWN_ID))


def is_placeholder(value: str) -> bool:
    """Whether the value says itself that another belongs there."""
    if len(set(value)) <= 2 or _ELLIPSIS.search(value) or _TEMPLATE.search(value) or _CHANGE_ME.fullmatch(value):
        return True
    words = [word.lower() for part in _WHOLE_WORDS.findall(value) for word in _CAMEL.findall(part)]
    return not _STAND_IN.isdisjoint(words)


def is_example(password: str) -> bool:
    """Whether a URL's password is one of documentation."""
    return password.lower() in _EXAMPLE_PASSWORDS or is_placeholder(password)


def is_passphrase(value: str) -> bool:
    """Whether it is four words or more that do not speak of passphrases."""
    words = set(value.replace("-", " ").split())
    return _PHRASE.fullmatch(value) is not None and words.isdisjoint(_DESCRIBING | _STAND_IN)


def is_secret(value: str, kind: Kind, *, quoted: bool, literal: bool = False) -> bool:
    """Whether a value that stands beside a telling name is a secret, or plausibly one.

    Args:
        value: without quotes.
        kind: what the name promises.
        quoted: whether it stood in quotes, as a string of some language does.
        literal: where it stood, values are not names of variables: in the shell, in `.env`, after a flag.
    """
    if is_placeholder(value) or _names_something(value) or (not quoted and _is_code(value, literal=literal)):
        return False
    if kind is Kind.PASSWORD:
        return _is_password(value, quoted=quoted, literal=literal)
    if len(value) < 8 or any(character.isspace() for character in value):
        return False
    if is_digest(value):
        return kind is Kind.KEY and not (_INTEGRITY.fullmatch(value) or _OWN_ID.fullmatch(value))
    return _is_random(value, quoted=quoted, sure=kind is Kind.KEY)


def _names_something(value: str) -> bool:
    """Whether it is a variable's name, a path, a URL or a date."""
    return bool(
        _VARIABLE_NAME.fullmatch(value)
        or "://" in value
        or value.startswith(("data:", "arn:", "urn:"))
        or (_PATH.fullmatch(value) and not _looks_drawn(value))
        or _DATE.fullmatch(value)
    )


def _is_code(value: str, *, literal: bool) -> bool:
    """Whether an unquoted value is an expression, or a type."""
    if _NAMED.search(value[-20:]):
        return True
    if not (_CALLS if literal else _CODE).isdisjoint(value) or value.startswith(
        ("$", "%", "@", "#", "!", "*", "&", "\\", "`", "-", "=", "~")
    ):
        return True
    if _CHAIN.fullmatch(value):
        return not _looks_drawn(value)
    return not literal and _IDENTIFIER.fullmatch(value) is not None and not _looks_drawn(value)


def _is_password(value: str, *, quoted: bool, literal: bool) -> bool:
    if any(character.isspace() for character in value):
        return False
    if _OWN_ID.fullmatch(value) or _INTEGRITY.fullmatch(value):
        return False
    # `admin1234` is somebody's password, `my-secret-1` is not.
    if _describes(value) and not (value.isalnum() and any(map(str.isdigit, value))):
        return False
    if value.isalpha():
        return (quoted or literal) and len(value) >= 6 and _SECRET_WORDS.isdisjoint(_words(value))
    if _NUMBER.fullmatch(value):
        return (quoted or literal) and len(value) >= 4
    return len(value) >= 4


def _is_random(value: str, *, quoted: bool, sure: bool) -> bool:
    """Whether it was drawn rather than written: letters among digits, and not words with a number at the end."""
    if _NUMBER.fullmatch(value) or _describes(value):
        return False
    digits = sum(character.isdigit() for character in value)
    letters = sum(character.isalpha() for character in value)
    if not letters:
        return False
    if sure and digits:
        return True
    if digits:
        return _looks_drawn(value) or (len(value) >= 12 and digits >= 2 and not _describes(value))
    return quoted and sure and len(value) >= 16 and not re.search(r"[ _./:-]", value)


def _looks_drawn(value: str) -> bool:
    """Whether letters and digits change often enough for nobody to have written it."""
    if len(value) < 12:
        return False
    changes = len(re.findall(r"[0-9](?=[A-Za-z])|[A-Za-z](?=[0-9])|[a-z](?=[A-Z])", value))
    return changes >= max(4, len(value) // 8) and any(character.isdigit() for character in value)


def _describes(value: str) -> bool:
    """Whether all its words say what a secret is: `my-secret-token`, `dbPassword`, `test_key_1`."""
    words = _words(value)
    digits = sum(character.isdigit() for character in value)
    return bool(words) and digits <= 4 and all(word in _DESCRIBING for word in words)


def _words(value: str) -> list[str]:
    return [word.lower() for part in _WORDS.findall(value) for word in _CAMEL.findall(part)]
