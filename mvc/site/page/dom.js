"use strict";
// Elements by hand: every text of a store becomes a text node, never markup.

/** Return a text in which control characters and bidi overrides are visible. */
const plain = (text) =>
  String(text).replace(
    /[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g,
    (sign) => "\\u" + sign.charCodeAt(0).toString(16).padStart(4, "0")
  );

/** Add nodes and texts, also of nested lists; null, false and "" add nothing. */
function fill(node, ...content) {
  for (const part of content.flat(9)) if (part || part === 0) node.append(part instanceof Node ? part : plain(part));
  return node;
}

/** Give a node other content. */
function put(node, ...content) {
  node.replaceChildren();
  return fill(node, content);
}

/** Return a maker of elements: `h("p.note", {id: "a"}, "text", node, [more])`. */
const maker =
  (space) =>
  (kind, ...content) => {
    const [tag, ...classes] = kind.split(".");
    const node = document.createElementNS(`http://www.w3.org/${space}`, tag);
    if (classes.length) node.setAttribute("class", classes.join(" "));
    if (content[0]?.constructor === Object) {
      for (const [name, value] of Object.entries(content.shift())) {
        if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
        else if (value || value === 0) node.setAttribute(name, value);
      }
    }
    return fill(node, content);
  };
const h = maker("1999/xhtml");
const s = maker("2000/svg");

/** A text of the store: its writing direction ends with it. */
const x = (text) => h("bdi", text ?? "");
const code = (text) => h("code", x(text));
const dim = (...content) => h("span.dim", content);
const num = (content) => h("span.num", content);
const address = (...parts) => "#/" + parts.map(encodeURIComponent).join("/");
const link = (parts, ...content) => h("a", { href: address(...parts) }, content);
const go = (...parts) => (location.hash = address(...parts));
const button = (text, act, more) => h("button", { type: "button", onclick: act, ...more }, text);
const joined = (parts, by = " · ") => parts.filter(Boolean).map((part, at) => [at ? by : "", part]);

/** A section with a heading; nothing if it has no content. */
const card = (title, ...content) => content.flat().some(Boolean) && h("section.card", h("h2", title), content);

/** What is known of a record, nested keys as `a.b`. */
function facts(record) {
  const rows = flat(record).filter(([, value]) => ![null, undefined, "", false].includes(value));
  return (
    rows.length > 0 &&
    h(
      "dl.facts",
      rows.map(([key, value]) => h("div", h("dt", x(key)), h("dd", shown(value))))
    )
  );
}

/** Numbers with their names, large. */
const tiles = (rows) =>
  rows.length > 0 &&
  h(
    "dl.tiles",
    rows.map(([name, value]) => h("div", h("dt", x(name)), h("dd", value)))
  );

/** A table that scrolls in its own box. Columns whose title begins with `#` hold numbers; the class of a row is its `mark`. */
function table(columns, rows) {
  const line = (kind, cells) => cells.map((cell, at) => h(kind + (columns[at][0] === "#" ? ".n" : ""), cell));
  return h(
    "div.scroll",
    { tabindex: 0, role: "group", "aria-label": "Table" },
    h(
      "table",
      h(
        "thead",
        h(
          "tr",
          line(
            "th",
            columns.map((title) => x(title.replace("#", "")))
          )
        )
      ),
      h(
        "tbody",
        rows.map((row) => h("tr." + (row.mark ?? ""), line("td", row)))
      )
    )
  );
}
const marked = (mark, row) => Object.assign(row, { mark });

/** A summary that makes its content when it is first opened. */
function details(title, content) {
  const box = h("details", { ontoggle: () => box.children[1] || fill(box, content()) }, h("summary", title));
  return box;
}

function bytes(count) {
  let unit = 0;
  for (; count >= 999.5; unit++) count /= 1000;
  return (
    (unit && count < 99.95 ? count.toFixed(1) : Math.round(count)) + " " + ["B", "kB", "MB", "GB", "TB", "PB"][unit]
  );
}
const many = (count, noun, plural = noun + "s") => `${count.toLocaleString("en")} ${count === 1 ? noun : plural}`;

/** A number in five digits; a text, which a large number is, stays as it is. */
function number(value) {
  if (!isNumber(value)) return value;
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e15) return value.toLocaleString("en");
  return size >= 1e-4 && size < 1e7 ? String(+value.toPrecision(5)) : value.toExponential(2);
}
const signed = (value) => (value < 0 ? "−" : "+") + number(Math.abs(+value.toPrecision(3)));
const isNumber = (value) => typeof value === "number";

/** A value of a metric; the best of several is marked. */
function rated(value, others, lowest) {
  const lead = (one) => isNumber(one) && (lowest ? value - one : one - value);
  const best = isNumber(value) && others.some((one) => lead(one) < 0) && !others.some((one) => lead(one) > 0);
  return best ? h("b", { title: "best" }, num(value), " ★") : shown(value);
}

/** Any value of a version. */
function shown(value) {
  if (value instanceof Node) return value;
  if (value === null || value === undefined) return "–";
  if (isNumber(value)) return num(value);
  return x(
    Array.isArray(value) && value.every((one) => Object(one) !== one)
      ? value.join(", ") || "none"
      : Object(value) === value
        ? JSON.stringify(value)
        : value
  );
}

const own = (record, key) => (record && Object.hasOwn(record, key) ? record[key] : undefined);

/** Return whether a value is a table; its own key may be named `constructor`. */
const isRecord = (value) => Object(value) === value && !Array.isArray(value) && !(value instanceof Node);

/** Nested tables as `[["a.b", value], …]`. */
const flat = (record, prefix = "") =>
  Object.entries(record ?? {}).flatMap(([key, value]) =>
    isRecord(value) ? flat(value, prefix + key + ".") : [[prefix + key, value]]
  );

const when = (time, length = 10) =>
  time && h("time", { datetime: time, title: time }, time.slice(0, length).replace("T", " "));

/** Listen until the element has left the page. */
function whileShown(element, event, act) {
  const listen = () => (element.isConnected ? act() : removeEventListener(event, listen));
  addEventListener(event, listen, { passive: true });
}
