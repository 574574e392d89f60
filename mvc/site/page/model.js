// The screens of one model: versions, metrics, aliases.

function modelHeading(one, tab) {
  return heading(
    x(one.key),
    dim(joined([one.about.type, one.about.framework, many(one.count, "version")].map((text) => text && x(text)))),
    one.about.description && h("p", x(one.about.description)),
    h(
      "nav.tabs",
      { "aria-label": "Model" },
      [["Versions"], ["Metrics", "metrics"], ["Aliases", "aliases"]].map(([name, ...part]) =>
        h("a", { href: address(one.key, ...part), "aria-current": name === tab && "page" }, name)
      )
    )
  );
}

/** A metric over versions; a line goes back to the nearest first parent that has the metric. */
function metricChart(one, name) {
  const values = one.metrics[name];
  const points = [];
  const index = new Map();
  for (let row = one.count; row--;) {
    if (!isNumber(values[row])) continue;
    let [from] = one.parents[row];
    while (from >= 0 && !index.has(from)) [from] = one.parents[from];
    index.set(row, points.length);
    const aliases = one.aliasesOf(row);
    points.push({
      x: -row,
      y: values[row],
      from: index.get(from) ?? -1,
      flag: aliases.length > 0,
      label: [one.label(row), ...aliases].join(" · "),
      href: address(...one.at(row))
    });
  }
  const [first, last] = [points[0], points.at(-1)];
  return (
    points.length > 1 &&
    lineChart(
      name,
      [{ name, points }],
      `${name} of ${many(points.length, "version")}, from ${number(first.y)} at ${first.label} to ${number(last.y)} at ${last.label}`
    )
  );
}

/** Choose a version to compare; the second one opens the comparison. */
function pick(one, row) {
  if (chosen?.one === one && chosen.row !== row) {
    go(...one.at(...[chosen.row, row].sort((a, b) => b - a)));
    chosen = null;
  } else chosen = chosen?.one === one ? null : { one, row };
  showChosen();
}

function versionsScreen(one) {
  if (!one.count)
    return [modelHeading(one, "Versions"), empty("No version yet. ", code("mvc commit"), " makes the first one.")];
  const graph = lanes(one.parents);
  const narrow = innerWidth <= 640;
  const [height, step] = [narrow ? 84 : 58, Math.min(16, (narrow ? 60 : 140) / graph.width)];
  const all = [...one.id.keys()];
  const hay = all.map((row) =>
    [
      one.label(row),
      one.id[row].slice(0, 10),
      one.subject[row],
      one.authors[one.author[row]].name,
      one.time[row],
      one.breaking[row] && "breaking",
      ...one.refsOf[row].map(({ name }) => name)
    ]
      .join(" ")
      .toLowerCase()
  );
  const holder = h("div.list");
  const chart = h("section.card");
  const status = h("p.dim", { role: "status" });
  let rows, list;

  function line(row) {
    const [value, before] = [row, one.parents[row][0]].map((at) => one.metrics[one.metric]?.[at]);
    return h(
      "div.row" + (row === one.row ? ".current" : ""),
      { onclick: ({ target }) => target.closest("a, button") || go(...one.at(row)) },
      h(
        "div.what",
        h(
          "p.subject",
          h(
            "a",
            { href: address(...one.at(row)), onfocus: () => select(row) },
            h("b.num", one.label(row)),
            " ",
            x(one.subject[row])
          )
        ),
        one.chips(row)
      ),
      h("p.who.dim", one.writer(row), h("br"), when(one.time[row])),
      h(
        "p.value.num",
        isNumber(value) && number(value),
        isNumber(before) && isNumber(value) && value !== before && dim(signed(value - before))
      ),
      button("Compare", () => pick(one, row), { class: "pick", "aria-label": `Compare ${one.label(row)}` })
    );
  }
  function select(row) {
    list.node(rows.indexOf(one.row))?.classList.remove("current");
    list.node(rows.indexOf(row))?.classList.add("current");
    one.row = row;
  }
  function move(by) {
    const at = Math.max(0, Math.min(rows.length - 1, rows.indexOf(one.row) + by));
    const top = list.box.getBoundingClientRect().top + at * height;
    scrollBy(0, Math.min(0, top - 80) || Math.max(0, top + height - innerHeight + 60));
    list.update();
    list.node(at)?.querySelector("a").focus({ preventScroll: true });
  }
  function show() {
    const words = filter.value.toLowerCase().split(/\s+/);
    rows = all.filter((row) => words.every((word) => hay[row].includes(word)));
    const whole = rows.length === one.count;
    status.textContent = whole ? "" : `${rows.length} of ${many(one.count, "version")}`;
    list = rowList(
      "Versions, the newest first",
      rows.length,
      height,
      (at) => line(rows[at]),
      (first, last) => (whole ? drawGraph(graph, first, last, height, step, (row) => one.aliasesOf(row).length) : [])
    );
    list.box.style.setProperty("--lanes", (whole ? 20 + step * graph.width : 0) + "px");
    holder.replaceChildren(rows.length ? list.box : empty("No version matches."));
    if (rows.length) requestAnimationFrame(() => list.update());
  }
  function plot() {
    chart.replaceChildren(...[one.metric && metricChart(one, one.metric)].filter(Boolean));
    chart.hidden = !chart.childElementCount;
    show();
  }
  const filter = h("input", {
    type: "search",
    placeholder: "Filter versions",
    "aria-label": "Filter versions",
    oninput: show
  });
  const metric = h(
    "select",
    { "aria-label": "Metric", onchange: () => plot((one.metric = metric.value)) },
    one.metricNames.map((name) => h("option", { value: name, selected: name === one.metric }, name))
  );
  plot();
  keys = {
    j: () => move(1),
    k: () => move(-1),
    c: () => one.row >= 0 && pick(one, one.row),
    Enter: () => one.row >= 0 && go(...one.at(one.row)),
    "/": () => filter.focus(),
    Escape: () => show(showChosen((chosen = null)), (filter.value = ""))
  };
  return [modelHeading(one, "Versions"), chart, h("div.bar", filter, one.metric && metric, status), holder];
}

function metricsScreen(one) {
  const names = one.metricNames;
  if (!names.length)
    return [
      modelHeading(one, "Metrics"),
      empty("No version has a metric. ", code("mvc set metrics.NAME=VALUE"), " sets one for the next version.")
    ];
  let by = names[0];
  const start = () => (one.lowest.includes(by) ? 1 : -1);
  let sign = start();
  let limit = 50;
  const holder = h("div");
  function draw() {
    const column = one.metrics[by];
    const rows = [...one.id.keys()].filter((row) => names.some((name) => isNumber(one.metrics[name][row])));
    rows.sort((a, b) => isNumber(column[b]) - isNumber(column[a]) || sign * (column[a] - column[b]));
    const box = table(
      ["Version", ...names.map((name) => "#" + name), "Author", "Date"],
      rows
        .slice(0, limit)
        .map((row) => [
          [one.link(row), one.chips(row)],
          ...names.map((name) => rated(one.metrics[name][row], one.metrics[name], one.lowest.includes(name))),
          one.writer(row),
          when(one.time[row])
        ])
    );
    box.querySelectorAll("th.n").forEach((head, at) => {
      head.ariaSort = names[at] === by ? (sign < 0 ? "descending" : "ascending") : "none";
      head.replaceChildren(
        button([x(names[at]), names[at] === by && (sign < 0 ? " ↓" : " ↑")], () => {
          sign = names[at] === by ? -sign : start((by = names[at]));
          draw();
          holder.querySelectorAll("th button")[at].focus();
        })
      );
    });
    put(
      holder,
      box,
      rows.length > limit && button(`Show more of ${many(rows.length, "version")}`, () => draw((limit += 200)))
    );
  }
  draw();
  return [
    modelHeading(one, "Metrics"),
    h(
      "div.charts",
      names
        .slice(0, 24)
        .map((name) => metricChart(one, name))
        .filter(Boolean)
        .map((chart) => h("section.card", chart))
    ),
    card("Leaderboard", holder)
  ];
}

const ACTIONS = { set: "Set", move: "Moved", rollback: "Rolled back", remove: "Removed" };

function aliasesScreen(one, only) {
  const names = Object.keys(one.aliases).filter((name) => name === (only ?? name));
  if (only !== undefined && !names.length) throw new Missing("No such alias", `${one.key} has no alias ${only}.`);
  const place = (id) => (!id ? "–" : one.rowOf.has(id) ? one.link(one.rowOf.get(id)) : code(id.slice(0, 10)));
  const line = ({ from, to, action, actor, reason, time }) => {
    const rows = [from, to].map((id) => one.rowOf.get(id)).filter(isNumber);
    return h(
      "li." + action,
      h(
        "p",
        h("b", ACTIONS[action]),
        " ",
        joined([from && place(from), to && place(to)], " → "),
        " ",
        rows.length === 2 && link(one.at(...rows), "compare")
      ),
      reason && h("p", x(reason)),
      dim(x(actor), " · ", when(time, 16))
    );
  };
  const timeline = (name) =>
    card(
      [chip("alias", name, [one.key, "aliases", name]), " → ", place(one.aliases[name][0]?.to)],
      h("ol.timeline", one.aliases[name].map(line))
    );
  return [
    modelHeading(one, "Aliases"),
    names.length
      ? h("div.columns", names.map(timeline))
      : empty("No alias yet. ", code("mvc alias set prod"), " names the current version.")
  ];
}
