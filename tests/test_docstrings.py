"""Tests read as a specification: each states its promise."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
FILES = [path.relative_to(TESTS).as_posix() for path in sorted(TESTS.rglob("test_*.py"))]


@pytest.mark.parametrize("name", FILES)
def test_each_test_states_its_promise(name: str) -> None:
    """Every test function has a docstring, and every test file too."""
    tree = ast.parse((TESTS / name).read_text("utf-8"))
    assert ast.get_docstring(tree), name
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            assert ast.get_docstring(node), f"{name}: {node.name}"
