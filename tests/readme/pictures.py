"""The README's pictures: what a terminal shows as SVG, the HTML page as PNG. The same store gives the same bytes.

A picture is kept true by what it holds: an SVG its text, a PNG the digest of the page that was photographed.
"""

from __future__ import annotations

import hashlib
import html
import io
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from browsers import launch
from readme.demo_store import NOW, SHOWN, make_demo_store
from terminal import TAKE_TERMINAL, converse

__all__ = [
    "FOLDER",
    "PAGES",
    "TERMINALS",
    "digest_of",
    "make_pictures",
    "page_of",
    "photograph",
    "screen",
    "text_in",
    "without_spaces",
]

FOLDER: Final = Path(__file__).resolve().parents[2] / ".github" / "pictures"

TERMINALS: Final = {
    "list.svg": "superqode sessions list",
    "log.svg": f"git -C ~/.superqode/sessions log --oneline --graph {SHOWN} search-orm",
}
"""What is typed for each picture of a terminal."""

PAGES: Final = {"page-light.png": "light", "page-dark.png": "dark"}
"""The colours of each picture of the page."""

_COLUMNS: Final = 104
_SIZE: Final = {"width": 1180, "height": 980}
_KEYWORD: Final = b"superqode-page"

# rich's own frame without its web fonts: a picture that asks nobody for anything.
_FRAME: Final = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: {char_height}px; line-height: {line_height}px; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""
_LINE: Final = re.compile(r'<text [^>]*clip-path="url\(#[a-z]+-line-(\d+)\)"[^>]*>(.*?)</text>', re.DOTALL)


def typed(command: str, home: Path) -> str:
    """Give what a terminal shows of a command at `NOW`, where `home` has the demo store, colours included."""
    store = home / ".superqode" / "sessions"
    if not store.exists():
        make_demo_store(store)
    words = command.replace("~", str(home)).split()
    looks = {"COLUMNS": str(_COLUMNS), "LINES": "50", "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "NO_COLOR": ""}
    environment = looks | {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}
    if words[0] == "superqode":
        still = f"from superqode.session import clock; import datetime; clock.set_clock(lambda: {NOW!r}); "
        call = f"from superqode.cli import main; main({words[1:]!r})"
        words = [sys.executable, "-c", TAKE_TERMINAL + still + call]
    else:
        words = ["git", "-c", "core.pager=cat", *words[1:]]
    code, told = converse(words, [], environment)
    assert code == 0, told
    return told.replace("\r\n", "\n").rstrip("\n")


def screen(name: str, home: Path) -> Text:
    """Give what stands in a picture of a terminal: what is typed and what comes of it, cut at the right edge."""
    shown = Text.from_ansi(typed(TERMINALS[name], home))
    lines = [Text.assemble(("$ ", "green"), (TERMINALS[name], "bold")), *shown.split("\n")]
    for line in lines:
        line.truncate(_COLUMNS, overflow="ellipsis")
    return Text("\n").join(lines)


def draw(name: str, home: Path) -> str:
    """Give a picture of a terminal as SVG."""
    console = Console(record=True, width=_COLUMNS, file=io.StringIO(), force_terminal=True, legacy_windows=False)
    console.print(screen(name, home), end="\n\n")  # rich cuts into the last line
    svg = console.export_svg(title="", code_format=_FRAME, unique_id=name.partition(".")[0])
    return re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE)


def text_in(svg: str) -> str:
    """Give what a picture of a terminal says, without spaces, a line a line."""
    lines: dict[int, str] = {}
    for number, told in _LINE.findall(svg):
        lines[int(number)] = lines.get(int(number), "") + html.unescape(told)
    return without_spaces("\n".join(line for _, line in sorted(lines.items())))


def without_spaces(told: str) -> str:
    """Give text as `text_in` does: a picture has spaces as places, not as letters."""
    return "\n".join(squeezed for line in told.splitlines() if (squeezed := "".join(line.split())))


def page_of(folder: Path) -> Path:
    """Make the page that is shown, as a user does, and give the file."""
    store, file = folder / "store", folder / "page.html"
    if not store.exists():
        make_demo_store(store)
    call = "from superqode.cli import main; main()"
    words = [sys.executable, "-c", call, "sessions", "export", SHOWN, "--store", store, "-o", file, "--force"]
    subprocess.run(words, check=True, capture_output=True)
    return file


def photograph(page_file: Path, scheme: str, launched: Any) -> bytes:
    """Give a picture of the page as PNG, the edit unfolded, with the digest of the page in it."""
    page = launched.new_page(viewport=_SIZE, color_scheme=scheme)
    page.goto(page_file.as_uri())
    page.locator("article.call", has_text="Edit").locator("summary").click()
    page.mouse.move(0, 0)
    page.evaluate("() => { document.activeElement.blur(); scrollTo(0, 0); }")
    picture = page.screenshot(animations="disabled")
    page.close()
    return _with_text(picture, _digest_of_page(page_file.read_text("utf-8")))


def _digest_of_page(page: str) -> str:
    """The digest of all that is seen: the script, and its hash in the policy, may change without a new picture."""
    seen = re.sub(r"<script>.*?</script>|<meta http-equiv=[^>]*>", "", page, flags=re.DOTALL)
    return hashlib.sha256(seen.encode()).hexdigest()


def digest_of(told: bytes | Path) -> str:
    """Give the digest of a page's file, or the one that a picture holds (PNG, chunk tEXt)."""
    if isinstance(told, Path):
        return _digest_of_page(told.read_text("utf-8"))
    found = re.search(rb"tEXt" + _KEYWORD + rb"\0([0-9a-f]{64})", told)
    return found[1].decode() if found else ""


def _with_text(png: bytes, text: str) -> bytes:
    # A PNG is a signature of 8 bytes and chunks (length, kind, data, CRC), of which IHDR, with 13 bytes, is the first.
    kind_and_data = b"tEXt" + _KEYWORD + b"\0" + text.encode()
    chunk = struct.pack(">I", len(kind_and_data) - 4) + kind_and_data + struct.pack(">I", zlib.crc32(kind_and_data))
    return png[:33] + chunk + png[33:]


def make_pictures(home: Path) -> None:
    """Draw and photograph everything anew, into `FOLDER`."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in TERMINALS:
        (FOLDER / name).write_text(draw(name, home), "utf-8")
    page = page_of(home)
    with launch() as launched:
        for name, scheme in PAGES.items():
            (FOLDER / name).write_bytes(photograph(page, scheme, launched))
