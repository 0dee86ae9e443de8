"""What tools say, real output of theirs, damaged and hostile: drafts that are exact, or one clause why there are none."""

from __future__ import annotations

import json
import signal
from functools import partial
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import pytest

from superqode.qe.running import Ran
from superqode.qe.tools.go import read_go_build, read_go_test, read_go_vet
from superqode.qe.tools.junit import read_collection, read_junit
from superqode.qe.tools.node_reports import read_check, read_eslint, read_jest, read_node_coverage, read_typescript
from superqode.qe.tools.python_reports import (
    read_compileall,
    read_coverage,
    read_import,
    read_mypy,
    read_ruff,
    read_unittest,
)
from superqode.qe.tools.rust import read_cargo, read_cargo_test


def _ran(output="", code=1, stdout=None):
    return Ran(code, output, output if stdout is None else stdout, 0, 5, "")


def _drafts(reading):
    assert not reading.broke
    return [(draft.severity.value, draft.rule, draft.file, draft.line, draft.message) for draft in reading.drafts]


def _report(tmp_path, text):
    path = tmp_path / "report"
    path.write_text(text)
    return path


def test_vitest_and_mocha(tmp_path):
    """Suites named by files (Vitest) and cases with a file (Mocha) give file and line."""
    for name in ("b.spec.mjs", "m.cjs"):
        (tmp_path / "t").mkdir(exist_ok=True)
        (tmp_path / "t" / name).write_text("x\n")
    vitest = (
        '<testsuites><testsuite name="t/b.spec.mjs"><testcase classname="t/b.spec.mjs" name="vi"><failure message='
        '"expected 1 to be 2">AssertionError: expected 1 to be 2\n\n \u276f t/b.spec.mjs:2:30\n</failure></testcase>'
        "</testsuite></testsuites>"
    )
    assert _drafts(read_junit(_report(tmp_path, vitest), tmp_path)(_ran())) == [
        ("high", "test-failure", "t/b.spec.mjs", 2, "vi: expected 1 to be 2")
    ]
    mocha = (
        f'<testsuite><testcase classname="m" name="breaks" file="{tmp_path}/t/m.cjs"><failure>Expected\n\n1 !== 2\n'
        "    at Context.&lt;anonymous&gt; (t/m.cjs:2:43)</failure></testcase><testcase classname='m' name='works'/></testsuite>"
    )
    read = read_junit(_report(tmp_path, mocha), tmp_path)(_ran())
    assert [(draft.rule, draft.line, draft.message) for draft in read.drafts] == [
        ("test-failure", 2, "breaks: Expected")
    ]
    assert read.note == "2 tests, 1 failed"


def test_a_junit_report_that_is_missing_or_hostile(tmp_path):
    """No report, no XML and entities that grow are told, not believed."""
    read = read_junit(tmp_path / "report", tmp_path)
    assert read(_ran()).broke.startswith("it wrote no report")
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><testsuite>&b;</testsuite>'
    for text, said in ((bomb, "declares entities"), ("<open", "is no XML"), ("", "is no XML")):
        _report(tmp_path, text)
        assert said in read(_ran()).broke
    _report(tmp_path, "<testsuite><testcase name='a\x00b'><failure>\x1b[31m</failure></testcase></testsuite>")
    assert len(read(_ran()).drafts) == 1


def test_collected_tests_are_counted(tmp_path):
    """Pytest's last line says how many tests it found."""
    report = _report(tmp_path, "<testsuites/>")
    assert read_collection(report, tmp_path)(_ran("a\n\n12 tests collected in 0.1s\n")).note == "12 tests collected"
    assert read_collection(report, tmp_path)(_ran("no tests collected in 0.1s\n", 5)).note == "0 tests collected"


def test_ruff():
    """Codes, rows and absolute names are taken; syntax errors, which have no code, are worse."""
    told = [
        {"code": "F401", "filename": "/s/a.py", "location": {"row": 3, "column": 1}, "message": "`os` unused"},
        {"code": None, "filename": "/s/b.py", "location": {"row": 1, "column": 1}, "message": "Expected"},
    ]
    assert _drafts(read_ruff(_ran(json.dumps(told)))) == [
        ("medium", "F401", "/s/a.py", 3, "`os` unused"),
        ("high", "invalid-syntax", "/s/b.py", 1, "Expected"),
    ]
    assert read_ruff(_ran("ruff failed", 2)).broke.startswith("its report is no JSON")
    assert read_ruff(_ran("{}")).broke == "its report is no list"


def test_mypy():
    """Objects of one line, and the text of older versions; notes are no faults, silence with an error code breaks."""
    line = {
        "file": "a.py",
        "line": 7,
        "column": 4,
        "message": "bad",
        "hint": None,
        "code": "arg-type",
        "severity": "error",
    }
    note = line | {"severity": "note"}
    expected = [("medium", "arg-type", "a.py", 7, "bad")]
    assert _drafts(read_mypy(_ran(f"{json.dumps(line)}\n{json.dumps(note)}\n"))) == expected
    assert _drafts(read_mypy(_ran("a.py:7: error: bad  [arg-type]\na.py:7: note: see\n"))) == expected
    assert "exit code 2" in read_mypy(_ran("usage: mypy", 2)).broke
    assert _drafts(read_mypy(_ran("", 0))) == []


def test_compileall():
    """Each file with a syntax error, with its line."""
    told = "*** Error compiling './a/b.py'...\n  File \"./a/b.py\", line 3\n    def x(:\n          ^\nSyntaxError: invalid syntax\n\n"
    assert _drafts(read_compileall(_ran(told * 1 + "*** Error compiling './c.py'...\nValueError: nul\n"))) == [
        ("critical", "syntax-error", "./a/b.py", 3, "SyntaxError: invalid syntax"),
        ("critical", "syntax-error", "./c.py", 0, "ValueError: nul"),
    ]


def test_import(tmp_path):
    """The error of an import, at the last line of the project that led to it."""
    told = (
        'Traceback (most recent call last):\n  File "<string>", line 1, in <module>\n'
        f'  File "{tmp_path}/demo/__init__.py", line 4, in <module>\n    import gone\n'
        "  File \"/usr/lib/x.py\", line 9, in y\nModuleNotFoundError: No module named 'gone'\n"
    )
    assert _drafts(read_import("demo", tmp_path, _ran(told))) == [
        (
            "critical",
            "import-error",
            f"{tmp_path}/demo/__init__.py",
            4,
            "demo: ModuleNotFoundError: No module named 'gone'",
        )
    ]


def test_unittest(tmp_path):
    """Failures and errors of unittest's text, in file and line; output without a result breaks the role."""
    rule, dash = "=" * 70, "-" * 70
    told = (
        f"FE\n{rule}\nERROR: test_e (t.T.test_e)\n{dash}\nTraceback (most recent call last):\n"
        f'  File "{tmp_path}/t.py", line 8, in test_e\n    raise KeyError(1)\nKeyError: 1\n\n'
        f"{rule}\nFAIL: test_f (t.T.test_f)\nWhat it is for\n{dash}\nTraceback (most recent call last):\n"
        f'  File "{tmp_path}/t.py", line 5, in test_f\n    self.assertEqual(1, 2)\nAssertionError: 1 != 2\n\n'
        f"{dash}\nRan 3 tests in 0.001s\n\nFAILED (failures=1, errors=1)\n"
    )
    read = read_unittest(tmp_path, _ran(told))
    assert _drafts(read) == [
        ("high", "test-error", f"{tmp_path}/t.py", 8, "test_e (t.T.test_e): KeyError: 1"),
        ("high", "test-failure", f"{tmp_path}/t.py", 5, "test_f (t.T.test_f): AssertionError: 1 != 2"),
    ]
    assert read.note == "3 tests, 2 failed"
    assert read_unittest(tmp_path, _ran("Segmentation fault")).broke == "it told no result"


def test_unittest_prints_rules_of_its_own(tmp_path):
    """A line of dashes belongs to the trace that it stands in; a trace that breaks off is no failure."""
    rule, dash = "=" * 70, "-" * 70
    told = (
        f"{rule}\nFAIL: test_f (t.T.test_f)\n{dash}\nTraceback (most recent call last):\n"
        f'  File "{tmp_path}/t.py", line 5, in test_f\nAssertionError: 1 != 2\n{dash}\ntable\n'
        f"{rule}\nno test at all\n{dash}\nx\n{rule}\nERROR: test_g (t.T.test_g)\n{dash}\nlost\n"
    )
    assert _drafts(read_unittest(tmp_path, _ran(told))) == [
        ("high", "test-failure", f"{tmp_path}/t.py", 5, "test_f (t.T.test_f): table"),
    ]
    whole = f"{told}\n{dash}\nRan 2 tests in 0.1s\n"
    assert [draft.message for draft in read_unittest(tmp_path, _ran(whole)).drafts] == [
        "test_f (t.T.test_f): table",
        "test_g (t.T.test_g): lost",
    ]


def test_coverage(tmp_path):
    """Sums, files that no test reaches, and the project's own limit."""
    files = {name: {"summary": {"num_statements": 4, "covered_lines": hit}} for name, hit in (("a.py", 3), ("b.py", 0))}
    told = {"totals": {"percent_covered": 37.5, "num_statements": 8}, "files": files}
    read = read_coverage(_report(tmp_path, json.dumps(told)))
    assert read(_ran(code=0)).note == "37.5 % of 8 lines"
    assert [draft.file for draft in read(_ran(code=0)).drafts] == ["b.py"]
    assert read(_ran(code=2)).drafts[0].rule == "coverage-below-limit"
    _report(tmp_path, "[]")
    assert "not as documented" in read(_ran(code=0)).broke


def test_node_check():
    """The file and line of a syntax error, by its own words."""
    told = "/s/index.js:2\nconst = 3\n      ^\n\nSyntaxError: Unexpected token '='\n    at wrapSafe (node:x:1:1)\n"
    assert _drafts(read_check("index.js", _ran(told))) == [
        ("critical", "syntax-error", "index.js", 2, "SyntaxError: Unexpected token '='")
    ]


def test_typescript():
    """Tsc's plain lines."""
    told = "src/a.ts(1,7): error TS2322: Type 'string' is not assignable to type 'number'.\nFound 1 error.\n"
    assert _drafts(read_typescript(_ran(told, 2))) == [
        ("high", "TS2322", "src/a.ts", 1, "Type 'string' is not assignable to type 'number'.")
    ]


def test_eslint():
    """Errors, warnings and files that do not parse differ in severity."""
    messages = [
        {"ruleId": "no-unused-vars", "severity": 2, "message": "'a' is unused.", "line": 1, "column": 7},
        {"ruleId": "semi", "severity": 1, "message": "Missing semicolon.", "line": 2},
        {"ruleId": None, "fatal": True, "severity": 2, "message": "Parsing error", "line": 3},
    ]
    assert _drafts(read_eslint(_ran(json.dumps([{"filePath": "/s/a.js", "messages": messages}])))) == [
        ("medium", "no-unused-vars", "/s/a.js", 1, "'a' is unused."),
        ("low", "semi", "/s/a.js", 2, "Missing semicolon."),
        ("high", "syntax-error", "/s/a.js", 3, "Parsing error"),
    ]


def test_jest(tmp_path):
    """A test that fails has file and line; a file that cannot be loaded is one fault."""
    failed = {
        "status": "failed",
        "fullName": "sum adds",
        "failureMessages": ["Error: no\n    at o (/s/a.test.js:2:63)"],
    }
    files = [
        {"name": "/s/a.test.js", "status": "failed", "assertionResults": [failed, {"status": "passed"}]},
        {"name": "/s/b.test.js", "status": "failed", "assertionResults": [], "message": "\n  Cannot find module"},
    ]
    read = read_jest(_report(tmp_path, json.dumps({"numTotalTests": 2, "testResults": files})))(_ran())
    assert _drafts(read) == [
        ("high", "test-failure", "/s/a.test.js", 2, "sum adds: Error: no"),
        ("high", "collection-error", "/s/b.test.js", 0, "Cannot find module"),
    ]


def test_node_coverage():
    """The table's total and the files that no test reaches."""
    told = (
        "# tests 5\n# start of coverage report\n# file | line % | branch % | funcs % | uncovered lines\n"
        "# lib/a.js | 100.00 | 100.00 | 100.00 |\n# lib/b.js | 0.00 | 100.00 | 0.00 | 1-9\n# all files | 71.43 | 90.00 | 50.00 |\n"
    )
    read = read_node_coverage(_ran(told, 0))
    assert read.note == "71.4 % of the lines reached by 5 tests"
    assert [draft.file for draft in read.drafts] == ["lib/b.js"]


def _compiler(level, message, file="src/lib.rs", line=2, code="clippy::x"):
    span = {"is_primary": True, "file_name": file, "line_start": line}
    told = {"level": level, "message": message, "code": {"code": code}, "spans": [span], "rendered": "shown"}
    return json.dumps({"reason": "compiler-message", "message": told})


def test_cargo():
    """Each message once, though cargo tells it for each target; warnings only where they are wanted."""
    told = "\n".join(
        [_compiler("warning", "w")] * 2 + [_compiler("error", "e", code="E0308"), '{"reason": "x"}', "text"]
    )
    assert _drafts(read_cargo(_ran(told, 101))) == [
        ("low", "clippy::x", "src/lib.rs", 2, "w"),
        ("high", "E0308", "src/lib.rs", 2, "e"),
    ]
    assert [draft.message for draft in read_cargo(_ran(told, 101), warnings=False).drafts] == ["e"]
    assert "exit code 101" in read_cargo(_ran("error: no Cargo.toml", 101)).broke


def test_cargo_test():
    """Names, panics and places of tests that fail; documentation tests are named by their place."""
    told = (
        "running 3 tests\ntest tests::ok ... ok\ntest tests::bad ... FAILED\ntest src/lib.rs - add (line 3) ... FAILED\n\n"
        "failures:\n\n---- tests::bad stdout ----\n\nthread 'tests::bad' panicked at src/lib.rs:16:9:\nwrong sum\n  left: 4\n\n"
        "\nfailures:\n    tests::bad\n\ntest result: FAILED. 1 passed; 1 failed\n"
    )
    read = read_cargo_test(_ran(told, 101))
    assert _drafts(read)[0] == ("high", "test-failure", "src/lib.rs", 16, "tests::bad: wrong sum")
    assert read.note == "3 tests, 2 failed"


def test_cargo_test_of_older_rust():
    """Before Rust 1.73 a panic's message stood in front of its place."""
    panic = "thread 'a' panicked at 'it's 'so', no: 1', src/lib.rs:7:5\nnote: run with `RUST_BACKTRACE=1`"
    told = f"test a - should panic ... FAILED\n\n---- a stdout ----\n{panic}\n\nfailures:\n"
    assert _drafts(read_cargo_test(_ran(told, 101))) == [
        ("high", "test-failure", "src/lib.rs", 7, "a: note: run with `RUST_BACKTRACE=1`")
    ]


def test_go():
    """Vet and the compiler by place; tests by event, the innermost alone."""
    vet = "# example.com/demo\n./a.go:5:26: fmt.Printf format %s has arg a of wrong type int\n"
    assert _drafts(read_go_vet(_ran(vet))) == [
        ("medium", "vet", "a.go", 5, "fmt.Printf format %s has arg a of wrong type int")
    ]
    assert read_go_build(_ran("# demo\n./a.go:1:1: syntax error\n")).drafts[0].severity.value == "critical"
    assert "exit code 1" in read_go_build(_ran("go: no module")).broke
    events = [
        {"Action": "output", "Package": "m/sub", "Test": "TestTwo/inner", "Output": "    b_test.go:6: no\n"},
        {"Action": "fail", "Package": "m/sub", "Test": "TestTwo/inner"},
        {"Action": "fail", "Package": "m/sub", "Test": "TestTwo"},
        {"Action": "fail", "Package": "m/sub"},
        {"Action": "pass", "Package": "m", "Test": "TestOk"},
        {"Action": "fail", "Package": "m/broken"},
    ]
    read = read_go_test("m", _ran("\n".join(map(json.dumps, events))))
    assert _drafts(read) == [
        ("high", "test-failure", "sub/b_test.go", 6, "TestTwo/inner: no"),
        ("high", "package-failure", "", 0, "the tests of m/broken cannot be run"),
    ]


_NOWHERE = Path("/nowhere")
_READERS = [
    *(read_ruff, read_mypy, read_compileall, read_eslint, read_typescript, read_node_coverage, read_cargo),
    *(read_cargo_test, read_go_build, read_go_vet, partial(read_go_test, "m"), partial(read_unittest, _NOWHERE)),
    *(partial(read_import, "p", _NOWHERE), partial(read_check, "e.js")),
]
_MANY = 100_000
_LONG = {
    "empty lines": "\n" * _MANY,
    "spaces": "\t \n" * _MANY,
    "one word": "a" * _MANY,
    "places": "a.go:1: a.js:1:1 a.rs:1:1: " * _MANY,
    "a failure that never ends": f"{'=' * 70}\nFAIL: a\n" + "\n" * _MANY,
    "failures without traces": f"{'=' * 70}\nFAIL: a\n{'-' * 69}\n" * 5_000,
    "traces without failures": f"{'=' * 70}\nFAIL: a\n" + f"{'-' * 70}\n" * 5_000,
    "empty lines in a trace": f"{'=' * 70}\nFAIL: a\n{'-' * 70}\n" + "\n" * _MANY + f"{'-' * 70}\nRan 1 test\n",
    "a Rust test's name": "test a" + " - " * _MANY,
    "headings of Rust's traces": "test a ... FAILED\n" + "---- x\n" * _MANY,
    "panics": "test a ... FAILED\n---- a stdout ----\n" + "panicked at " * _MANY,
    "a panic's characters": "test a ... FAILED\n---- a stdout ----\npanicked at '" + "', " * _MANY,
    "empty lines of a Go test": "".join(
        json.dumps({"Action": action, "Package": "p", "Test": "T", "Output": "\n" * _MANY}) + "\n"
        for action in ("output", "fail")
    ),
}


def _give_up(_number, _frame):
    pytest.fail("the reader hangs")


@pytest.fixture
def alarm():
    """Rings where a reader takes for ever; each takes some milliseconds."""
    if not hasattr(signal, "setitimer"):
        pytest.skip("needs alarms")
    before = signal.signal(signal.SIGALRM, _give_up)
    signal.setitimer(signal.ITIMER_REAL, 30)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("told", _LONG.values(), ids=_LONG)
@pytest.mark.usefixtures("alarm")
def test_no_output_makes_a_reader_hang(told, tmp_path):
    """However much of one thing a tool prints, a reader looks at each piece of it a few times only."""
    for read in _READERS:
        read(_ran(told))
    failed = {"status": "failed", "fullName": "a", "failureMessages": [told]}
    files = [{"name": "a.js", "status": "failed", "assertionResults": [failed]}]
    read_jest(_report(tmp_path, json.dumps({"numTotalTests": 1, "testResults": files})))(_ran())


_TEXT = st.text(max_size=60) | st.sampled_from(
    ["[]", "{}", "null", '[{"filename": 3}]', '[{"messages": [{"line": -1}]}]']
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["message", "messages", "filePath", "reason", "spans", "code", "line", "location", "Action", "Test"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@hypothesis.given(
    told=_TEXT | _JSON.map(json.dumps) | st.lists(_JSON.map(json.dumps)).map("\n".join), code=st.integers(0, 255)
)
def test_no_output_breaks_a_reader(told, code):
    """Whatever a tool prints, its reader gives drafts or says why not, and raises nothing."""
    for read in _READERS:
        reading = read(_ran(told, code))
        assert all(draft.line >= 0 for draft in reading.drafts)


@pytest.mark.parametrize("read", [read_jest, read_coverage])
@hypothesis.given(told=_TEXT | _JSON.map(json.dumps))
@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
def test_no_report_breaks_a_reader(read, told, tmp_path):
    """The same for reports in files."""
    path = tmp_path / "report"
    path.write_text(told, "utf-8", "replace")
    reading = read(path)(_ran())
    assert reading.broke or reading.drafts is not None
