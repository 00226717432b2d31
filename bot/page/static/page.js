// Without this script the page works by links and forms. With it the slider moves in place, and the list narrows while one types.

/** Milliseconds of rest after which the address names what is shown: browsers allow a hundred new addresses in half a minute. */
const REST = 200;

const csrf = () => document.querySelector('meta[name="csrf"]')?.content ?? "";

/** Asks for the newest wish only: those that came while an answer was on its way are left out. */
function newest(ask) {
  let wanted;
  let busy = false;
  return async (wish) => {
    wanted = wish;
    if (busy) return;
    busy = true;
    try {
      while (wanted !== undefined) {
        const now = wanted;
        wanted = undefined;
        await ask(now);
      }
    } finally {
      busy = false;
    }
  };
}

/** Returns the text of an answer; a session that ended begins anew with the page. */
async function fetched(address, options = {}) {
  const response = await fetch(address, { ...options, redirect: "error" });
  if (response.status === 401) location.reload();
  if (!response.ok) throw new Error(String(response.status));
  return response.text();
}

function enter(form) {
  const token = location.hash.slice(1);
  if (!token) return;
  history.replaceState(null, "", location.pathname);
  form.elements.token.value = token;
  form.requestSubmit();
}

function find(form) {
  const rows = document.getElementById("rows");
  const show = newest(async () => {
    const asked = new URLSearchParams(new FormData(form));
    asked.set("rows", "1");
    rows.innerHTML = await fetched(form.action, { method: "POST", body: asked, headers: { "X-CSRF-Token": csrf() } });
  });
  form.elements.words.addEventListener("input", () => show(true));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show(true);
  });
}

function slide(form) {
  const moment = document.getElementById("moment");
  const range = document.getElementById("at");
  const by = document.getElementById("by");
  const path = location.pathname;
  let shown = new URLSearchParams(location.search);
  let later;
  const [first, last] = [Number(form.dataset.first), Number(form.dataset.last)];

  const isTime = () => by.value === "time";

  function place() {
    const here = moment.querySelector(".here");
    const version = Number(here.dataset.version);
    range.max = isTime() ? Math.max(last - first, 1) : here.dataset.head;
    range.value = isTime() ? Number(here.dataset.at ?? first) - first : version;
    range.step = isTime() ? "any" : "1";
    range.setAttribute("aria-valuetext", document.getElementById("when").textContent);
    document.getElementById("point").value = version;
    observe();
  }

  /** Returns what can be opened, such as a spoiler: by its message (or none), and by its number in there. */
  function foldable() {
    const found = new Map();
    for (const each of moment.querySelectorAll("details")) {
      const home = each.closest("li[id], aside");
      let number = 0;
      while (found.has(`${home?.id} ${number}`)) number += 1;
      found.set(`${home?.id} ${number}`, each);
    }
    return found;
  }

  const show = newest(async (query) => {
    const text = await fetched(`${path}/moment?${query}`);
    const opened = [...foldable()].filter(([, each]) => each.open);
    moment.innerHTML = text;
    const there = foldable();
    for (const [name] of opened) there.get(name)?.setAttribute("open", "");
    const version = moment.querySelector(".here").dataset.version;
    if (query.has("at")) query.set("at", version);
    query.delete("before");
    shown = query;
    clearTimeout(later);
    later = setTimeout(remember, REST);
    if (document.activeElement === range && isTime()) {
      range.setAttribute("aria-valuetext", document.getElementById("when").textContent);
      document.getElementById("point").value = version;
      observe();
    } else {
      place();
    }
    document.dispatchEvent(new CustomEvent("moment", { detail: version }));
  });

  function remember() {
    history.replaceState(null, "", shown.size ? `${path}?${shown}` : path);
  }

  function go(at) {
    const query = new URLSearchParams(shown);
    query.delete("before");
    query.set("at", at);
    show(query);
  }

  /** Loads older messages when their link comes into view. */
  function observe() {
    const link = moment.querySelector(".older a");
    if (link) watcher.observe(link);
  }

  const watcher = new IntersectionObserver(async (seen) => {
    const link = seen.find((each) => each.isIntersecting && each.target.isConnected)?.target;
    if (!link) return;
    watcher.unobserve(link);
    const text = await fetched(`${path}/older${new URL(link.href).search}`);
    if (!link.isConnected) return;
    const made = document.createElement("div");
    made.innerHTML = text;
    const list = link.closest(".pane").querySelector(".messages");
    link.parentElement.remove();
    list.prepend(...made.querySelectorAll(".messages > li"));
    const older = made.querySelector(".older");
    if (older) list.before(older);
    observe();
  });

  range.addEventListener("input", () => {
    go(isTime() ? new Date((first + Number(range.value)) / 1000).toISOString() : range.value);
  });
  by.addEventListener("change", place);
  moment.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || link.pathname !== path || link.hash) return;
    if (link.origin !== location.origin || link.closest(".older, .words")) return;
    event.preventDefault();
    const rel = link.rel;
    show(new URLSearchParams(link.search)).then(() => moment.querySelector(`a[rel="${rel}"]`)?.focus());
  });
  /** Tells whether somebody reads further up, or has opened or selected something: it would be gone. */
  function isReading() {
    const [pane, selection] = [moment.querySelector(".pane"), getSelection()];
    const selects = !selection.isCollapsed && moment.contains(selection.anchorNode);
    return pane.scrollTop <= -20 || pane.querySelector("details[open]") !== null || selects;
  }

  /** Follows the conversation while its newest version is shown and nobody is reading; what came meanwhile waits. */
  function follow() {
    const source = new EventSource(`${path}/live?version=${form.dataset.head}`);
    const news = document.getElementById("news");
    let missed = false;
    function catchUp() {
      const waits = missed && !shown.has("at");
      news.hidden = !(waits && isReading());
      if (!waits || !news.hidden) return;
      missed = false;
      show(new URLSearchParams(shown));
    }
    source.addEventListener("message", () => {
      missed = true;
      catchUp();
    });
    for (const kind of ["scroll", "toggle"]) moment.addEventListener(kind, catchUp, { capture: true });
    document.addEventListener("selectionchange", catchUp);
    window.addEventListener("pagehide", () => source.close());
  }

  /** Shows what was done, also to who reads further up, and leaves them there. */
  document.addEventListener("acted", async () => {
    const above = moment.querySelector(".pane").scrollTop;
    await show(new URLSearchParams(shown));
    moment.querySelector(".pane").scrollTop = above;
  });

  follow();
  place();
  range.focus({ preventScroll: true });
}

for (const [id, begin] of [["enter", enter], ["find", find], ["slider", slide]]) {
  const form = document.getElementById(id);
  if (form) begin(form);
}
