// Search, folding, keys and theme. Works on what is in the page; fetches nothing, makes no markup of any text.
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const root = document.documentElement;
  let entries = [], days = [];
  const take = () => {
    entries = Array.from(document.querySelectorAll("article.entry"));
    days = Array.from(document.querySelectorAll(".day"));
  };
  take();
  const find = $("find"), found = $("found"), fold = $("fold"), theme = $("theme"), help = $("help");
  const MARKS_MAX = 20000; // more than anybody steps through
  const UNFOLD_MAX = 1000; // what a search unfolds at once; the rest when somebody steps there
  const WAIT = 120; // milliseconds between the last letter and the search
  root.classList.add("js");

  // -- search --------------------------------------------------------------------------------------------------

  const texts = new Map(); // article -> its text, read when first searched
  const opened = new Set(); // details that the search unfolded, and folds again
  let words = [], kind = "all", marks = [], now = -1;

  const textOf = (entry) => {
    if (!texts.has(entry)) texts.set(entry, entry.textContent);
    return texts.get(entry);
  };
  // Words in any order; "in quotes" they stand together.
  const read = (query) =>
    Array.from(query.matchAll(/"([^"]+)"?|\S+/g), (part) => (part[1] ?? part[0]).replace(/^"+/, "")).filter(Boolean)
      .map((word) => new RegExp(word.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"), "giu"));
  const holds = (text, word) => { word.lastIndex = 0; return word.test(text); };
  const ofKind = (entry) =>
    kind === "all" || (kind === "failed" ? entry.classList.contains("failed") : entry.dataset.kind === kind);

  function search() {
    words = read(find.value);
    for (const details of opened) details.open = false;
    opened.clear();
    let shown = 0;
    for (const entry of entries) {
      const fits = ofKind(entry) && words.every((word) => holds(textOf(entry), word));
      if (entry.hidden === fits) entry.hidden = !fits;
      if (fits) shown += 1;
    }
    const whole = !words.length && kind === "all";
    for (const day of days) day.hidden = !whole;
    $("nothing").hidden = shown > 0 || !entries.length;
    mark();
    found.textContent = whole ? "" : `${shown.toLocaleString("en")} of ${entries.length.toLocaleString("en")}`;
    $("next").disabled = $("back").disabled = !marks.length;
  }

  function mark() {
    marks = [];
    now = -1;
    const any = words.length && new RegExp(words.map((word) => word.source).join("|"), "giu");
    if (any) {
      for (const entry of entries) {
        if (entry.hidden) continue;
        const walker = document.createTreeWalker(entry, NodeFilter.SHOW_TEXT);
        for (let node = walker.nextNode(); node && marks.length < MARKS_MAX; node = walker.nextNode()) {
          for (const hit of node.data.matchAll(any)) {
            if (marks.length >= MARKS_MAX) break;
            marks.push(new StaticRange({
              startContainer: node, startOffset: hit.index, endContainer: node, endOffset: hit.index + hit[0].length,
            }));
            if (opened.size < UNFOLD_MAX) unfold(node.parentElement);
          }
        }
        if (marks.length >= MARKS_MAX) break;
      }
    }
    paint();
  }

  function unfold(element) {
    for (let at = element; at && !at.matches("main"); at = at.parentElement) {
      if (at.localName !== "details" || at.open) continue;
      if (element.closest("summary")?.parentElement === at) continue; // seen as it is
      at.open = true;
      opened.add(at);
    }
  }

  function paint() {
    if (!globalThis.CSS?.highlights) return; // an older browser: what fits is shown, unmarked
    CSS.highlights.delete("hit");
    CSS.highlights.delete("now");
    const hits = new Highlight();
    for (const range of marks) hits.add(range);
    CSS.highlights.set("hit", hits);
    if (now >= 0) {
      const one = new Highlight(marks[now]);
      one.priority = 1;
      CSS.highlights.set("now", one);
    }
  }

  function step(by) {
    if (!marks.length) return;
    now = now < 0 ? (by > 0 ? 0 : marks.length - 1) : (now + by + marks.length) % marks.length;
    const place = marks[now].startContainer.parentElement;
    unfold(place);
    paint();
    place.scrollIntoView({ block: "center" });
    // What was never drawn is as high as was guessed: once more, now that it is.
    requestAnimationFrame(() => place.scrollIntoView({ block: "center" }));
    found.textContent = `${(now + 1).toLocaleString("en")} of ${marks.length.toLocaleString("en")} matches`;
  }

  function show(wanted) {
    kind = wanted;
    for (const button of document.querySelectorAll("[data-show]"))
      button.setAttribute("aria-pressed", String(button.dataset.show === kind));
    search();
  }

  function clear() {
    find.value = "";
    show("all");
  }

  // -- folding and moving --------------------------------------------------------------------------------------

  const foldable = () => entries.filter((entry) => !entry.hidden)
    .flatMap((entry) => Array.from(entry.querySelectorAll("details")));

  function foldAll() {
    const open = fold.getAttribute("aria-pressed") !== "true";
    for (const details of foldable()) details.open = open;
    opened.clear();
    fold.setAttribute("aria-pressed", String(open));
    fold.textContent = open ? "Fold all" : "Unfold all";
  }

  function move(by) {
    const visible = entries.filter((entry) => !entry.hidden);
    if (!visible.length) return;
    const at = visible.indexOf(document.activeElement?.closest("article.entry"));
    const top = $("find").closest(".tools").getBoundingClientRect().bottom;
    let next = at + by;
    if (at < 0) {
      next = visible.findIndex((entry) => entry.getBoundingClientRect().bottom > top);
      if (next < 0) next = visible.length - 1;
    }
    const entry = visible[Math.min(Math.max(next, 0), visible.length - 1)];
    entry.focus({ preventScroll: true });
    entry.scrollIntoView({ block: "start" });
  }

  function toggle() {
    const details = document.activeElement?.matches("article.entry") && document.activeElement.querySelector("details");
    if (details) details.open = !details.open;
  }

  // -- theme ---------------------------------------------------------------------------------------------------

  const THEMES = ["auto", "light", "dark"];
  function dress(name) {
    root.dataset.theme = THEMES.includes(name) ? name : "auto";
    theme.textContent = `Theme: ${root.dataset.theme}`;
  }
  function nextTheme() {
    dress(THEMES[(THEMES.indexOf(root.dataset.theme) + 1) % THEMES.length]);
    try { localStorage.setItem("superqode-theme", root.dataset.theme); } catch { /* a browser that keeps nothing */ }
  }
  try { dress(localStorage.getItem("superqode-theme")); } catch { dress("auto"); }

  // -- wiring --------------------------------------------------------------------------------------------------

  let timer = 0;
  find.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(search, WAIT); });
  find.addEventListener("keydown", (event) => {
    // As in a pager: Enter goes to the first match, and from there on n and p.
    if (event.key === "Enter") { clearTimeout(timer); search(); find.blur(); step(event.shiftKey ? -1 : 1); }
    else if (event.key === "Escape") { clear(); find.blur(); }
    else return;
    event.preventDefault();
  });
  $("next").addEventListener("click", () => step(1));
  $("back").addEventListener("click", () => step(-1));
  $("clear").addEventListener("click", clear);
  fold.addEventListener("click", foldAll);
  theme.addEventListener("click", nextTheme);
  $("keys").addEventListener("click", () => help.showModal());
  for (const button of document.querySelectorAll("[data-show]"))
    button.addEventListener("click", () => show(button.dataset.show));

  const KEYS = {
    "/": () => { find.focus(); find.select(); },
    n: () => step(1), N: () => step(-1), p: () => step(-1), j: () => move(1), k: () => move(-1),
    e: foldAll, t: nextTheme, "?": () => help.showModal(), Escape: clear, Enter: toggle,
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || help.open) return;
    if (event.target.closest("input, button, summary, a") && (event.key === "Enter" || event.target === find)) return;
    const act = Object.hasOwn(KEYS, event.key) && KEYS[event.key];
    if (!act) return;
    if (event.key !== "Enter" && event.key !== "Escape") event.preventDefault();
    act();
  });

  // A page that is served may get more entries while it is read.
  document.addEventListener("entriesadded", () => { take(); if (words.length || kind !== "all") search(); });

  // A link to an entry shows it, whatever is filtered, and unfolds it.
  function arrive() {
    const entry = /^#e\d+$/.test(location.hash) && $(location.hash.slice(1));
    if (!entry) return;
    if (entry.hidden) clear();
    const details = entry.matches(".folds") && entry.querySelector("details");
    if (details) details.open = true;
    entry.scrollIntoView({ block: "start" });
  }
  addEventListener("hashchange", arrive);
  arrive();
})();
