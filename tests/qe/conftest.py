"""Small real projects with known faults, and a look at every byte of them."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

PYTHON = {
    "pyproject.toml": "[project]\nname = 'demo'\nversion = '0'\n[tool.pytest.ini_options]\ntestpaths = ['tests']\n[tool.ruff]\n",
    "demo/__init__.py": "import os\n\n\ndef add(a, b):\n    return a - b\n",
    "tests/test_demo.py": (
        "from demo import add\n\n\ndef test_sum():\n    assert add(1, 2) == 3\n\n\n"
        "def test_nothing():\n    assert add(0, 0) == 0\n\n\ndef test_error():\n    raise KeyError('gone')\n"
    ),
}
NODE = {
    "package.json": '{"name": "demo", "version": "1.0.0", "main": "index.js", "scripts": {"test": "node --test"}}\n',
    "index.js": "exports.add = (a, b) => a - b\nconst = 3\n",
    "test/add.test.js": (
        "const test = require('node:test')\nconst assert = require('node:assert')\n\n"
        "test('works', () => {})\ntest('breaks', () => {\n  assert.strictEqual(1 + 1, 3)\n})\n"
    ),
}
RUST = {
    "Cargo.toml": '[package]\nname = "demo"\nversion = "0.1.0"\nedition = "2021"\n',
    "src/lib.rs": (
        "pub fn add(a: u64, b: u64) -> u64 {\n    return a + b;\n}\n\n#[cfg(test)]\nmod tests {\n    use super::add;\n\n"
        "    #[test]\n    fn works() {\n        assert_eq!(add(1, 2), 3);\n    }\n\n"
        '    #[test]\n    fn breaks() {\n        assert_eq!(add(1, 2), 4, "wrong sum");\n    }\n}\n'
    ),
}
GO = {
    "go.mod": "module example.com/demo\n\ngo 1.19\n",
    "sum.go": "package demo\n\nfunc Add(a, b int) int { return a - b }\n",
    "vetted/vetted.go": 'package vetted\n\nimport "fmt"\n\nfunc Say(a int) { fmt.Printf("%s\\n", a) }\n',
    "sum_test.go": (
        'package demo\n\nimport "testing"\n\nfunc TestAdd(t *testing.T) {\n\tif Add(1, 2) != 3 {\n\t\tt.Fatal("wrong sum")\n'
        "\t}\n}\n\nfunc TestZero(t *testing.T) {}\n"
    ),
}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sandboxes of a test are its own; tools are those of this environment; Rust finds its toolchains."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    real_home = Path(f"~{os.environ.get('USER', '')}").expanduser() if os.environ.get("USER") else Path("/root")
    for name, folder in (("RUSTUP_HOME", ".rustup"), ("CARGO_HOME", ".cargo")):
        if name not in os.environ and (real_home / folder).is_dir():
            monkeypatch.setenv(name, str(real_home / folder))


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Write files, relative to a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder; gives what it prints."""
    ident = ("-c", "user.name=T", "-c", "user.email=t@example.invalid", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ["git", *ident, "-C", str(folder), *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.rstrip("\n")


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Path]:
    """Makes a project of files; `committed=True` puts it into a Git repository of its own."""

    def make(files: Mapping[str, str], *, committed: bool = False, name: str = "project") -> Path:
        folder = write(tmp_path / name, files)
        if committed:
            git(folder, "init", "--quiet")
            git(folder, "add", "--all")
            git(folder, "commit", "--quiet", "--message", "first")
        return folder

    return make


def every_byte(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Mode, time and content of everything in a folder, its repository included."""
    seen = {}
    for path in sorted(folder.rglob("*")):
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            what = os.readlink(path)
        elif stat.S_ISREG(found.st_mode):
            what = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            what = ""
        # The repository's own folders get other times when a work tree comes and goes; their files do not.
        time = 0 if stat.S_ISDIR(found.st_mode) else found.st_mtime_ns
        seen[path.relative_to(folder).as_posix()] = (found.st_mode, time, what)
    return seen


def needs(*programs: str) -> pytest.MarkDecorator:
    """Skip where a program is missing."""
    missing = [program for program in programs if shutil.which(program) is None]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} is not installed")
