"""The HTML page in a real browser: it searches, folds, obeys keys, loads nothing, and runs nothing of a session's."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from browsers import watched
from exported import attack, everything, many
from superqode.session import Session
from superqode.session.exporters import html

# Text on its ground, at least, by WCAG 2.2 level AA (1.4.3).
_CONTRAST = 4.5
_MEASURE = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return Array.from(canvas.getImageData(0, 0, 1, 1).data); };
  const over = (top, ground) => top.slice(0, 3).map((part, at) => (part * top[3] + ground[at] * (255 - top[3])) / 255);
  const light = (color) => color.map((part) => part / 255)
    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = Array.from(element.childNodes).some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility() || element.matches(":disabled, .skip, script, noscript")) continue;
    const grounds = [];
    for (let at = element; at; at = at.parentElement) grounds.unshift(rgba(getComputedStyle(at).backgroundColor));
    const ground = grounds.reduce((under, color) => over(color, under), [255, 255, 255]);
    const ink = over(rgba(getComputedStyle(element).color), ground);
    const [low, high] = [light(ink), light(ground)].sort((a, b) => a - b);
    found.push([(high + 0.05) / (low + 0.05), element.className + " " + element.localName]);
  }
  return found.sort((a, b) => a[0] - b[0])[0];
}"""

Open = Callable[..., Any]


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Opens a session's page; at the end, nothing else was asked for and nothing was complained of."""
    files: list[str] = []

    def written(session: Session) -> str:
        file = tmp_path / f"page{len(files)}.html"
        file.write_text("".join(html.render(session)), "utf-8")
        files.append(file.as_uri())
        return file.as_uri()

    with watched(browser, lambda url: url.split("#")[0] in files or url == "data:,") as opened:
        yield lambda session, **options: opened(written(session), **options)


def shown(page: Any) -> list[str]:
    """The ids of the entries that can be seen."""
    return page.eval_on_selector_all("article", "all => all.filter(one => one.checkVisibility()).map(one => one.id)")


def search(page: Any, query: str) -> None:
    """Type into the search box and wait for what it says."""
    page.fill("#find", query)
    page.wait_for_selector("#found:not(:empty)")


def marked(page: Any, name: str) -> list[str]:
    """The texts that are marked."""
    return page.evaluate(
        "name => Array.from(CSS.highlights.get(name) ?? []).map(one =>"
        " one.startContainer.data.slice(one.startOffset, one.endOffset))",
        name,
    )


def test_it_renders(open_page: Open) -> None:
    """Title, landmarks, one article an entry, each with a name; calls are folded."""
    page = open_page(everything())
    assert page.title() == "A title"
    assert page.inner_text("h1") == "A title"
    for role in ("banner", "main", "navigation", "search", "contentinfo"):
        assert page.get_by_role(role).count() == 1, role
    assert page.get_by_role("article").count() == 7
    assert page.get_by_role("article", name="Bash").count() == 1
    assert page.get_by_role("heading", level=2, name="Assistant").count() == 2
    assert not page.is_visible("#e4 pre")
    page.click("#e4 summary")
    assert page.is_visible("#e4 pre.diff")
    assert page.evaluate("getComputedStyle(document.querySelector('ins')).backgroundColor") != page.evaluate(
        "getComputedStyle(document.querySelector('del')).backgroundColor"
    )


def test_it_searches_and_marks(open_page: Open) -> None:
    """What does not fit goes, what fits is marked and unfolded, and emptying the box brings all back folded."""
    page = open_page(everything())
    search(page, "OLD")
    assert shown(page) == ["e4"]
    assert page.inner_text("#found") == "1 of 7"
    assert marked(page, "hit") == ["old"]
    assert page.is_visible("#e4 pre.diff")
    search(page, "two one")  # words in any order
    page.wait_for_selector("#e5 pre.diff")
    assert shown(page) == ["e5"]
    search(page, '"git diff"')
    page.wait_for_selector("#e4 pre.diff")
    assert shown(page) == ["e4"]
    search(page, "no such words (.*")
    page.wait_for_selector("#nothing")
    assert shown(page) == []
    page.click("#clear")
    assert len(shown(page)) == 7
    assert page.input_value("#find") == ""
    assert not page.is_visible("#e4 pre.diff")


def test_matches_are_stepped_through(open_page: Open) -> None:
    """Enter goes to the first match, n on, p and Shift+N back, around the ends; the match is in sight."""
    page = open_page(many(300))
    page.keyboard.press("/")
    page.keyboard.type("last")
    page.wait_for_selector("#found:not(:empty)")
    count = len(marked(page, "hit"))
    assert count > 30
    page.keyboard.press("Enter")
    assert page.inner_text("#found") == f"1 of {count} matches"
    page.keyboard.press("n")
    page.keyboard.press("n")
    assert page.inner_text("#found") == f"3 of {count} matches"
    assert marked(page, "now") == ["last"]
    for key in ("p", "Shift+N", "p"):
        page.keyboard.press(key)
    assert page.inner_text("#found") == f"{count} of {count} matches"
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    place = page.evaluate("[...CSS.highlights.get('now')][0].startContainer.parentElement.getBoundingClientRect().top")
    assert 0 < place < 900
    page.keyboard.press("Escape")
    assert page.inner_text("#found") == ""
    assert len(shown(page)) == 300


def test_kinds_are_shown_alone(open_page: Open) -> None:
    """One button shows only what people said, one only tools, one only failures, together with the search."""
    page = open_page(everything())
    page.click("[data-show=call]")
    assert shown(page) == ["e4", "e5", "e6"]
    page.click("[data-show=failed]")
    assert shown(page) == ["e5"]
    assert page.get_attribute("[data-show=failed]", "aria-pressed") == "true"
    page.click("[data-show=assistant]")
    search(page, "plan")
    page.wait_for_selector("#e7", state="hidden")
    assert shown(page) == ["e3"]


def test_keys_fold_and_move(open_page: Open) -> None:
    """The key e unfolds and folds everything, j and k go from entry to entry, Enter unfolds one, ? tells the keys."""
    page = open_page(everything())
    folds = page.locator("main details").count()
    page.keyboard.press("e")
    assert page.locator("main details[open]").count() == folds
    assert page.inner_text("#fold") == "Fold all"
    page.keyboard.press("e")
    assert page.locator("main details[open]").count() == 0
    for _ in range(4):
        page.keyboard.press("j")
    assert page.evaluate("document.activeElement.id") == "e4"
    page.keyboard.press("k")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    assert page.is_visible("#e4 pre.diff")
    page.keyboard.press("?")
    assert page.is_visible("dialog")
    page.keyboard.press("e")  # a dialog has the keys for itself
    assert page.locator("main details[open]").count() == 1
    page.keyboard.press("Escape")
    assert not page.is_visible("dialog")
    page.click("#find")
    page.keyboard.type("jke?")
    assert page.input_value("#find") == "jke?"


def test_a_link_leads_to_its_entry(open_page: Open) -> None:
    """A link to an entry shows and unfolds it, also where a filter hid it."""
    page = open_page(everything())
    page.click("[data-show=user]")
    page.evaluate("location.hash = '#e4'")
    page.wait_for_selector("#e4 pre.diff")
    page.click("nav.prompts a")
    assert page.evaluate("location.hash") == "#e2"


def test_changed_files_lead_to_their_calls(open_page: Open) -> None:
    """Each file that was changed is listed with the calls that did it; a link leads to the call and unfolds it."""
    made = everything()
    made.add_tool_execution("Write", {"file_path": "/p/docs/new.md", "content": "new"}, "ok", success=True)
    made.add_tool_execution("Edit", {"file_path": "/p/docs/new.md", "old_string": "n", "new_string": "N"}, "ok", True)
    page = open_page(made)
    page.click("text=1 file changed")
    assert page.inner_text(".touched code") == "docs/new.md"
    assert page.eval_on_selector_all(".touched a", "all => all.map(one => one.hash)") == ["#e8", "#e9"]
    page.click(".touched a >> nth=1")
    page.wait_for_selector("#e9 pre.diff")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_themes_follow_the_system_and_the_switch(open_page: Open, scheme: str) -> None:
    """Light and dark as the system says, until the switch says otherwise."""
    page = open_page(everything(), color_scheme=scheme)
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    system = page.evaluate(ground)
    page.keyboard.press("t")
    light = page.evaluate(ground)
    page.click("#theme")
    dark = page.evaluate(ground)
    assert light != dark
    assert system == (light if scheme == "light" else dark)
    assert page.inner_text("#theme") == "Theme: dark"
    kept = "localStorage.getItem('superqode-theme')"
    assert page.evaluate(kept) == "dark"
    page.reload()
    assert (page.evaluate(kept), page.inner_text("#theme")) == ("dark", "Theme: dark")
    assert page.evaluate(ground) == dark


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read(open_page: Open, scheme: str) -> None:
    """Every text stands out from its ground by 4.5 to 1 or more, unfolded, marked, in both themes."""
    made = everything()
    made.add_tool_execution("Write", {"file_path": "/p/new.md", "content": "new"}, "ok", success=True)
    page = open_page(made, color_scheme=scheme)
    page.keyboard.press("e")
    for summary in page.locator(".about summary").all():
        summary.click()
    # Marks have no element of their own: their two pairs of colours are measured on some.
    page.evaluate("""() => ["mark", "mark-now"].forEach((name) => {
      const shown = document.querySelector("main").appendChild(document.createElement("p"));
      Object.assign(shown.style, { background: `var(--${name})`, color: `var(--${name}-ink)` });
      shown.append(name);
    })""")
    worst = page.evaluate(_MEASURE)
    assert worst[0] >= _CONTRAST, worst


def test_nothing_of_a_session_runs(open_page: Open) -> None:
    """Payloads in every field are text: no script ran, and the conversation has no element that could run or load."""
    page = open_page(attack())
    page.keyboard.press("e")
    for at in range(0, page.evaluate("document.body.scrollHeight"), 5_000):
        page.evaluate("at => scrollTo(0, at)", at)
    search(page, "<script>")
    page.keyboard.press("Escape")
    page.mouse.move(300, 400)
    assert page.evaluate("typeof window.pwned") == "undefined"
    assert page.locator("script").count() == 1
    assert page.locator("main :is(script, style, img, svg, iframe, object, embed, form, link, base, meta)").count() == 0
    assert page.locator("main a:not([href^='#']):not([href^='http'])").count() == 0
    assert page.evaluate(
        "Array.from(document.querySelectorAll('*')).every(one =>"
        " one.getAttributeNames().every(name => !name.startsWith('on') && name !== 'style'))"
    )


def test_what_got_in_would_not_run(browser: Any, tmp_path: Path) -> None:
    """The policy is the second wall: markup put into the file by force runs nothing and reaches nobody."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        forced = (
            f"<script>window.pwned=1</script><script src={address}></script><img src={address} onerror=window.pwned=1>"
            f"<link rel=stylesheet href={address}><iframe src={address}></iframe><style>@import '{address}';</style>"
            f"<object data={address}></object><video src={address}></video><base href={address}><p id=there>there</p>"
            f"<form action={address}><button id=send>send</button></form>"
        )
        file = tmp_path / "forced.html"
        file.write_text("".join(html.render(everything())).replace("<main", f"{forced}<main"), "utf-8")
        page = browser.new_page()
        refused: list[str] = []
        page.on("console", lambda message: refused.append(message.text))
        page.goto(file.as_uri())
        assert page.inner_text("#there") == "there"
        page.evaluate("document.getElementById('send').form.requestSubmit()")
        page.wait_for_timeout(300)
        told = page.evaluate("address => fetch(address).then(() => 'sent', () => 'refused')", address)
        assert (told, page.evaluate("typeof window.pwned")) == ("refused", "undefined")
        assert len(refused) >= 8
        assert select.select([listener], [], [], 0.3)[0] == []
        page.close()


@pytest.mark.parametrize("make", [everything, attack], ids=["everything", "attack"])
def test_a_phone_scrolls_one_way(open_page: Open, make: Callable[[], Session]) -> None:
    """At 390 pixels nothing stands out to the side, folded and unfolded."""
    page = open_page(make(), viewport={"width": 390, "height": 844})
    for _ in range(2):
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        page.keyboard.press("e")
        page.click(".about summary")
    search(page, "a")
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_a_long_session_stays_usable(open_page: Open) -> None:
    """Ten thousand entries open, reach their end and find one among them; what is out of sight is not drawn."""
    made = many(10_000)
    page = open_page(made)
    assert page.locator("article").count() == 10_000
    assert page.evaluate("getComputedStyle(document.querySelector('article')).contentVisibility") == "auto"
    page.keyboard.press("End")
    search(page, "minutes later")
    assert int(page.inner_text("#found").split()[0].replace(",", "")) == sum(
        "minutes later" in getattr(entry, "content", "") for entry in made.timeline
    )


def test_it_prints_as_it_is_folded(open_page: Open) -> None:
    """On paper there are no tools, nothing is cut, and the whole conversation is there."""
    page = open_page(many(40))
    page.emulate_media(media="print")
    assert not page.is_visible(".tools")
    assert not page.is_visible("nav")
    assert page.evaluate("getComputedStyle(document.querySelector('pre')).maxHeight") == "none"
    assert page.evaluate("getComputedStyle(document.querySelector('article')).contentVisibility") == "visible"
    assert page.pdf().startswith(b"%PDF")


def test_it_can_be_read_without_javascript(open_page: Open) -> None:
    """Without scripts there is no search, and everything can be read and unfolded all the same."""
    page = open_page(everything(), java_script_enabled=False)
    assert not page.is_visible(".tools")
    page.click("#e4 summary")
    assert page.is_visible("#e4 pre.diff")
