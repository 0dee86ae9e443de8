"""The detector library's compiled rules, made once a run."""

from __future__ import annotations

import pytest

from superqode.session.redaction import Redactor, find

KEY = bytes(range(32))


@pytest.fixture(scope="session")
def rules_cache(tmp_path_factory):
    """A private folder for the compiled rules."""
    return tmp_path_factory.mktemp("rules")


@pytest.fixture(scope="session")
def found(rules_cache):
    """`found(text)` gives what is masked there: texts with their rules."""

    def look(text, **options):
        places = find(text, rules_cache=rules_cache, **options)
        assert places == sorted(places)
        assert all(before.end <= after.start for before, after in zip(places, places[1:], strict=False))
        return [(text[start:end], rule) for start, end, rule in places]

    return look


@pytest.fixture(scope="session")
def redactor(rules_cache):
    """A redactor with a key of its own."""
    return Redactor(KEY, rules_cache=rules_cache)
