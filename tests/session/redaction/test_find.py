"""Secrets that are found: tokens of vendors, private keys, and what an assignment or a header tells."""

from __future__ import annotations

import json
import re

import pytest

from superqode.session.redaction import RULES

from .planted_secrets import CARRIED, VENDORS


@pytest.mark.parametrize("name", VENDORS)
def test_a_vendors_secret_is_found_wherever_it_stands(found, name):
    """The whole secret and nothing else, in prose, in quotes, at either end of a text, and in a diff."""
    secret = VENDORS[name]
    for before, after in (("", ""), ("I saw ", " in the log.\n"), ('x = "', '"\n'), ("a\n+", "\nb"), ("`", "`, then")):
        assert [text for text, _ in found(f"{before}{secret}{after}")] == [secret], (before, after)


@pytest.mark.parametrize("name", CARRIED)
def test_what_carries_a_secret_tells_it(found, name):
    """The secret alone is found, and not the name or the address beside it."""
    text, secret = CARRIED[name]
    assert [taken for taken, _ in found(text)] == [secret]
    assert [taken for taken, _ in found(f"I ran this:\n{text}\nand it worked\n")] == [secret]


@pytest.mark.parametrize("name", [*VENDORS, *CARRIED])
def test_json_in_a_text_hides_nothing(found, name):
    """A text is read alike when it stands escaped in JSON, and when that JSON stands in JSON."""
    text, secret = CARRIED.get(name) or (f"see\n{VENDORS[name]}\nhere", VENDORS[name])
    for _ in range(2):
        text, secret = json.dumps({"content": text}), json.dumps(secret)[1:-1]
        assert [taken for taken, _ in found(text)] == [secret]


def test_several_secrets_are_found_in_order(found):
    """Each has its own place, however close they stand."""
    one, two = VENDORS["github-classic"], VENDORS["stripe-live"]
    assert [text for text, _ in found(f"{one},{two} {one}")] == [one, two, one]


@pytest.mark.parametrize("length", [100, 400])
def test_a_private_key_that_was_cut_off_is_found_as_far_as_it_goes(found, length):
    """Lines of a key without its END are taken out, the text behind them is not."""
    cut = VENDORS["rsa-key"][:length]
    assert [text for text, _ in found(f"head -c {length} key.pem\n{cut}\n\nThat is all there is.")] == [cut]


def test_a_private_key_is_found_in_any_frame(found):
    """Whole, though each line has a log's time before it, a diff's sign, or quotes and a comma around."""
    for frame in ("2026-11-22 10:00:00 app: {}", "+{}", '    "{}\\n" +', "> {}"):
        framed = "\n".join(frame.format(line) for line in VENDORS["pkcs8-key"].split("\n"))
        start, end = framed.index("-----BEGIN"), framed.rindex("-----") + 5
        assert [text for text, _ in found(f"say\n{framed}\nso")] == [framed[start:end]], frame


def test_an_end_in_another_string_closes_no_key(found):
    """A BEGIN without its key takes nothing of the strings behind it."""
    assert found('{"a": "-----BEGIN PRIVATE KEY-----", "b": "text between", "c": "-----END PRIVATE KEY-----"}') == []


def test_a_words_prefix_is_not_enough(found):
    """Words that begin as tokens do are words."""
    assert found("sk-learn-compatible-estimators-everywhere npm_config_registry_and_friends ghp_is_too_short") == []


def test_rules_have_short_names(found):
    """A rule's name fits the mark: letters, digits and hyphens, also where the library names it."""
    text = "\n".join([*VENDORS.values(), *(text for text, _ in CARRIED.values())])
    rules = {rule for _, rule in found(text)}
    assert len(rules) > 20
    assert all(re.fullmatch(r"[a-z0-9-]{1,64}", rule) for rule in rules)


def test_nothing_is_looked_for_but_literals_where_nothing_else_is_wanted(found):
    """`detect=False` finds the literals alone."""
    text = f"{VENDORS['npm']} and lollipop"
    assert found(text, detect=False, literals=("lollipop",)) == [("lollipop", "scrubbed")]


def test_verdicts_name_the_librarys_version():
    """Another version of the library is another version of the rules."""
    from importlib.metadata import version

    assert version("kingfisher-secret-scanner") in RULES
