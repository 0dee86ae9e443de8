"""`superqode qe`: exit codes for CI, JSON alone on stdout, reports in files, comparisons, and a polite end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from superqode.cli.exit_codes import ExitCode


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    """Sandboxes and tools of this test's own."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def project(tmp_path):
    """A project with one lint error."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "ruff.toml").write_text("")
    (folder / "shop.py").write_text("import os\n")
    return folder


def test_a_run_gates(cli, project):
    """Findings that fail a run are exit code 4, those that do not are 0, and nothing to check is 3."""
    lint = ("qe", "run", project, "--role", "lint_tester")
    failed = cli.run(*lint, expect=ExitCode.FINDINGS)
    assert "medium   shop.py:1: F401: `os` imported but unused" in failed.stdout
    assert "lint_tester: ruff: 1 found" in failed.stderr
    assert "superqode qe report" in failed.stderr
    cli.run(*lint, "--fail-on", "high")
    (project / "shop.py").write_text("")
    assert "no findings" in cli.run(*lint).stdout
    cli.run("qe", "run", project, "--role", "regression_tester", expect=ExitCode.PARTLY)


def test_json_is_all_there_is(cli, project):
    """With --json, stdout is one document and stderr is empty."""
    told = cli.json("qe", "run", project, "--role", "lint_tester", expect=ExitCode.FINDINGS)
    assert (told["verdict"], told["counts"], told["project_path"]) == ("failed", {"medium": 1}, str(project))
    assert cli.json("qe", "report") == told
    assert cli.json("qe", "report", told["session_id"][:12]) == told


def test_verbose_shows_what_tools_say(cli, project):
    """With -v, the tools' own output is told as it comes."""
    shown = cli.run("qe", "run", project, "--role", "lint_tester", "-v", expect=ExitCode.FINDINGS)
    assert "superqode:   " in shown.stderr or '"code": "F401"' in shown.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--role", "tester"], "There is no role 'tester'. The roles are smoke_tester"),
        (["--role", "security_tester"], "name one with --agent"),
        (["--agent", "'", "--role", "security_tester"], "neither a configured agent nor a command"),
        (["--mode", "slow"], "'slow' is not one of"),
    ],
)
def test_wrong_use_is_told(cli, project, arguments, said):
    """Unknown roles, modes and agents are usage errors, and nothing is run or saved."""
    told = cli.run("qe", "run", project, *arguments, expect=ExitCode.USAGE)
    assert said in told.stderr
    assert not cli.store.exists()


def test_the_config_file_is_heard(cli, project, tmp_path, monkeypatch):
    """Mode, roles, time and agents come from the config file where no option says otherwise."""
    config = tmp_path / "config.toml"
    config.write_text(
        "[qe]\nmode = 'deep'\nroles = ['lint_tester']\nagent = 'mine'\n[agents.mine]\ncommand = ['no-such-agent']\n"
    )
    monkeypatch.setenv("SUPERQODE_CONFIG", str(config))
    told = cli.json("qe", "run", project, expect=ExitCode.FINDINGS)
    assert (told["mode"], [role["role"] for role in told["roles"]]) == ("deep", ["lint_tester"])
    told = cli.json("qe", "run", project, "--mode", "quick", "--role", "security_tester", expect=ExitCode.PARTLY)
    assert told["mode"] == "quick"
    assert "no-such-agent" in told["roles"][0]["notes"][0]


def test_listed_by_severity(cli, project, save):
    """`sessions list --finding` has the runs that found as bad or worse."""
    save("hello")
    told = cli.json("qe", "run", project, "--role", "lint_tester", expect=ExitCode.FINDINGS)
    [listed] = cli.json("sessions", "list", "--finding", "low")
    assert listed["id"] == told["session_id"]
    assert listed["title"] == "Quality of shop: failed, 1 medium"
    assert cli.json("sessions", "list", "--finding", "high") == []


def test_reports_in_files(cli, project, tmp_path):
    """The format follows the file's ending, a file is never replaced unasked, and an unknown ending is told."""
    cli.run("qe", "run", project, "--role", "lint_tester", expect=ExitCode.FINDINGS)
    for name, begins in (
        ("r.sarif", "{"),
        ("r.xml", "<?xml"),
        ("r.md", "# Quality run: failed"),
        ("r.txt", str(project)),
    ):
        told = cli.run("qe", "report", "-o", tmp_path / name)
        assert told.stdout.startswith(str(tmp_path / name))
        assert (tmp_path / name).read_text("utf-8").startswith(begins)
    cli.run("qe", "report", "-o", tmp_path / "r.md", expect=ExitCode.ERROR)
    cli.run("qe", "report", "-o", tmp_path / "r.md", "--force", "--format", "json")
    assert json.loads((tmp_path / "r.md").read_text())["verdict"] == "failed"
    cli.run("qe", "report", "-o", tmp_path / "r.doc", expect=ExitCode.USAGE)
    assert cli.run("qe", "report", "--format", "markdown").stdout.startswith("# Quality run: failed")


def test_no_run_to_report(cli, save):
    """A session without a run, and a store without any, are told."""
    session = save("hello")
    assert "no session here is a quality run" in cli.run("qe", "report", expect=ExitCode.NOT_FOUND).stderr
    assert "has no quality run" in cli.run("qe", "report", session.id, expect=ExitCode.NOT_FOUND).stderr


def test_comparing(cli, project):
    """New findings are exit code 4; fixed ones and those still there are told."""
    lint = ("qe", "run", project, "--role", "lint_tester")
    first = cli.json(*lint, expect=ExitCode.FINDINGS)["session_id"]
    (project / "shop.py").write_text("\n\nimport os\n")
    (project / "cart.py").write_text("import sys\n")
    second = cli.json(*lint, expect=ExitCode.FINDINGS)["session_id"]
    shown = cli.run("qe", "compare", first, second, expect=ExitCode.FINDINGS).stdout
    assert shown.splitlines() == [
        "new: 1 finding",
        "  medium   cart.py:1: F401: `sys` imported but unused",
        "fixed: 0 findings",
        "still there: 1 finding",
        "  medium   shop.py:3: F401: `os` imported but unused",
    ]
    cli.run("qe", "compare", first, second, "--fail-on", "high")
    told = cli.json("qe", "compare", second, first)
    assert [[one["file"] for one in told[name]] for name in ("new", "fixed", "remaining")] == [
        [],
        ["cart.py"],
        ["shop.py"],
    ]


def test_going_on_in_a_session(cli, project, save):
    """--session puts the run into a session that is there, whose title stays."""
    session = save("hello", title="My work")
    told = cli.json("qe", "run", project, "--role", "lint_tester", "--session", session.id, expect=ExitCode.FINDINGS)
    assert told["session_id"] == session.id
    [listed] = cli.json("sessions", "list")
    assert (listed["title"], listed["tags"]) == ("My work", ["qe"])


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs POSIX signals")
def test_sigterm_ends_it_politely(cli, project, tmp_path):
    """A CI system's SIGTERM ends a run as Ctrl-C does: code 130, no sandbox left, the session there."""
    (project / "test_slow.py").write_text(
        "import time, unittest\n\n\nclass Slow(unittest.TestCase):\n    def test_slow(self):\n"
        f"        open({str(tmp_path / 'began')!r}, 'w').close()\n        time.sleep(600)\n"
    )
    command = cli._command(("qe", "run", project, "--role", "regression_tester"))
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True)
    for _ in range(3000):
        if (tmp_path / "began").exists():
            break
        time.sleep(0.02)
    process.terminate()
    _, said = process.communicate(timeout=60)
    assert process.returncode == ExitCode.CANCELLED, said
    assert "superqode: cancelled" in said
    [base] = tmp_path.glob("superqode-qe*")
    assert [path.name for path in base.iterdir()] == ["lock"]
    assert cli.json("qe", "report")["verdict"] == "incomplete"
