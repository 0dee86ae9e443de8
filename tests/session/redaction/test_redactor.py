"""Masking: marks that tell equal secrets and nothing else, values and entries that keep their shape."""

from __future__ import annotations

import hashlib
import hmac
import json
import pickle
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote

import pytest

from superqode.session.errors import InvalidEntry
from superqode.session.models import FrozenDict, FrozenList, Message, ToolExecution
from superqode.session.redaction import Redactor

from .conftest import KEY
from .planted_secrets import VENDORS

SECRET = VENDORS["github-classic"]
OTHER = VENDORS["stripe-live"]


def _mark(secret, key=KEY):
    bits = int.from_bytes(hmac.new(key, secret.encode(), hashlib.sha256).digest()[:5], "big")
    return "".join("0123456789abcdefghjkmnpqrstvwxyz"[bits >> shift & 31] for shift in range(35, -1, -5))


def test_a_mark_names_the_rule_and_the_secret(redactor):
    """`[REDACTED:<rule>:<mark>]`, the mark being 40 bits of HMAC-SHA256 in Crockford's base32."""
    text = f"push with {SECRET} please"
    value, masked = redactor.text(text)
    assert value == f"push with [REDACTED:{masked[0].rule}:{_mark(SECRET)}] please"
    assert [(one.mark, text[one.start : one.end]) for one in masked] == [(_mark(SECRET), SECRET)]


def test_equal_secrets_have_equal_marks_under_one_key(redactor, rules_cache):
    """The same secret is told again; another, or one under another key, has another mark."""
    marks = [one.mark for one in redactor.text(f"{SECRET} {OTHER} {SECRET}").masked]
    assert marks[0] == marks[2] != marks[1]
    assert Redactor(b"another", rules_cache=rules_cache).text(SECRET).masked[0].mark not in marks


def test_a_mark_is_the_same_wherever_the_secret_stood(redactor):
    """In text, behind a name, as a JSON value: one secret, one mark."""
    seen = (redactor.text(SECRET), redactor.text(f"token={SECRET}"), redactor.value({"password": SECRET}))
    assert {one.mark for told in seen for one in told.masked} == {_mark(SECRET)}


def test_what_holds_no_secret_is_the_very_same(redactor):
    """Text, value and entry come back as the objects they were."""
    text = "nothing to see " * 3
    value = {"a": [text, {"b": None}], "n": 1.5}
    entry = Message(role="user", content=text)
    assert redactor.text(text).value is text
    assert redactor.value(value).value is value
    assert redactor.entry(entry) == (entry, ())
    assert redactor.entry(entry).value is entry


def test_an_assignment_over_key_and_value_counts_as_one(redactor):
    """The key of an object tells that its text is a secret, whatever quotes it holds."""
    secrets = {"password": "hunter2!x", "api_key": "8s7df6sd87f6", "DB_PASSWORD": "a\"b'c9", "clientSecret": 'x9`"z8y7'}
    value, masked = redactor.value({"config": secrets, "name": "hunter2!x is not it"})
    assert list(value["config"]) == list(secrets)
    assert all(text.startswith("[REDACTED:") and text.endswith("]") for text in value["config"].values())
    assert value["name"] == "hunter2!x is not it"
    assert [one.mark for one in masked] == [_mark(secret) for secret in secrets.values()]


def test_a_lists_neighbours_are_a_command_line(redactor):
    """The word behind a flag that asks for a secret is one."""
    command = ["tool", "--token", "8s7df6sd87f6qw", "--level", "8s7df6sd87f6qw"]
    value, masked = redactor.value({"command": command})
    assert value["command"][:2] + value["command"][3:4] == ["tool", "--token", "--level"]
    assert [one.start for one in masked] == [0]
    assert value["command"][2] == f"[REDACTED:token:{_mark('8s7df6sd87f6qw')}]"


def test_keys_are_masked_and_never_lost(redactor):
    """A secret as a key is masked; keys that would be equal then stay apart."""
    first = redactor.value({SECRET: 1, "plain": 2}).value
    assert sorted(first.values()) == [1, 2]
    assert SECRET not in first
    (masked,) = [key for key in first if key != "plain"]
    both = redactor.value({masked: 1, SECRET: 2}).value
    assert sorted(both.values()) == [1, 2]


def test_places_are_those_in_the_string_that_held_it(redactor):
    """In a value, a place counts within its own string."""
    masked = redactor.value(["long before", {"k": f"see {SECRET}"}]).masked
    assert [(one.start, one.end) for one in masked] == [(4, 4 + len(SECRET))]


def test_values_keep_their_kinds_and_what_did_not_change(redactor):
    """Frozen stays frozen, and parts without secrets are the same objects."""
    same = FrozenDict(a=FrozenList([1, "x"]))
    value = redactor.value(FrozenDict(same=same, list=FrozenList([SECRET]))).value
    assert (type(value), type(value["list"])) == (FrozenDict, FrozenList)
    assert value["same"] is same


def test_values_too_deep_are_refused(redactor):
    """Two hundred levels are read, more are not ours."""

    def nested(levels):
        value = SECRET
        for _ in range(levels):
            value = [value]
        return value

    told = redactor.value(nested(200))
    assert SECRET not in json.dumps(told.value)
    with pytest.raises(InvalidEntry, match="200 levels"):
        redactor.value(nested(201))


def test_a_message_keeps_who_when_and_what_for(redactor):
    """Content, agent, calls and metadata are masked; id, role, time and call id stay."""
    arguments = json.dumps({"command": f"curl -H 'Authorization: Bearer {OTHER}' x"})
    message = Message(
        role="assistant",
        content=f"I use {SECRET}",
        agent_name=f"agent {SECRET}",
        tool_calls=[{"id": "call_1", "function": {"name": "bash", "arguments": arguments}}],
        tool_call_id="call_0",
        metadata={"env": {"GITHUB_TOKEN": SECRET}},
    )
    value, masked = redactor.entry(message)
    assert type(value) is Message
    assert (value.id, value.role, value.timestamp, value.tool_call_id) == (
        message.id,
        message.role,
        message.timestamp,
        "call_0",
    )
    assert SECRET not in str(value.to_dict())
    assert OTHER not in str(value.to_dict())
    assert json.loads(value.tool_calls[0]["function"]["arguments"])["command"].startswith(
        "curl -H 'Authorization: Bearer ["
    )
    assert {one.mark for one in masked} == {_mark(SECRET), _mark(OTHER)}
    assert Message.model_validate(value.to_dict()) == value
    assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301 - our own


def test_an_execution_keeps_its_tool_and_outcome(redactor):
    """Arguments, result and metadata are masked; tool, success, duration and id stay; values are frozen still."""
    execution = ToolExecution(
        tool_name="bash", arguments={"password": "hunter2!x"}, result=f"ok {SECRET}", success=True, duration_ms=5
    )
    value, masked = redactor.entry(execution)
    assert (value.id, value.tool_name, value.success, value.duration_ms, value.timestamp) == (
        execution.id,
        "bash",
        True,
        5,
        execution.timestamp,
    )
    assert value.result == f"ok [REDACTED:{masked[1].rule}:{_mark(SECRET)}]"
    assert value.arguments == {"password": f"[REDACTED:password:{_mark('hunter2!x')}]"}
    with pytest.raises(TypeError):
        value.arguments["x"] = 1


LITERAL = 'lolli"pop\\Ü7/x'


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(LITERAL, id="exact"),
        pytest.param(json.dumps(LITERAL)[1:-1], id="json-ascii"),
        pytest.param(json.dumps(LITERAL, ensure_ascii=False)[1:-1], id="json"),
        pytest.param(json.dumps(json.dumps(LITERAL))[3:-3], id="json-in-json"),
        pytest.param(quote(LITERAL, safe=""), id="url"),
    ],
)
def test_a_literal_is_taken_out_in_every_form(form):
    """Scrubbing finds the literal as it is, in JSON, in JSON in JSON, and in a URL; always under its own mark."""
    redactor = Redactor(KEY, literals=(LITERAL, "unused"), detect=False)
    value, masked = redactor.text(f"a{form}b")
    assert value == f"a[REDACTED:scrubbed:{_mark(LITERAL)}]b"
    assert (masked[0].start, masked[0].end) == (1, 1 + len(form))


@pytest.mark.parametrize("before", ["", "x", "xy"])
def test_a_literal_does_not_hide_in_base64(before):
    """Of base64 that holds a literal, what tells it is taken out, wherever the literal begins."""
    literal = "correct-horse-battery"
    for encode in (b64encode, urlsafe_b64encode):
        text = encode(f"{before}{literal}{before}".encode()).decode()
        value, masked = Redactor(KEY, literals=(literal,), detect=False).text(text)
        assert masked
        assert len(value) - len("[REDACTED:scrubbed:00000000]") <= 8 + 2 * len(before)


def test_literals_of_nothing_take_out_nothing():
    """An empty literal is everywhere, so it is none."""
    text = "a  b"
    assert Redactor(KEY, literals=("", "  "), detect=False).text(text) == (text, ())


def test_a_literal_is_never_taken_out_of_a_mark():
    """A literal that is part of the marks' own text leaves them whole."""
    once = Redactor(KEY, literals=("hunter2",), detect=False).text("it is hunter2").value
    assert Redactor(KEY, literals=("REDACTED", "scrubbed"), detect=False).text(once) == (once, ())


def test_a_fingerprint_names_what_verdicts_depend_on():
    """Another key, another literal, or no detection: another fingerprint; the order of literals says nothing."""
    prints = [
        Redactor(KEY).fingerprint,
        Redactor(b"other").fingerprint,
        Redactor(KEY, detect=False).fingerprint,
        Redactor(KEY, literals=("hunter2",)).fingerprint,
        Redactor(b"other", literals=("hunter2",)).fingerprint,
    ]
    assert len(set(prints)) == len(prints)
    assert Redactor(KEY, literals=("a", "b")).fingerprint == Redactor(KEY, literals=("b", "a", "b")).fingerprint


def test_a_fingerprint_reveals_nothing():
    """Neither key nor literal can be read, or tried out without the key."""
    told = Redactor(KEY, literals=("hunter2",)).fingerprint
    assert "hunter2" not in told
    assert KEY.hex() not in told
    guesses = (hashlib.sha256(b"hunter2").hexdigest(), hmac.new(KEY, b"hunter2", "sha256").hexdigest())
    assert not any(told in guess or guess[:16] in told for guess in guesses)
