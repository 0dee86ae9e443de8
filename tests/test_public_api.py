"""What people import: the names, how little importing costs, and the types."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import superqode.session

PROMISED = [
    "AsyncSessionSharingManager",
    "AsyncSessionStore",
    "AsyncSessionSync",
    "ExportedSession",
    "Message",
    "MessageRole",
    "Session",
    "SessionSharingManager",
    "SessionStore",
    "SessionSync",
    "ShareConfig",
    "ShareVisibility",
    "SharedSession",
    "Snapshot",
    "ToolExecution",
    "create_quick_share",
    "create_session",
]


def _loaded_after(code: str) -> set[str]:
    """The modules that are loaded after running code in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_names_are_exactly_the_promised_ones() -> None:
    """`superqode.session` offers the documented names, each of them real, and no others."""
    assert superqode.session.__all__ == PROMISED
    assert all(getattr(superqode.session, name).__name__ == name for name in PROMISED)
    assert set(PROMISED) <= set(dir(superqode.session))


def test_unknown_name_is_an_attribute_error() -> None:
    """A name that is not there fails as on any module."""
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        superqode.session.Nothing  # noqa: B018


def test_importing_costs_next_to_nothing() -> None:
    """Importing the package loads no heavy module; a name loads what it needs, and libgit2 only when packs are read."""
    heavy = {"pydantic", "pygit2", "click", "rich", "cryptography", "sqlite3"}
    assert not heavy & _loaded_after("import superqode.session")
    assert not {"pygit2", "click", "rich", "cryptography", "kingfisher_sdk"} & _loaded_after(
        "from superqode.session import SessionStore"
    )


@pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="mypy comes with the extra [dev], not with [test]")
def test_public_usage_type_checks() -> None:
    """The usage in tests/typing/api.py passes mypy in strict mode, as it would in a user's project."""
    usage = Path(__file__).parent / "typing" / "api.py"
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", str(usage)],
        capture_output=True,
        text=True,
        check=False,
        cwd=usage.parent,
    )
    assert done.returncode == 0, done.stdout
