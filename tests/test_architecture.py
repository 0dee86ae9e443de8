"""The house rules that a scan of the source can keep: who may import whom, who may touch what, how big a module is."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "superqode"
MODULES = sorted(SOURCE.rglob("*.py"))
NAMES = [module.relative_to(SOURCE).as_posix() for module in MODULES]

# Rooms from left to right: imports go only to the right (CONTRIBUTING, "The map"), or stay in the room.
ROOMS = (
    ("cli", "tui", "serve", "qe", "record"),
    ("acp",),
    ("session/aio",),
    ("session/sync",),
    ("session/sharing",),
    ("session/store",),
    ("session/git",),
    ("session/agents",),
    ("session/codec", "session/redaction", "session/importers", "session/exporters", "session/handoff"),
    ("session/models", "session/ids", "session/errors", "session/choices", "session/clock", "session/entropy"),
)
# Reads that look against the arrow, each with its reason.
AGAINST = {
    ("session/models/session.py", "session/codec"): "to_json writes JSON the way the codec does; loaded when asked for",
}
# Importers and exporters are pure: of the codec they may know only how JSON is read and written.
PURE = ("session/importers", "session/exporters", "session/handoff")

# What only some rooms may import.
RESERVED = {
    "pygit2": ("session/git/",),
    "acp": ("acp/",),
    # Beside git the agents' own programs, which a user asked to go on in; the project's own tools in quality runs.
    "subprocess": (
        "session/git/",
        "cli/demo.py",
        "cli/agent_programs.py",
        "record/tee.py",
        "qe/running.py",
    ),
    "click": ("cli/",),
    "rich": ("cli/", "tui/"),
    "textual": ("tui/",),
    "cryptography": ("session/sharing/",),
    "mnemonic": ("session/sync/words.py",),
    "keyring": ("session/sync/keeping.py",),
    "kingfisher_sdk": ("session/redaction/library.py",),
    "sqlite3": ("session/store/index/", "session/importers/sqlitefile.py"),
    "markdown_it": ("session/exporters/",),
    "secrets": (),
    "random": (),
    "time": ("session/clock.py",),
}
# Modules that are programs of their own, and get arguments.
PROGRAMS = ("acp/guard.py",)
# Modules that look at the environment besides the command line, and why.
ENVIRONMENT = {
    "qe/running.py": "hands the environment on to the project's tools, without GIT_* and SUPERQODE_* variables",
    "session/git/program.py": "hands the environment on to git, without its GIT_* variables",
}
# Modules that may catch whatever there is, and why.
CATCHING = {
    "session/sync/keeping.py": "asks a keyring, whose backend is foreign code and raises what it likes",
}


def _room(name: str) -> int | None:
    found = [number for number, rooms in enumerate(ROOMS) for room in rooms if name.startswith(room)]
    return found[0] if found else None


def _imports(tree: ast.AST) -> set[str]:
    """Every module that is imported anywhere in the file, inside functions too."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def _tree(name: str) -> ast.Module:
    return ast.parse((SOURCE / name).read_text("utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_imports_go_one_way(name: str) -> None:
    """A module imports from its own room or from rooms to the right, never to the left."""
    here = _room(name)
    if here is None:
        return
    for imported in _imports(_tree(name)):
        target = imported.removeprefix("superqode.").replace(".", "/")
        there = _room(target) if imported.startswith("superqode.") else None
        if there is None or there >= here:
            continue
        assert any(name == source and target.startswith(room) for source, room in AGAINST), f"{name} imports {imported}"


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith(PURE)])
def test_importers_are_pure(name: str) -> None:
    """An importer knows models, and of the codec only JSON; no store, no Git."""
    own = [imported for imported in _imports(_tree(name)) if imported.startswith("superqode.session.")]
    allowed = (
        "models",
        "importers",
        "exporters",
        "handoff",
        "codec.jsontext",
        "errors",
        "ids",
        "clock",
        "entropy",
        "lazy",
    )
    for imported in own:
        rest = imported.removeprefix("superqode.session.")
        assert rest.startswith(allowed) or rest == "codec", f"{name} imports {imported}"


@pytest.mark.parametrize("name", NAMES)
def test_reserved_modules_stay_in_their_rooms(name: str) -> None:
    """Only `git/` knows pygit2, only a few named modules start programs, only `cli/` knows click, and so on."""
    for imported in _imports(_tree(name)):
        rooms = RESERVED.get(imported.partition(".")[0])
        assert rooms is None or name.startswith(rooms), f"{name} imports {imported}"


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith(("cli/", "tui/"))])
def test_library_reads_no_environment(name: str) -> None:
    """Only the command line looks at the environment, at standard streams and at arguments."""
    for node in ast.walk(_tree(name)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            looked = f"{node.value.id}.{node.attr}"
            assert looked not in ("os.getenv", "sys.stdin", "sys.stdout", "sys.stderr"), looked
            assert looked != "sys.argv" or name in PROGRAMS, f"{name} reads arguments"
            assert looked != "os.environ" or name in ENVIRONMENT, f"{name} reads the environment"
        assert not (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("print", "input")
        )


@pytest.mark.parametrize("name", NAMES)
def test_modules_say_what_they_are_and_stay_small(name: str) -> None:
    """Each module has a docstring that orients, and at most 400 lines, but for the reasoned exceptions."""
    text = (SOURCE / name).read_text("utf-8")
    assert (ast.get_docstring(ast.parse(text)) or "").strip(), f"{name} has no docstring"
    assert text.count("\n") <= 400, f"{name} has {text.count(chr(10))} lines"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_swallowed_or_left_for_later(name: str) -> None:
    """No bare `except`, no `except Exception` without a reason, nothing marked as to be done."""
    text = (SOURCE / name).read_text("utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"{name}:{node.lineno}"
            is_all = isinstance(node.type, ast.Name) and node.type.id == "Exception"
            assert not is_all or name in CATCHING, f"{name}:{node.lineno}"
    assert not any(mark in text for mark in ("TO" + "DO", "FIX" + "ME", "NotImplemented" + "Error")), name


def test_exceptions_are_still_needed() -> None:
    """An exception to a rule names a module that is there."""
    named = [*ENVIRONMENT, *PROGRAMS, *CATCHING, *(source for source, _ in AGAINST)]
    assert [name for name in named if not (SOURCE / name).is_file()] == []
