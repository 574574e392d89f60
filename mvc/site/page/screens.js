// The screens of the whole page: all models with their lineage, and storage. Each returns its nodes.

const chip = (kind, name, parts) =>
  h(`${parts ? "a" : "span"}.chip.${kind}`, { href: parts && address(...parts), title: kind }, x(name));
const alarm = (text) => h("span.chip.breaking", text);
const heading = (title, ...below) => h("div.heading", h("h1", { tabindex: -1 }, title), below);
const empty = (...content) => h("p.empty", content);

function overviewScreen() {
  return [
    heading(x(site.title || "Models"), dim(many(site.models.length, "model"))),
    site.models.length
      ? h(
          "ul.models",
          site.models.map((entry) =>
            h(
              "li.card",
              h("h2", link([entry.key], x(entry.key))),
              dim(joined([entry.type, entry.framework].map((text) => text && x(text)))),
              h(
                "p.chips",
                entry.aliases.map(({ name, id }) => chip("alias", name, [entry.key, id.slice(0, 10)]))
              ),
              tiles(
                Object.entries(entry.metrics)
                  .slice(0, 4)
                  .map(([name, value]) => [name, number(value)])
              ),
              entry.last &&
                h("p.note", x(entry.last.subject), h("br"), dim(x(entry.last.author), " · ", when(entry.last.time))),
              dim(many(entry.versions, "version"), " · ", many(entry.branches, "branch", "branches"))
            )
          )
        )
      : empty("No model yet. ", code("mvc init --model NAME"), " makes one."),
    card("Lineage", lineage(site.lineage))
  ];
}

/** Models above those that they were trained from, with the lanes of the version graph. */
function lineage(edges) {
  if (!edges.length) return null;
  const known = edges.filter(({ parent }) => parent.known);
  const left = new Set(known.flatMap(({ child, parent }) => [child.model, parent.model]));
  const order = [];
  const parents = (key) => [
    ...new Set(known.filter(({ child }) => child.model === key).map(({ parent }) => parent.model))
  ];
  const visit = (key) => {
    if (!left.delete(key)) return;
    parents(key).forEach(visit);
    order.unshift(key);
  };
  [...left].forEach(visit);
  const graph = lanes(
    order.map((key, row) =>
      parents(key)
        .map((parent) => order.indexOf(parent))
        .filter((at) => at > row)
    )
  );
  return [
    h(
      "div.lineage",
      s(
        "svg",
        { "aria-hidden": "true", width: 14 + graph.width * 16, height: order.length * 32 },
        drawGraph(graph, 0, order.length - 1, 32, 16, () => false)
      ),
      h(
        "ul",
        order.map((key) => h("li", link([key], x(key))))
      )
    ),
    table(
      ["Version", "Trained from"],
      edges.map(({ child, parent }) => [versionOf(child), versionOf(parent)])
    )
  ];
}

/** A version of any model; of one that is not here, the text that names it. */
const versionOf = ({ model: key, id, number: count, known = true, text }) =>
  known ? link([key, id.slice(0, 10)], x(key), " v" + count) : [x(text), dim(" not in this repository")];

const SAVED = {
  sharing: "stored once for several versions",
  zstd: "compression",
  planes: "numbers stored byte by byte",
  delta: "difference from an earlier tensor"
};

async function storageScreen() {
  const { raw, stored, by, models: list } = await load(site.storage);
  const rows = [{ what: "stored", bytes: stored }, ...by].filter((one) => one.bytes);
  const whole = rows.reduce((sum, one) => sum + one.bytes, 0) || 1;
  let left = 0;
  return [
    heading("Storage"),
    h(
      "section.card",
      tiles([
        ["All versions, as files", bytes(raw)],
        ["Stored", bytes(stored)],
        ["Smaller by", raw ? Math.round((1 - stored / raw) * 100) + " %" : "–"]
      ]),
      s(
        "svg.bars",
        {
          viewBox: "0 0 1000 20",
          preserveAspectRatio: "none",
          role: "img",
          "aria-label": `${bytes(stored)} of ${bytes(raw)} are stored`
        },
        rows.map((one) => {
          const width = (one.bytes / whole) * 1000;
          left += width;
          return s("rect." + one.what, { x: left - width, width: Math.max(1, width - 2), height: 20 });
        })
      ),
      table(
        ["Part", "#Bytes", "#Share"],
        rows.map(({ what, bytes: size }) => [
          [h("i." + what), " ", x(what), " ", dim(own(SAVED, what))],
          bytes(size),
          ((size / whole) * 100).toFixed(1) + " %"
        ])
      )
    ),
    card(
      "Models",
      table(
        ["Model", "#Versions", "#As files"],
        list.map((one) => [link([one.key], x(one.key)), number(one.versions), bytes(one.bytes)])
      )
    ),
    h("p", code("mvc prune -n"), " lists what dropping old versions would free.")
  ];
}
