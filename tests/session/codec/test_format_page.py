"""FORMAT.md shows real output; this keeps it so. Run with UPDATE_FORMAT=1 to write the page anew."""

from __future__ import annotations

import importlib.resources
import os
import re
import subprocess
from pathlib import Path

from example import make_example

_EXAMPLE = re.compile(r"(<!-- example: (git [^\n]*) -->\n```\n)(.*?)(```\n)", re.DOTALL)


def _output(store: Path, command: str) -> str:
    arguments = command.split()[1:]
    done = subprocess.run(["git", "-C", str(store), *arguments], capture_output=True, check=True)
    return done.stdout.decode().rstrip("\n") + "\n"


def test_listings_are_real(tmp_path: Path) -> None:
    """Every listing in FORMAT.md is what git prints for the example session."""
    make_example(tmp_path / "store")
    page = importlib.resources.files("superqode.session.codec") / "FORMAT.md"
    text = page.read_text("utf-8")

    true = _EXAMPLE.sub(lambda found: found[1] + _output(tmp_path / "store", found[2]) + found[4], text)

    if os.environ.get("UPDATE_FORMAT"):
        Path(str(page)).write_text(true, "utf-8")
    assert len(_EXAMPLE.findall(text)) == 7
    assert text == true
