"""The page on what importers read is what they say and do."""

from __future__ import annotations

import re

import pytest

from readme.formats import PAGE, formats_page, own_words
from session.importers.truth import TRANSCRIPTS
from superqode.session.importers import make_importers


def test_every_importer_is_told_of() -> None:
    """Each importer of the registry has its section, with what it says of itself."""
    page = PAGE.read_text("utf-8")
    for importer in make_importers():
        assert f"## `{importer.name}`\n\n{own_words(importer)}\n" in page, "`python tests/readme` makes it anew"


@pytest.mark.skipif(not TRANSCRIPTS.is_dir(), reason="the recorded sessions are not beside this checkout")
def test_the_page_tells_what_becomes_of_recordings() -> None:
    """Every version, field and reason that the page names is found today; of more recordings there may be more."""
    told, seen = _claims(PAGE.read_text("utf-8")), _claims(formats_page())
    assert len(told) > 100
    assert sorted(told - seen) == [], "`python tests/readme` makes it anew"


def _claims(page: str) -> set[tuple[str, str, str]]:
    """What a page says in its lists: section, kind, and each thing named."""
    found: set[tuple[str, str, str]] = set()
    for section in page.split("\n## ")[1:]:
        name = section.partition("\n")[0]
        for kind, listed in re.findall(r"^- ([^:]+): (.*)\.$", section, re.MULTILINE):
            if not listed.startswith("none"):
                found.update((name, kind, one) for one in re.split(", |; ", listed))
    return found
