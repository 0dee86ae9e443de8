"""Frozen JSON values, text and times: equal to what came, refusing to change, refusing what cannot be stored."""

import copy
import enum
import json
import pickle
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given

from strategies import json_values, moments, texts
from superqode.session.errors import InvalidEntry
from superqode.session.models import FrozenDict, FrozenList, freeze, thaw
from superqode.session.models.values import MAX_DEPTH, normal_text, to_utc


class _Colour(enum.StrEnum):
    RED = "red"


class _Level(enum.IntEnum):
    HIGH = 3


def _nested(depth):
    value = "bottom"
    for _ in range(depth):
        value = [value]
    return value


@given(json_values)
def test_frozen_values_are_what_they_were(value):
    """A frozen value equals the plain one, is JSON of the same text, and survives pickle, copy and deepcopy."""
    frozen = freeze(value)
    plain = json.loads(json.dumps(value))  # joins surrogate pairs, as JSON does

    assert frozen == plain
    assert json.dumps(frozen, sort_keys=True) == json.dumps(plain, sort_keys=True)
    pickled = pickle.loads(pickle.dumps(frozen))  # noqa: S301 - our own
    for twin in (pickled, copy.copy(frozen), copy.deepcopy(frozen)):
        assert twin == frozen
        assert type(twin) is type(frozen)


@given(json_values)
def test_thawed_values_are_plain_and_free(value):
    """Thawing gives plain dicts and lists that share nothing with the frozen value."""
    frozen = freeze({"value": value, "list": [1, {"deep": []}]})

    thawed = thaw(frozen)
    thawed["list"][1]["deep"].append("changed")
    thawed["new"] = 1

    assert type(thawed) is dict
    assert type(thawed["list"]) is list
    assert frozen["list"] == [1, {"deep": []}]
    assert "new" not in frozen


def _set(value):
    value["a"] = 2


def _delete(value):
    del value["a"]


def _merge(value):
    value |= {"b": 1}


@pytest.mark.parametrize(
    "change",
    [
        _set,
        _delete,
        _merge,
        lambda value: value.clear(),
        lambda value: value.pop("a"),
        lambda value: value.popitem(),
        lambda value: value.setdefault("b", 1),
        lambda value: value.update(b=1),
        lambda value: value.update({"b": 1}),
    ],
)
def test_frozen_dicts_refuse_every_change(change):
    """No method and no operator changes a frozen dict, and the error says how to get one that changes."""
    value = freeze({"a": 1})
    with pytest.raises(TypeError, match=r"make a copy with dict\(value\)"):
        change(value)
    assert value == {"a": 1}


def _set_item(value):
    value[0] = 9


def _set_slice(value):
    value[:] = []


def _delete_item(value):
    del value[0]


def _extend(value):
    value += [9]


def _repeat(value):
    value *= 2


@pytest.mark.parametrize(
    "change",
    [
        _set_item,
        _set_slice,
        _delete_item,
        _extend,
        _repeat,
        lambda value: value.append(9),
        lambda value: value.extend([9]),
        lambda value: value.insert(0, 9),
        lambda value: value.pop(),
        lambda value: value.remove(2),
        lambda value: value.clear(),
        lambda value: value.reverse(),
        lambda value: value.sort(),
    ],
)
def test_frozen_lists_refuse_every_change(change):
    """No method and no operator changes a frozen list, and the error says how to get one that changes."""
    value = freeze([2, 1])
    with pytest.raises(TypeError, match=r"make a copy with list\(value\)"):
        change(value)
    assert value == [2, 1]


def test_no_method_that_changes_is_forgotten():
    """Every method that dict and list have beyond reading is refused: a new Python brings none in unseen."""
    reading = {"copy", "count", "fromkeys", "get", "index", "items", "keys", "values"}
    for frozen, plain in ((FrozenDict, dict), (FrozenList, list)):
        changing = {name for name in vars(plain) if not name.startswith("_")} - reading
        assert all(getattr(frozen, name) is frozen._refuse for name in changing)


def test_copies_that_change_are_there():
    """`dict(value)`, `value.copy()` and `value | {...}` give values that one can edit."""
    for plain in (dict(freeze({"a": 1})), freeze({"a": 1}).copy(), freeze({"a": 1}) | {}):
        plain["b"] = 2
        assert plain == {"a": 1, "b": 2}
    plain = freeze([1]).copy()
    plain.append(2)
    assert plain == [*freeze([1]), 2]


def test_freezing_again_changes_nothing():
    """What is frozen stays what it is, and nothing inside a frozen value can be changed."""
    frozen = freeze({"a": [{"b": [1]}]})

    assert freeze(frozen) == frozen
    assert freeze([frozen]) == [frozen]
    assert type(frozen["a"][0]["b"]) is FrozenList


def test_subclasses_become_plain_values():
    """Enums, tuples and other subclasses are stored as the JSON value they are."""
    frozen = freeze({"colour": _Colour.RED, "level": _Level.HIGH, "pair": (1, 2)})

    assert frozen == {"colour": "red", "level": 3, "pair": [1, 2]}
    assert type(frozen["colour"]) is str
    assert type(frozen["level"]) is int


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (float("nan"), "nan is no JSON value"),
        (float("inf"), "inf is no JSON value"),
        (-float("inf"), "-inf is no JSON value"),
        ({"a": [float("nan")]}, "nan is no JSON value"),
        ({1: "a"}, "The key 1 is not text"),
        ({None: "a"}, "The key None is not text"),
        (b"bytes", "A bytes is no JSON value"),
        ({"a": {1, 2}}, "A set is no JSON value"),
        (object(), "A object is no JSON value"),
        (datetime(2026, 1, 1, tzinfo=UTC), "A datetime is no JSON value"),
        (10**4300, "more than 4,300 digits"),
        (-(10**4300), "more than 4,300 digits"),
        (_nested(MAX_DEPTH + 1), "more than 200 levels"),
        (_nested(100_000), "more than 200 levels"),
    ],
    ids=lambda value: str(value)[:20] if isinstance(value, str | float | bytes) else type(value).__name__,
)
def test_what_json_has_not_is_refused(value, told):
    """NaN, infinities, other types, keys that are not text, monstrous numbers and depths are refused with a reason."""
    with pytest.raises(InvalidEntry, match=told):
        freeze(value)


def test_the_deepest_value_is_written_and_read():
    """200 levels are fine, and Python's JSON reads them back."""
    deepest = freeze(_nested(MAX_DEPTH))

    assert json.loads(json.dumps(deepest)) == deepest


def test_the_longest_number_is_written_and_read():
    """4,300 digits are fine, and Python reads them back."""
    longest = freeze(10**4300 - 1)

    assert json.loads(json.dumps(longest)) == longest


def test_surrogate_pairs_are_joined_and_lone_ones_stay():
    """A pair that JSON cannot tell from its character becomes that character; half a pair stays what it is."""
    assert normal_text("a\ud83d\ude00b") == "a😀b"
    assert normal_text("\ud83d") == "\ud83d"
    assert normal_text("\ude00\ud83d") == "\ude00\ud83d"
    assert freeze(["\ud83d\ude00", {"\ud83d\ude00": 1}]) == ["😀", {"😀": 1}]


@given(texts)
def test_normal_text_is_what_json_reads_back(text):
    """Normal text comes through JSON's escapes unchanged; ordinary text is not touched."""
    assert json.loads(json.dumps(text)) == normal_text(text)
    assert normal_text(normal_text(text)) == normal_text(text)


def test_naive_times_are_local_times(monkeypatch):
    """A naive time is the machine's local time, as the old store wrote it."""
    import time

    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        naive = datetime(2026, 1, 1, 12, 0)  # noqa: DTZ001 - the point
        assert to_utc(naive) == datetime(2026, 1, 1, 6, 30, tzinfo=UTC)
    finally:
        monkeypatch.undo()
        time.tzset()


@given(moments)
def test_times_become_utc_and_stay_the_same_moment(moment):
    """Any aware time becomes the same moment in UTC, and UTC ones are not touched."""
    assert to_utc(moment) == moment
    assert to_utc(moment).tzinfo is UTC
    assert to_utc(to_utc(moment)) is to_utc(moment) or to_utc(moment).tzinfo is UTC


@pytest.mark.parametrize(
    "moment",
    [
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))),
    ],
)
def test_times_without_utc_are_refused(moment):
    """A time so far off that it has no UTC is refused with a reason."""
    with pytest.raises(InvalidEntry, match="cannot be told in UTC"):
        to_utc(moment)
