"""What the README says of itself is so: its tables, its pictures, its links, its length."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from readme.parts import README, with_generated
from readme.pictures import (
    FOLDER,
    PAGES,
    TERMINALS,
    digest_of,
    draw,
    page_of,
    photograph,
    screen,
    text_in,
    without_spaces,
)

AGAIN = "`python tests/readme` makes it anew"


def test_the_tables_are_those_of_the_commands() -> None:
    """Every command stands in the README with its short help, and none that is not there."""
    page = README.read_text("utf-8")
    assert "`superqode sessions list`" in page
    assert with_generated(page) == page, AGAIN


@pytest.mark.parametrize("name", list(TERMINALS))
def test_a_terminal_shows_what_is_in_its_picture(name: str, tmp_path: Path) -> None:
    """The command, run today on the demo store, prints what the picture holds; the picture loads nothing."""
    picture = (FOLDER / name).read_text("utf-8")
    assert text_in(picture) == without_spaces(screen(name, tmp_path).plain), AGAIN
    assert not re.search(r"(?:href|src)=|url\((?!#)|@import|<script", picture)
    assert len(picture) < 20_000


def test_the_same_store_gives_the_same_picture(tmp_path: Path) -> None:
    """Made again, a picture has the same bytes: a change in it is a change in what it shows."""
    for home in (tmp_path / "a", tmp_path / "b"):
        home.mkdir()
    assert draw("log.svg", tmp_path / "a") == draw("log.svg", tmp_path / "b")


@pytest.mark.parametrize("name", list(PAGES))
def test_the_page_is_the_one_in_its_picture(name: str, tmp_path: Path) -> None:
    """The page that `export` makes today is the one that was photographed."""
    picture = (FOLDER / name).read_bytes()
    assert digest_of(picture) == digest_of(page_of(tmp_path)), AGAIN
    assert len(picture) < 200_000


def test_a_photograph_holds_what_it_is_of(browser: Any, tmp_path: Path) -> None:
    """A new picture carries the digest of its page, is a PNG that browsers read, and shows another theme in the dark."""
    page = page_of(tmp_path)
    light, dark = (photograph(page, scheme, browser) for scheme in ("light", "dark"))
    shown = browser.new_page()
    (tmp_path / "light.png").write_bytes(light)
    shown.goto((tmp_path / "light.png").as_uri())
    assert shown.evaluate("document.images[0].naturalWidth") == 1180
    assert digest_of(light) == digest_of(dark) == digest_of(page)
    assert light != dark


def test_links_lead_somewhere() -> None:
    """Every file that the README links to or shows is there."""
    page = README.read_text("utf-8")
    targets = re.findall(r"\]\(([^)#:]+)\)|(?:src|srcset)=\"([^\"]+)\"", page)
    named = {one or other for one, other in targets}
    assert len(named) >= 8
    assert [name for name in sorted(named) if not (README.parent / name).exists()] == []


def test_it_is_short_enough_to_be_read() -> None:
    """Without the folded tables, a few screens."""
    page = re.sub(r"<!-- commands: begin.*?commands: end -->", "", README.read_text("utf-8"), flags=re.DOTALL)
    assert page.count("\n") < 200
    assert len(page.split()) < 1_900
