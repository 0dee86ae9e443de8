// Follows changes: new entries of a conversation come at its end, lists are made anew. Theme as the reader chose.
(() => {
  "use strict";
  const body = document.body, news = document.getElementById("news");
  try {
    const theme = localStorage.getItem("superqode-theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch { /* a browser that keeps nothing */ }

  if (!body.dataset.live) return;
  const conversation = document.getElementById("conversation");
  let busy = false, again = false;

  const events = new EventSource(body.dataset.live);
  events.addEventListener("message", (event) => {
    const fresh = JSON.parse(event.data).state;
    if (fresh !== body.dataset.state) update();
  });

  // A parsed document without a browsing context: its scripts never run, and no text is made markup here.
  function read(url, then) {
    const request = new XMLHttpRequest();
    request.responseType = "document";
    request.open("GET", url);
    request.addEventListener("loadend", () => then(request.status, request.response));
    request.send();
  }

  function update() {
    if (busy) { again = true; return; }
    busy = true;
    const done = () => { busy = false; if (again) { again = false; update(); } };
    if (conversation) grow(done); else renew(done);
  }

  function grow(done) {
    const url = new URL(location.pathname, location.href);
    url.searchParams.set("since", body.dataset.count);
    url.searchParams.set("last", body.dataset.last);
    read(url, (status, page) => {
      if (status === 200 && page) append(page);
      else offer(status === 204 ? "This session went another way. " : "This session changed. ");
      done();
    });
  }

  function append(page) {
    const atEnd = innerHeight + scrollY >= document.documentElement.scrollHeight - 80;
    const place = document.getElementById("nothing");
    const fresh = Array.from(page.body.children);
    for (const element of fresh) place.before(document.adoptNode(element));
    for (const empty of conversation.querySelectorAll(".empty:not(#nothing)")) empty.remove();
    Object.assign(body.dataset, page.body.dataset);
    document.dispatchEvent(new Event("entriesadded"));
    const count = fresh.filter((element) => element.matches("article")).length;
    if (count) news.textContent = `${count} new ${count === 1 ? "entry" : "entries"}`;
    if (atEnd) scrollTo({ top: document.documentElement.scrollHeight });
  }

  function renew(done) {
    const main = document.getElementById("listing");
    if (main.contains(document.activeElement) && document.activeElement.matches("input")) {
      offer("There is news. ");
      done();
      return;
    }
    read(location.href, (status, page) => {
      const fresh = status === 200 && page?.getElementById("listing");
      if (fresh) {
        main.replaceWith(document.adoptNode(fresh));
        body.dataset.state = page.body.dataset.state;
      } else offer("This page changed. ");
      done();
    });
  }

  function offer(told) {
    const button = document.createElement("button");
    button.textContent = "Show it as it is now";
    button.addEventListener("click", () => location.reload());
    news.replaceChildren(told, button);
  }
})();
