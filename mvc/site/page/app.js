// The address is the state: each fragment is a screen.

// What keys do on this screen.
let keys = {};
// {one, row}: the version of a model that another one is to be compared with.
let chosen = null;
let turn = 0;
const scrolls = new Map();

function screenOf([key, second, third]) {
  if (key === undefined) return overviewScreen();
  if (key === "storage" && !second && !site.models.some((entry) => entry.key === key)) return storageScreen();
  return model(key).then((one) => {
    if (second === undefined) return versionsScreen(one);
    if (second === "metrics") return metricsScreen(one);
    if (second === "aliases") return aliasesScreen(one, third);
    const rows = second.split("...").map((text) => one.find(text));
    return rows.length === 2 ? compareScreen(one, rows) : versionScreen(one, rows[0]);
  });
}

async function route() {
  if (location.hash && !location.hash.startsWith("#/")) return;
  const mine = ++turn;
  const address = location.hash;
  const view = document.querySelector("main");
  let parts = [];
  let content;
  keys = {};
  document.querySelector("dialog")?.close();
  try {
    parts = address.slice(2).split("/").filter(Boolean).map(decodeURIComponent);
    content = await screenOf(parts);
  } catch (error) {
    if (error instanceof URIError) error = new Missing("No such screen", "The address is not complete.");
    if (!(error instanceof Missing)) reportError(error);
    content = heading(error.message, h("p", x(error.why)), link(parts.slice(0, -1), "Back"));
  }
  if (mine !== turn) return;
  put(view, content);
  document.title = joined([view.querySelector("h1").textContent, site.title || "mvc"])
    .flat()
    .join("");
  put(
    document.querySelector("#top nav"),
    parts.map((part, at) => [
      dim("/"),
      at < parts.length - 1 ? link(parts.slice(0, at + 1), x(part)) : h("span", { "aria-current": "page" }, x(part))
    ])
  );
  if (turn > 1) view.querySelector("h1").focus({ preventScroll: true });
  scrollTo(0, scrolls.get(address) ?? 0);
  showChosen();
  // For programs that read the page: what is drawn.
  view.dataset.address = address;
}

function showChosen() {
  const box = document.querySelector("#chosen");
  box.hidden = !chosen;
  put(
    box,
    chosen && [
      "Compare ",
      h("b.num", chosen.one.label(chosen.row)),
      " of ",
      x(chosen.one.key),
      " with: choose a version and press ",
      h("kbd", "c"),
      button("Cancel", () => showChosen((chosen = null)))
    ]
  );
}

function help() {
  const rows = [
    "j next version",
    "k previous version",
    "Enter open the version",
    "c compare it with another",
    "x swap the sides of a comparison",
    "/ filter versions",
    "Esc back, or clear"
  ];
  const box = h(
    "dialog",
    { "aria-label": "Keyboard", onclose: () => box.remove() },
    h("h2", "Keyboard"),
    rows.map((row) =>
      h(
        "p",
        row.split(" ").map((word, at) => (at ? " " + word : h("kbd", word)))
      )
    ),
    button("Close", () => box.close())
  );
  document.body.append(box);
  box.showModal();
}

addEventListener("keydown", (event) => {
  const inside = (kinds) => event.target.closest(kinds);
  if (
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    inside("dialog") ||
    (event.key === "Enter" && inside("a, button, summary"))
  )
    return;
  if (event.key === "Escape") event.target.blur();
  else if (inside("input, select")) return;
  const act = event.key === "?" ? help : own(keys, event.key);
  if (!act) return;
  event.preventDefault();
  act();
});
addEventListener("hashchange", route);
addEventListener("scroll", () => scrolls.set(location.hash, scrollY), { passive: true });

addEventListener("DOMContentLoaded", () => {
  history.scrollRestoration = "manual";
  document.querySelector("#top button").onclick = help;
  route();
});
