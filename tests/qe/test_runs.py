"""Runs in sessions: every step saved, read back as it was, from hostile sessions refused; compared by fingerprint."""

from __future__ import annotations

import contextlib

import hypothesis
import hypothesis.strategies as st
import pytest

from superqode.qe import QESession, Verdict, compare_runs, read_run
from superqode.qe.checks import Draft
from superqode.qe.faults import Places, findings_of
from superqode.qe.roles import ROLES, chosen_roles
from superqode.qe.runs import Outcome
from superqode.session import Session
from superqode.session.errors import NoAgent, NoQualityRun, UnknownRole
from superqode.session.models.findings import Finding
from superqode.session.models.severity import METADATA_KEY, Severity, found_severities

from .made import BAD, HOSTILE, WORSE, made_run


def test_a_run_is_read_as_it_was_written(store):
    """What roles did and found is in the session, and comes back from the store."""
    session = made_run(store, BAD, WORSE)
    run = read_run(store.load(session.id))
    assert (run.mode, run.fail_on, run.verdict, run.commit) == ("quick", Severity.MEDIUM, Verdict.FAILED, "1" * 40)
    assert [(role.role, role.outcome) for role in run.roles] == [
        ("lint_tester", "failed"),
        ("regression_tester", "skipped"),
    ]
    assert [finding.place for finding in run.findings] == ["tests/test_x.py:7", "src/a b.py:3"]
    assert run.roles[0].checks[0].command == (".venv/bin/ruff", "check")
    assert run.roles[0].duration_ms == 1500
    assert run.counts == {"high": 1, "medium": 1}
    assert session.title == "Quality of demo: failed, 1 high, 1 medium"
    assert session.tags == ["qe"]
    assert session.tool_executions[0].result == "said a.py"


@pytest.mark.parametrize("title", ["Quality of our API: a look", "Quality of project", "My work"])
def test_a_title_of_somebodys_own_stays(project, store, title):
    """A title that was given is kept to the letter, however much it looks like one of ours."""
    qe = QESession(project({"a.py": ""}), store=store, roles=["lint_tester"], title=title)
    qe.run()
    assert store.load(qe.session.id).title == title


def test_a_session_goes_on_under_its_title(project, store):
    """A run in a session that is there renames it only where a run named it, and then tells its own verdict."""
    folder = project({"a.py": "import os\n", "ruff.toml": ""})
    first = QESession(folder, store=store, roles=["lint_tester"])
    first.run()
    assert first.session.title == "Quality of project: failed, 1 medium"
    (folder / "a.py").write_text("", "utf-8")
    QESession(folder, store=store, roles=["lint_tester"], session_id=first.session.id).run()
    again = store.load(first.session.id)
    assert again.title == "Quality of project: passed"
    again.title = "Quality of project: much better"
    store.save(again)
    QESession(folder, store=store, roles=["lint_tester"], session_id=again.id).run()
    assert store.load(again.id).title == "Quality of project: much better"


def test_each_step_is_a_save(store):
    """Begin, check, a result for each role and the end: a killed run is there up to its last step."""
    session = made_run(store, BAD)
    assert [(record.messages_added, record.executions_added) for record in store.history(session.id)] == [
        *((1, 0), (1, 0), (1, 0), (0, 1), (1, 0))
    ]


def test_a_run_without_an_end_is_incomplete(store):
    """A run that was killed says what it found, and that it is incomplete, in listings too."""
    session = made_run(store, WORSE, finished=False)
    run = read_run(store.load(session.id))
    assert run.verdict is Verdict.INCOMPLETE
    assert [role.outcome for role in run.roles] == ["failed", "incomplete"]
    assert store.load(session.id).metadata[METADATA_KEY]["verdict"] == "incomplete"


def test_the_last_run_of_a_session_counts(store):
    """A session that goes on holds several runs; reading gives the last, and the summary is the last one's."""
    session = made_run(store, WORSE)
    made_run(store, session=session)
    assert read_run(store.load(session.id)).findings == []
    assert found_severities(store.load(session.id).metadata) == ()


def test_many_findings_come_back(store):
    """More findings than one message holds are in several, and all of them come back."""
    drafts = [Draft("R", Severity.LOW, f"number {letter}", identity=str(letter)) for letter in range(450)]
    session = made_run(store, *drafts)
    assert len(read_run(store.load(session.id)).findings) == 450
    assert all(len(message.metadata[METADATA_KEY].get("findings", ())) <= 200 for message in session.messages)


def test_sessions_are_found_by_severity(store):
    """A listing by severity has the runs that found as bad or worse, and follows what changes."""
    bad, worse = made_run(store, BAD), made_run(store, WORSE)
    store.save(Session(title="talk"))
    made_run(store)

    def listed(severity):
        return {summary.id for summary in store.list_sessions(finding=severity)}

    assert listed("critical") == set()
    assert listed("high") == {worse.id}
    assert listed("info") == listed(Severity.MEDIUM) == {bad.id, worse.id}
    made_run(store, session=worse)
    assert listed("info") == {bad.id}
    with pytest.raises(ValueError, match="awful"):
        store.list_sessions(finding="awful")


@pytest.mark.parametrize(
    "metadata",
    [{}, {"qe": 3}, {"qe": {"findings": []}}, {"qe": {"findings": {"high": "many", "low": -1, "x": 4}}}, {"qe": None}],
)
def test_odd_metadata_counts_nothing(store, metadata):
    """Metadata of other shapes, which others may have written, is no finding, and the listing goes on."""
    session = Session(metadata=metadata)
    store.save(session)
    assert found_severities(session.metadata) == ()
    assert store.list_sessions(finding="info") == []


def _begin(**told):
    session = Session()
    whole = {"kind": "begin", "mode": "quick", "fail_on": "high", "roles": ["lint_tester"]} | told
    session.add_message("system", "begin", metadata={METADATA_KEY: whole})
    return session


@pytest.mark.parametrize("told", [{"fail_on": "x"}, {"roles": 3}, {"fail_on": None}, {"roles": "lint_tester"}])
def test_a_beginning_of_no_sense_is_refused(told):
    """A session that says it holds a run, and does not, is refused with a reason."""
    with pytest.raises(NoQualityRun, match="cannot be read"):
        read_run(_begin(**told))


@pytest.mark.parametrize(
    "finding",
    [
        {"file": "../x"},
        {"file": "/etc/passwd"},
        {"severity": "awful"},
        {"line": -1},
        {"fingerprint": "x"},
        {"extra": 1},
        {"message": "x" * 5000},
        {"id": ""},
    ],
)
def test_hostile_findings_are_refused(finding):
    """A finding that leads out of the project, or is not as ours are, makes the run unreadable, not dangerous."""
    good = {"id": "f", "fingerprint": "0" * 32, "severity": "low", "role": "lint_tester", "rule": "R", "message": "m"}
    session = _begin()
    told = {"kind": "role", "role": "lint_tester", "outcome": "failed", "findings": [good | finding]}
    session.add_message("assistant", "found", metadata={METADATA_KEY: told})
    with pytest.raises(NoQualityRun):
        read_run(session)


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.sampled_from(["role", "end", "check", "lint_tester", "failed", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_KEYS = st.sampled_from(
    ["kind", "role", "outcome", "findings", "notes", "verdict", "unlisted", "exit_code", "tool", "ended"]
)


@hypothesis.given(told=st.lists(st.dictionaries(_KEYS, _VALUES), max_size=4))
def test_any_metadata_gives_a_run_or_is_refused(told):
    """Whatever stands in the entries of a run, reading gives a run or `NoQualityRun`, nothing else."""
    session = _begin()
    for one in told:
        session.add_message("assistant", "x", metadata={METADATA_KEY: one})
    with contextlib.suppress(NoQualityRun):
        assert read_run(session).verdict in Verdict


def test_fingerprints(tmp_path):
    """They stay when lines, numbers, addresses and sandboxes differ; equal faults of one file are told apart."""

    def printed(*drafts, home="one"):
        folder = tmp_path / home / "demo"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "a.py").write_text("import os\nimport os\nx = 1\n")
        found = findings_of(drafts, "lint_tester", "ruff", Places(folder, folder.parent))
        return [finding.fingerprint for finding in found]

    def draft(line, message="m", **other):
        return Draft("R", Severity.LOW, message, "a.py", line, **other)

    assert printed(draft(1)) == printed(draft(2)) != printed(draft(3))
    assert printed(draft(0, f"at {tmp_path}/one/demo/a.py 0x7f01 12")) == printed(
        draft(0, f"at {tmp_path}/two/demo/a.py 0x9 3"), home="two"
    )
    assert printed(draft(0, "a", identity="t")) == printed(draft(0, "b", identity="t"))
    assert len(set(printed(draft(1), draft(2), draft(2)))) == 3


def test_paths_are_tamed(tmp_path):
    """Absolute paths in the sandbox become relative, those outside become none, and long text is cut in its middle."""
    folder = tmp_path / "n"
    folder.mkdir()
    places = Places(folder, tmp_path)
    files = [f"{folder}/x/../a.py", "b.py", "/etc/passwd", "../c.py", "", "a\0b", "x" * 5000, str(folder)]
    assert [places.relative(file) for file in files] == ["a.py", "b.py", "", "", "", "", "", ""]
    assert places.plain(f"{folder}/a {folder} {folder}x {tmp_path}/node.xml") == f"a . {folder.name}x node.xml"
    [finding] = findings_of([Draft("R", Severity.LOW, "m" * 9000, evidence="e" * 9000)], "r", "t", places)
    assert len(finding.message) <= 2000
    assert "[…]" in finding.evidence


def test_places_that_cannot_be(tmp_path):
    """A name that no format can hold is no file, and a line that no file has is none; the fault is told all the same."""
    (tmp_path / "a.py").write_text("x = 1\n")
    places = Places(tmp_path, tmp_path.parent)
    files = ["a\ud800.py", "a\udcff.py", "a.py", "a.py", "a.py"]
    lines = [1, 1, 2**31, -1, 1]
    drafts = [Draft("R", Severity.LOW, "m", file, line) for file, line in zip(files, lines, strict=True)]
    found = findings_of(drafts, "r", "t\ud800", places)
    assert [(one.file, one.line) for one in found] == [("", 0), ("", 0), ("a.py", 0), ("a.py", 0), ("a.py", 1)]
    assert [one.message for one in found] == ["m"] * 5


def test_comparing(store):
    """What is new, fixed and still there; what nobody looked for this time is not fixed."""
    before, after = read_run(made_run(store, BAD, WORSE)), read_run(made_run(store, WORSE, HOSTILE))
    compared = compare_runs(before, after)
    rules = {name: [one["rule"] for one in found] for name, found in compared.to_dict().items()}
    assert rules == {"new": ["rule`|<b>"], "fixed": ["F401"], "remaining": ["test-failure"], "unchecked": []}
    unlooked = read_run(made_run(store, outcome=Outcome.INCOMPLETE))
    assert [one.rule for one in compare_runs(before, unlooked).unchecked] == ["test-failure", "F401"]
    other = read_run(made_run(store, role="smoke_tester"))
    assert compare_runs(before, other).fixed == ()


def test_severities_have_an_order():
    """The worst is at least anything."""
    assert [level.at_least(Severity.MEDIUM) for level in Severity] == [True, True, True, False, False]


def test_roles_are_chosen():
    """Roles named, each once; else those of the mode; agent roles only with an agent; unknown names are refused."""
    assert chosen_roles(None, "quick", agent=True) == ("smoke_tester", "lint_tester", "regression_tester")
    assert chosen_roles(["lint_tester", "lint_tester"], "deep", agent=False) == ("lint_tester",)
    assert chosen_roles(None, "deep", agent=True) == ROLES
    with pytest.raises(UnknownRole, match="The roles are smoke_tester"):
        chosen_roles(["x"], "quick", agent=False)
    with pytest.raises(UnknownRole):
        chosen_roles(None, "slow", agent=False)
    with pytest.raises(NoAgent):
        chosen_roles(["security_tester"], "quick", agent=False)


def test_findings_are_plain_json(store):
    """A reader of JSON alone finds the findings: in the entries of `to_dict`, their sums in the session's metadata."""
    told = made_run(store, BAD).to_dict()
    assert told["metadata"]["qe"]["findings"] == {"medium": 1}
    found = [one for message in told["messages"] for one in message["metadata"]["qe"].get("findings", ())]
    assert [Finding.model_validate(one).place for one in found] == ["src/a b.py:3"]
