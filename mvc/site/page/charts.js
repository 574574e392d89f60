// Charts by hand: lines on graph paper, and the heat map of tensors.

/** Return round numbers from at most `low` to at least `high`. */
function ticks(low, high) {
  if (low === high) return [low - (Math.abs(low) || 1) / 2, low, low + (Math.abs(low) || 1) / 2];
  const raw = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].find((one) => one * power >= raw * 0.999) * power;
  const first = Math.floor(low / step + 1e-9);
  return Array.from({ length: Math.max(2, Math.ceil(high / step - 1e-9) - first + 1) }, (_, at) => +((first + at) * step).toPrecision(12));
}

/**
 * A chart of `series`, [{name, points: [{x, y, label, from, flag, href}]}], sorted by x. `from` is the index of the point
 * to which a line goes back, the one before unless it is given. `caption` is for those who do not see the drawing.
 */
function lineChart(title, series, caption, height = 180) {
  const all = series.flatMap(({ points }) => points);
  const xs = [...new Set(all.map((point) => point.x))].sort((a, b) => a - b);
  const scale = ticks(Math.min(...all.map(({ y }) => y)), Math.max(...all.map(({ y }) => y)));
  const [left, right, low, high] = [xs[0], xs.at(-1), scale[0], scale.at(-1)];
  const room = 14 + 7 * Math.max(...scale.map((value) => number(value).length));
  const drawing = s("svg", { role: "img", "aria-label": plain(caption), height });
  const tip = h("div.tip", { hidden: "hidden" });
  const cursor = s("g");
  let width = 0, at;
  const across = (value) => (left === right ? (room + width) / 2 : room + ((value - left) / (right - left)) * (width - room - 12));
  const up = (value) => height - 24 - ((value - low) / (high - low)) * (height - 36);
  const place = ({ x, y }) => `${across(x).toFixed(1)} ${up(y).toFixed(1)}`;
  const text = (x, y, content, anchor) => s("text.tick", { x, y, "text-anchor": anchor }, content);
  const dot = (kind, hue, point, r) => s(`circle.point${kind}.hue${hue % 4}`, { cx: across(point.x), cy: up(point.y), r });

  function draw() {
    width = plot.clientWidth;
    if (width) {
      fill(drawing, drawing.replaceChildren(),
        Array.from({ length: 11 }, (_, n) => s("path.paper", { d: `M${room + (n * (width - room - 12)) / 10} 10V${height - 24}` })),
        scale.map((value) => [s("path.ruled", { d: `M${room - 4} ${up(value)}H${width}` }), text(room - 10, up(value) + 4, number(value), "end")]),
        text(room, height - 5, all.find((point) => point.x === left).label), left !== right && text(width - 12, height - 5, all.find((point) => point.x === right).label, "end"),
        series.map(({ points }, hue) => [s("path.line.hue" + (hue % 4), { d: points.map((point, n) => {
          const back = points[point.from ?? n - 1];
          return back ? `M${place(back)}L${place(point)}` : "";
        }).join("") }), points.filter(({ flag }) => flag || points.length < 60).map((point) => dot(point.flag ? ".on" : "", hue, point, point.flag ? 5 : 3))]), cursor);
    }
  }
  function point({ clientX }) {
    const offset = clientX - plot.getBoundingClientRect().left;
    at = xs.reduce((best, one) => (Math.abs(across(one) - offset) < Math.abs(across(best) - offset) ? one : best));
    const here = series.flatMap(({ name, points }, hue) => points.filter((one) => one.x === at).map((one) => ({ ...one, name, hue })));
    fill(cursor, cursor.replaceChildren(), s("path.rule", { d: `M${across(at)} 10V${height - 24}` }), here.map((one) => dot(".on", one.hue, one, 5)));
    fill(tip, tip.replaceChildren(), h("b", x(here[0].label)), here.map((one) => h("div", series.length > 1 && [x(one.name), " "], num(number(one.y)))));
    tip.hidden = false;
    tip.style.left = Math.min(across(at) + 12, width - tip.offsetWidth - 4) + "px";
  }
  const plot = h("div.plot", { onpointermove: point, onpointerleave: () => cursor.replaceChildren(tip.hidden = true && ""),
    onclick: () => all[0].href && (location.hash = all.find((one) => one.x === at).href) }, drawing, tip);
  requestAnimationFrame(draw);
  const figure = h("figure", h("figcaption", h("b", x(title)), series.length > 1 && series.map(({ name }, hue) =>
    dim(s("svg.key", { viewBox: "0 0 18 8", "aria-hidden": "true" }, s("path.line.hue" + (hue % 4), { d: "M0 4H18" })), x(name)))), plot);
  whileShown(figure, "resize", draw);
  return figure;
}

const shape = (sizes) => (sizes?.length ? sizes.join(" × ") : "scalar");
const change = ({ change: kind, drift }) => (kind === "same" ? "unchanged" : kind) + (isNumber(drift) ? `, drift ${number(drift)}` : "");

/** The tensors of a file in its order, one line per layer: darker is further from what it was. */
function heatMap(tensors) {
  const top = Math.max(0, ...tensors.map(({ drift }) => drift ?? 0));
  const pointed = h("p.dim", "Point at a square to read its tensor.");
  const layers = new Map();
  for (const tensor of tensors) {
    const layer = /^.*?\d+(?=[./])/.exec(tensor.name)?.[0] ?? tensor.name.split(/[./]/)[0];
    if (!layers.has(layer)) layers.set(layer, []);
    layers.get(layer).push(tensor);
  }
  const least = layers.size > 40 ? tensors.length / 24 : 1, lines = []; // short layers share a line
  for (const [layer, cells] of layers) {
    if (lines.at(-1)?.cells.length < least) lines.at(-1).cells.push(...cells);
    else lines.push({ layer, cells });
  }
  const level = ({ change: kind, drift }) => (kind !== "changed" ? "" : ".level" + (isNumber(drift) && top ? Math.max(1, Math.ceil((drift / top) ** 0.5 * 6)) : 4));
  const cell = (one) => h(`i.${one.change}${level(one)}`, { onpointerenter: () => fill(pointed, pointed.replaceChildren(), code(one.name), ` ${one.dtype} ${shape(one.shape)}, ${change(one)}`) });
  const kinds = [...new Set(tensors.map((one) => one.change))];
  return h("div.heat", { "aria-hidden": "true" },
    h("div.map", lines.map(({ layer, cells }) => [h("span", x(layer)), h("div", cells.map(cell))])),
    h("p.dim", kinds.map((kind) => h("span", kind === "changed" && top ? [1, 2, 3, 4, 5, 6].map((n) => h("i.changed.level" + n)) : h(`i.${kind}.level4`), " ",
      kind === "same" ? "unchanged" : kind === "changed" && top ? `drift, up to ${number(top)}` : kind))), pointed);
}
