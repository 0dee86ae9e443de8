"""What a rule or mark may be called: whatever a finding was called, and nothing else."""

from __future__ import annotations

import pytest

from superqode.session.errors import UnknownRule
from superqode.session.redaction import Redactor
from superqode.session.redaction.naming import check_named

from .planted_secrets import CARRIED, VENDORS


def test_whatever_found_something_can_be_named(rules_cache):
    """Of every planted secret its rule and its mark: no rule is missing from the names, ours or the library's."""
    redactor = Redactor(b"key", rules_cache=rules_cache)
    texts = [*VENDORS.values(), *(text for text, *_ in CARRIED.values())]
    found = {name for text in texts for masked in redactor.text(text).masked for name in (masked.rule, masked.mark)}
    assert len(found) > 80
    for name in found:
        check_named(name, rules_cache)


@pytest.mark.parametrize(
    ("named", "near"),
    [
        ("githb-token", "github-token"),
        ("PASSWORD", "password"),
        ("", None),
        ("12345678u", None),
        ("0000000o", None),
        ("\x1b[2J", None),
    ],
)
def test_what_is_neither_is_refused(rules_cache, named, near):
    """With the rules that look like it, and nothing raw."""
    with pytest.raises(UnknownRule) as caught:
        check_named(named, rules_cache)
    assert caught.value.named == named
    assert (near in caught.value.near) if near else not caught.value.near
    assert "\x1b" not in str(caught.value)
