"""Promises for any text: redacting twice is redacting once, what stands around stays, and time grows with the text."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import entries, json_values, texts
from superqode.session.redaction import find

from .planted_secrets import CARRIED, SECRETS

_GLUE = (
    "", " ", "\n", '"', "'", "\\n", '\\"', "=", ": ", "://", ":", "@", "password=", 'password: "', '"token": "', ";",
    "api_key=", "Cookie: sid=", "Authorization: Bearer ", "--password ", "curl -u a:", "login bob password ", "中", "é",
    "\ud800", "\udfff", "export TOKEN=", "[REDACTED:x:00000000]", "[REDACTED:", "-----BEGIN PRIVATE KEY-----\n", "x",
    "-----END PRIVATE KEY-----", "a1", "https://a:", "<", ">", "{", "}", "(", ")", "\x1c", "\x1a", "\0", "\\", "\\\\",
    ",", "key", "secret", "pass", "_", "-", ".", "/", "?", "&", "datadog ", '"auth":"', "\x1b[31m",
)  # fmt: skip
_secrets = st.sampled_from(sorted(SECRETS.values()))
_cut = st.builds(lambda secret, share: secret[: int(len(secret) * share)], _secrets, st.floats(0, 1))
_carried = st.sampled_from(sorted(text for text, _ in CARRIED.values()))
nasty = st.lists(st.one_of(st.sampled_from(_GLUE), _secrets, _cut, _carried, texts), max_size=12).map("".join)


def _replaced(text, masked):
    parts, last = [], 0
    for rule, mark, start, end in masked:
        assert last <= start < end <= len(text)
        parts += (text[last:start], f"[REDACTED:{rule}:{mark}]")
        last = end
    return "".join([*parts, text[last:]])


@given(nasty)
def test_only_the_secrets_change(redactor, text):
    """What was masked is told exactly, and every other character stays, lone surrogates too."""
    value, masked = redactor.text(text)
    assert value == _replaced(text, masked)
    assert (value is text) == (not masked)


@given(nasty)
def test_redacting_again_changes_nothing(redactor, text):
    """What was redacted has no more secrets."""
    once = redactor.text(text).value
    assert redactor.text(once) == (once, ())


@given(nasty, nasty, nasty)
def test_marks_stay_whatever_stands_around_them(redactor, before, text, after):
    """In another text, marks of an earlier redaction are not touched."""
    once, masked = redactor.text(text)
    again = redactor.text(f"{before} {once} {after}").value
    place = 0
    for rule, mark, _, _ in masked:
        place = again.index(f"[REDACTED:{rule}:{mark}]", place) + 1


@given(nasty, nasty)
def test_json_in_a_text_stays_json(redactor, one, two):
    """Masking secrets in JSON that stands in a text leaves its strings closed and its parts apart."""
    value = json.loads(redactor.text(json.dumps({"a": one, "b": [two, 7]})).value)
    assert (list(value), value["b"][1:]) == (["a", "b"], [7])


@given(nasty)
def test_finding_and_masking_agree(redactor, rules_cache, text):
    """`find` tells the places that `text` masks."""
    assert [(one.start, one.end, one.rule) for one in redactor.text(text).masked] == find(text, rules_cache=rules_cache)


@given(
    st.recursive(
        nasty | json_values, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(nasty, inner, max_size=3)
    )
)
def test_values_are_redacted_once_and_for_all(redactor, value):
    """A redacted value has no more secrets, is valid JSON still, and has as many parts as before."""
    once, masked = redactor.value(value)
    assert (once is value) == (not masked)
    again = redactor.value(once)
    assert (again.value, again.masked) == (once, ())
    assert _shape(once) == _shape(value)
    json.dumps(once)


def _shape(value):
    if isinstance(value, dict):
        return [_shape(item) for item in value.values()]
    if isinstance(value, list):
        return ["list", *map(_shape, value)]
    return "text" if isinstance(value, str) else value


@pytest.mark.parametrize("name", CARRIED)
def test_a_text_is_judged_alike_alone_and_in_a_value(redactor, name):
    """The same places are masked in a text, and in that text as part of an object or a list."""
    alone = redactor.text(CARRIED[name][0]).masked
    assert redactor.value({"content": CARRIED[name][0]}).masked == alone
    assert redactor.value([CARRIED[name][0]]).masked == alone
    assert redactor.value(CARRIED[name][0]).masked == alone


@given(entries)
def test_any_entry_can_be_redacted(redactor, entry):
    """Whatever an entry holds, its redaction is an entry of its kind with the same identity, and final."""
    once, masked = redactor.entry(entry)
    assert (type(once), once.id, once.timestamp) == (type(entry), entry.id, entry.timestamp)
    assert (once is entry) == (not masked)
    assert redactor.entry(once) == (once, ())


HOSTILE = {
    "one-letter": "a", "quotes": '"', "single-quotes": "'", "backslashes": "\\", "escaped-quotes": '\\"', "nul": "\0",
    "braces": '{"a":', "brackets": "[", "surrogates": "\ud800", "accents": "é", "digits": "0", "newlines": "\n",
    "password": "password=", "password-quote": 'password="', "password-typed": "password: a = ", "key": "api_key=",
    "urls": "https://a:b", "userinfo": "http://a:b@", "keys": "-----BEGIN RSA PRIVATE KEY-----\n", "jwt": "eyJhbGciOi.",
    "cookies": "cookie: a=b;", "headers": "authorization: bearer ", "curl": "curl -u a:", "marks": "[REDACTED:x:00000000]",
    "half-marks": "[REDACTED:", "flags": "--password ", "netrc": "login x password ", "base64": "QUJD+/", "words": "x-" * 30,
    "tokens": "ghp_" + "a1" * 18, "token-words": "ghp_" + "a1" * 18 + " ", "sql": "identified by '", "cjk": "中password=",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_time_grows_with_the_text_alone(rules_cache, name):
    """A megabyte of anything, in one line or many, takes seconds at the very most; quadratic time would be hours."""
    unit = HOSTILE[name]
    find("made ready beforehand", rules_cache=rules_cache)
    started = time.process_time()
    find(unit * (1_000_000 // len(unit)), rules_cache=rules_cache)
    assert time.process_time() - started < 20


@pytest.mark.parametrize(
    "unit", [pytest.param("a", id="letter"), pytest.param('"', id="quote"), pytest.param(" ", id="blank")]
)
def test_a_line_of_ten_megabytes_is_read(rules_cache, unit):
    """It is neither skipped nor slow: the secret at its end is found."""
    secret = SECRETS["npm"]
    started = time.process_time()
    (found,) = find(unit * 10_000_000 + " " + secret, rules_cache=rules_cache)
    assert time.process_time() - started < 20
    assert found.start == 10_000_001


def test_a_minified_line_is_read_to_its_end(rules_cache):
    """In a line of a megabyte of code every secret is found."""
    code = 'function a(b,c){return b.token===c?"x":d[e].password}var key="value",f=g||{};'
    line = code * 6_500 + f'api_key="{SECRETS["export"]}";' + code * 6_500 + f'fetch("{CARRIED["url"][0]}")'
    assert len(line) > 1_000_000
    assert [line[start:end] for start, end, _ in find(line, rules_cache=rules_cache)] == [
        SECRETS["export"],
        SECRETS["url"],
    ]


def test_deep_values_are_read(redactor):
    """Two hundred levels of objects hide nothing."""
    value = {"password": "hunter2!x"}
    for _ in range(199):
        value = {"a": value}
    assert "hunter2" not in json.dumps(redactor.value(value).value)
