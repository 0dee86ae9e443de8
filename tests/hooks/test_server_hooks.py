"""The two server hooks as programs: alone in their folder, on old servers, with nothing but Python and git."""

import ast
import sys
from pathlib import Path

import pytest

HOOKS = Path(__file__).parents[2] / "hooks" / "server"
NAMES = ("pre-receive", "post-receive")


@pytest.mark.parametrize("name", NAMES)
def test_they_need_nothing_but_python(name):
    """Only the standard library is imported, and the text is Python 3.8."""
    text = (HOOKS / name).read_text("utf-8")
    tree = ast.parse(text, feature_version=(3, 8))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert {module.partition(".")[0] for module in imported} <= sys.stdlib_module_names
    assert not any(
        isinstance(node, ast.Attribute) and node.attr in ("removeprefix", "removesuffix", "UTC")
        for node in ast.walk(tree)
    )
    assert text.startswith(f"#!/usr/bin/env python3\n# superqode-hook {name} version ")
    assert (HOOKS / name).stat().st_mode & 0o111


def test_what_both_have_is_the_same():
    """Each file is copied alone, so some lines stand in both: names, owners, settings and objects are one truth."""
    texts = [(HOOKS / name).read_text("utf-8") for name in NAMES]
    shared = [text.partition("# ---- the same lines")[2].partition("# ---- the end of the lines")[0] for text in texts]

    assert len(shared[0]) > 5000
    assert shared[0] == shared[1]
