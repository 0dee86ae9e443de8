"""Share ids, tokens and links: made here, and read here before anything of them gets near a ref or a key.

A token is `<id>` or, where the share is encrypted, `<id>.<link secret>`; a link is `<remote's URL>#<token>`.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import Final

from superqode.session import entropy
from superqode.session.errors import InvalidShareToken

__all__ = ["LINK_MAX", "SECRET_SIZE", "SHARE_ID", "ShareLink", "new_link_secret", "new_share_id", "parse_link"]

SHARE_ID: Final = re.compile(r"[0-9a-hjkmnp-tv-z]{26}")
SECRET_SIZE: Final = 16
# A remote's URL of 4,000 characters is nobody's; git itself stops at a few thousand.
LINK_MAX: Final = 4096

_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{22}")


@dataclass(frozen=True, slots=True)
class ShareLink:
    """What leads to a share, and opens it.

    Attributes:
        share_id: the share's id.
        secret: the link secret, 16 bytes; `None` where the share is public or the link was cut.
        remote: the URL of the remote it lies on, as it was given and unchecked; `None` where only a token was.
    """

    share_id: str
    secret: bytes | None = field(default=None, repr=False)
    remote: str | None = None

    @property
    def token(self) -> str:
        """The id and, where there is one, a dot and the link secret."""
        return self.share_id if self.secret is None else f"{self.share_id}.{_encode(self.secret)}"

    @property
    def url(self) -> str:
        """The remote's URL, `#` and the token; the token alone where no remote is known."""
        return self.token if self.remote is None else f"{self.remote}#{self.token}"


def new_share_id() -> str:
    """Make a share's id: 130 random bits as 26 characters of Crockford's base32."""
    return entropy.random_text(26)


def new_link_secret() -> bytes:
    """Make a link secret: 16 random bytes."""
    return entropy.random_bytes(SECRET_SIZE)


def parse_link(text: str) -> ShareLink:
    """Read a token, or a link that ends in one; space around it is of no account.

    Raises:
        InvalidShareToken: it is neither. Nothing but an id is ever shown of it: the rest may be the secret, or a
            password in the URL.
    """
    given = text.strip()
    if len(given) > LINK_MAX:
        raise InvalidShareToken("…", f"it has {len(given)} characters")
    remote, _, token = given.rpartition("#")
    share_id, dot, secret = token.partition(".")
    if not SHARE_ID.fullmatch(share_id):
        raise InvalidShareToken("…", "there is no share's id in it" if token else "there is nothing in it")
    return ShareLink(share_id, _decode(share_id, secret) if dot else None, remote or None)


def _encode(secret: bytes) -> str:
    return base64.urlsafe_b64encode(secret).rstrip(b"=").decode("ascii")


def _decode(share_id: str, text: str) -> bytes:
    if not _SECRET.fullmatch(text):
        raise InvalidShareToken(share_id, f"behind the dot belong 22 letters and digits, not {len(text)} characters")
    secret = base64.urlsafe_b64decode(text + "==")
    # Four bits of the last character mean nothing: only one spelling of a secret is accepted.
    if _encode(secret) != text:
        raise InvalidShareToken(share_id, "the part behind the dot was changed or cut")
    return secret
