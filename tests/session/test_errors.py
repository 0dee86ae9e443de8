"""Errors: one tree, typed fields, the builtin people already catch, and messages that say what to do next."""

import inspect
import re

import pytest

from superqode.session import errors

CLASSES = [
    value
    for value in (getattr(errors, name) for name in errors.__all__)
    if inspect.isclass(value) and issubclass(value, errors.SessionError) and value is not errors.SessionError
]

EXAMPLES = [
    errors.InvalidSessionId("../x", "it has a slash"),
    errors.DuplicateEntry("s", "msg-1"),
    errors.SessionNotFound("s", ["s1", "s2"]),
    errors.SessionDeleted("s"),
    errors.SnapshotNotFound("s", "snap", ["one"]),
    errors.RevisionNotFound("s", "~9"),
    errors.AmbiguousId("s", [f"s{number}" for number in range(12)]),
    errors.UnrelatedSessions("s", "t"),
    errors.UnrelatedSessions("s", "t", clashes=2),
    errors.NothingToUndo("s"),
    errors.NothingToRedo("s"),
    errors.SessionExists("s"),
    errors.SessionExists.taken("s"),
    errors.UnknownRule("github", ["github-token"]),
    errors.CorruptSession("s", "it is torn", path="timeline/0000"),
    errors.NewerFormat("Session s", "2", 1),
    errors.CorruptObject("0" * 40, "it is torn"),
    errors.SaveFailed("s", "unknown", "the disk went away"),
    errors.StoreNotFound("/x"),
    errors.NotAStore("/x", "it is a song"),
    errors.UnsupportedStore("/x", "sha256", "Use another"),
    errors.StoreNotOwned("/x", 1, 2),
    errors.StoreUnwritable("/x", "no"),
    errors.StoreLocked("/x", 5.0),
    errors.RefConflict("refs/heads/x", None, "0" * 40),
    errors.StoreClosed(),
    errors.TranscriptError("x.jsonl", "it is torn"),
    errors.UnknownTranscript("x.jsonl"),
    errors.AcpMissing(),
    errors.AgentNotStarted("agent", "there is no such program"),
    errors.AgentDied("agent", 1, "no model"),
    errors.AgentTimedOut("agent", "answer", 5.0),
    errors.AgentProtocolError("agent", "a line of 1 GiB"),
    errors.AgentRefused("agent", "the prompt", -32000, "not logged in"),
    errors.NoDefaultRemote(),
    errors.NoDefaultRemote(["other", "team"]),
    errors.InvalidShareConfig("it has no password 9. See its list", "0123"),
    errors.GitMissing("Making a backup"),
    errors.GitFailed("bundle", 128, ""),
]


def test_the_docstring_draws_the_whole_tree():
    """The tree in the module's docstring names every class, and no other."""
    named = set(re.findall(r"\w+", errors.__doc__))
    drawn = re.findall(r"[├└]── (\w+)", errors.__doc__)

    assert {found.__name__ for found in CLASSES} <= named
    assert [name for name in drawn if not hasattr(errors, name)] == []


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (errors.InvalidSession, ValueError),
        (errors.NotFound, LookupError),
        (errors.SessionExists, ValueError),
        (errors.CorruptSession, ValueError),
        (errors.CorruptObject, ValueError),
        (errors.SaveFailed, OSError),
        (errors.StoreNotFound, FileNotFoundError),
        (errors.StoreNotOwned, PermissionError),
        (errors.StoreUnwritable, PermissionError),
        (errors.StoreLocked, TimeoutError),
        (errors.TranscriptError, ValueError),
    ],
)
def test_people_catch_the_builtin_they_know(error, builtin):
    """Code that catches Python's own error for the case catches ours too."""
    assert issubclass(error, builtin)
    assert issubclass(error, errors.SessionError)


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_a_message_is_one_sentence_or_more_and_names_its_thing(error):
    """Each message is one line, begins like a sentence, and holds no repr of an object."""
    text = str(error)

    assert text
    assert "\n" not in text
    assert not re.search(r"<[a-z.]+ object|None'", text)
    assert len(text) < 400


def test_fields_are_typed_and_hold_what_happened():
    """A program need not read the message: the fields say the same."""
    assert errors.SessionNotFound("s", ["s1"]).near == ("s1",)
    assert errors.CorruptSession("s", "torn", path="format").path == "format"
    assert errors.SaveFailed("s", "saved", "x").outcome == "saved"
    assert errors.RefConflict("r", "a", None).found is None
    assert errors.NewerFormat("Session s", "2", 1).known == 1
    assert errors.GitFailed("x", 128, "m").code == 128


def test_a_monstrous_id_is_cut_in_the_message():
    """A message about an id of a million characters stays short enough to print."""
    assert len(str(errors.InvalidSessionId("x" * 1_000_000, "it has 1000000 characters"))) < 300


@pytest.mark.parametrize("outcome", ["not saved", "saved", "unknown"])
def test_a_failed_save_says_which_it_was(outcome):
    """The three outcomes of a failed save read differently, and each says that trying again is safe."""
    texts = {str(errors.SaveFailed("s", other, "x")) for other in ("not saved", "saved", "unknown")}

    assert len(texts) == 3
    assert "Saving again is safe" in str(errors.SaveFailed("s", outcome, "x"))
