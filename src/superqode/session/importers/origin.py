"""What an import says of its source: ids that depend on the source alone, a title, where it came from."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final

from superqode.session import ids
from superqode.session.errors import TranscriptError
from superqode.session.importers.base import Receipt, Source, sha256_of
from superqode.session.importers.spool import KeySet, key_of

__all__ = [
    "TITLE_MAX",
    "TITLE_SOURCE",
    "EntryIds",
    "derived_id",
    "digest_of",
    "provenance",
    "session_id_for",
    "title_of",
]

# The longest title made from a prompt, in characters.
TITLE_MAX: Final = 80
# Enough of a prompt to make a title of, in characters.
TITLE_SOURCE: Final = 1000
_ENTRY_ID_MAX: Final = 200
_DIGEST: Final = 20
_CONTROL: Final = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")


def _digest(*parts: str) -> str:
    joined = "\0".join(parts)
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]


def session_id_for(original: str, prefix: str = "") -> str:
    """Give the id a foreign session has here: its own behind the prefix, else a slug and a hash."""
    wanted = prefix + original
    if ids.is_session_id(wanted):
        return wanted
    return f"{prefix or 's-'}{ids.slugify(original, 'session')}-{_digest(original)}"


def title_of(prompt: str) -> str:
    """Make a title of a prompt: one line of at most 80 characters."""
    line = " ".join(_CONTROL.sub("", prompt[:TITLE_SOURCE]).split())
    return line if len(line) <= TITLE_MAX else line[: TITLE_MAX - 1].rstrip() + "…"


def derived_id(kind: str, *content: str) -> str:
    """Make the id that an entry without one gets from its content, where that is not taken."""
    return f"{kind}-{_digest(*content)}"


class EntryIds:
    """Ids of one session's entries: the source's own, else from the content; each is given once.

    The same entries in the same order get the same ids, so what is appended to a source changes none of them.

    Args:
        compact: there will be very many.
    """

    def __init__(self, *, compact: bool = False) -> None:
        # Keys take a tenth of the memory, which counts where there are hundreds of thousands.
        self._keys = KeySet() if compact else None
        self._taken: set[str] = set()
        self._repeats: dict[str, int] = {}

    def claim(self, wanted: str) -> str:
        """Take an id; where it is taken already, a second one made of it."""
        if len(wanted) > _ENTRY_ID_MAX:
            wanted = f"{wanted[:80]}-{_digest(wanted)}"
        chosen = wanted
        while not self._take(chosen):
            self._repeats[wanted] = self._repeats.get(wanted, 1) + 1
            chosen = f"{wanted}~{self._repeats[wanted]}"
        return chosen

    def _take(self, chosen: str) -> bool:
        """Take an id, unless it is taken already; says whether it was not."""
        if self._keys is not None:
            return self._keys.add(key_of(chosen))
        if chosen in self._taken:
            return False
        self._taken.add(chosen)
        return True

    def derive(self, kind: str, *content: str) -> str:
        """Make an id for an entry that has none, from its content."""
        return self.claim(derived_id(kind, *content))


def provenance(
    source: Source, digest: str, receipt: Receipt, *, importer: str, version: int, original_id: str, title: str
) -> dict[str, Any]:
    """Give `metadata["imported"]` as `Imported` describes it; take the digest before reading, for a file may grow."""
    return {
        "format": importer,
        "importer_version": version,
        "source_path": source.name,
        "source_sha256": digest,
        "source_session_id": original_id,
        "title": title,
        "receipt": receipt.to_dict(),
    }


def digest_of(source: Source) -> str:
    """Give the SHA-256 of a source.

    Raises:
        TranscriptError: it cannot be read.
    """
    try:
        return sha256_of(source)
    except OSError as problem:
        raise TranscriptError(source.name, f"it cannot be read ({problem.strerror or problem})") from problem
