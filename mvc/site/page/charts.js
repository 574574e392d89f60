// Charts by hand: lines on graph paper, and the heat map of tensors.

const hueOf = (at) => ".hue" + (at % 4);

/** Return round numbers from at most `low` to at least `high`. */
function ticks(low, high) {
  const half = (Math.abs(low) || 1) / 2;
  if (low === high) return [low - half, low, low + half];
  const raw = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].find((one) => one * power >= raw * 0.999) * power;
  const first = Math.floor(low / step + 1e-9);
  return Array.from(
    { length: Math.max(2, Math.ceil(high / step - 1e-9) - first + 1) },
    (_, at) => +((first + at) * step).toPrecision(12)
  );
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
  let width = 0;
  let at;
  const across = (value) =>
    left === right ? (room + width) / 2 : room + ((value - left) / (right - left)) * (width - room - 12);
  const up = (value) => height - 24 - ((value - low) / (high - low)) * (height - 36);
  const place = ({ x, y }) => `${across(x).toFixed(1)} ${up(y).toFixed(1)}`;
  const text = (x, y, content, anchor) => s("text.tick", { x, y, "text-anchor": anchor }, content);
  const dot = (kind, hue, point, r) =>
    s(`circle.point${kind}${hueOf(hue)}`, { cx: across(point.x), cy: up(point.y), r });

  function draw() {
    width = plot.clientWidth;
    if (width) {
      put(
        drawing,
        Array.from({ length: 11 }, (_, n) =>
          s("path.paper", { d: `M${room + (n * (width - room - 12)) / 10} 10V${height - 24}` })
        ),
        scale.map((value) => [
          s("path.ruled", { d: `M${room - 4} ${up(value)}H${width}` }),
          text(room - 10, up(value) + 4, number(value), "end")
        ]),
        [left, right]
          .slice(left === right)
          .map((at, n) =>
            text(n ? width - 12 : room, height - 5, all.find((point) => point.x === at).label, n && "end")
          ),
        series.map(({ points }, hue) => [
          s("path.line" + hueOf(hue), {
            d: points
              .map((point, n) => {
                const from = point.from ?? n - 1;
                const goesOn = from === n - 1 && (points[from]?.from ?? from - 1) >= 0;
                return from < 0 ? "" : `${goesOn ? "" : "M" + place(points[from])}L${place(point)}`;
              })
              .join("")
          }),
          points
            .filter(({ flag }) => flag || points.length < 60)
            .map((point) => dot(point.flag ? ".on" : "", hue, point, point.flag ? 5 : 3))
        ]),
        cursor
      );
    }
  }
  function point({ clientX }) {
    const offset = clientX - plot.getBoundingClientRect().left;
    at = xs.reduce((best, one) => (Math.abs(across(one) - offset) < Math.abs(across(best) - offset) ? one : best));
    const here = series.flatMap(({ name, points }, hue) =>
      points.filter((one) => one.x === at).map((one) => ({ ...one, name, hue }))
    );
    put(
      cursor,
      s("path.rule", { d: `M${across(at)} 10V${height - 24}` }),
      here.map((one) => dot(".on", one.hue, one, 5))
    );
    put(
      tip,
      h("b", x(here[0].label)),
      here.map((one) => h("div", series.length > 1 && [x(one.name), " "], num(number(one.y))))
    );
    tip.hidden = false;
    tip.style.left = Math.min(across(at) + 12, width - tip.offsetWidth - 4) + "px";
  }
  const plot = h(
    "div.plot",
    {
      onpointermove: point,
      onpointerleave: () => cursor.replaceChildren((tip.hidden = true && "")),
      onclick: () => all[0].href && (location.hash = all.find((one) => one.x === at).href)
    },
    drawing,
    tip
  );
  requestAnimationFrame(draw);
  const figure = h(
    "figure",
    h(
      "figcaption",
      h("b", x(title)),
      series.length > 1 &&
        series.map(({ name }, hue) =>
          dim(
            s("svg.key", { viewBox: "0 0 18 8", "aria-hidden": "true" }, s("path.line" + hueOf(hue), { d: "M0 4H18" })),
            x(name)
          )
        )
    ),
    plot
  );
  whileShown(figure, "resize", draw);
  return figure;
}

const shape = (sizes) => (sizes?.length ? sizes.join(" × ") : "scalar");
const change = ({ change: kind, drift }) =>
  (kind === "same" ? "unchanged" : kind) + (isNumber(drift) ? `, drift ${number(drift)}` : "");

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
  const least = layers.size > 40 ? tensors.length / 24 : 1;
  // Short layers share a line.
  const lines = [];
  for (const [layer, cells] of layers) {
    if (lines.at(-1)?.cells.length < least) lines.at(-1).cells.push(...cells);
    else lines.push({ layer, cells });
  }
  const square = (kind, drift = top / 2, more) => {
    const node = h("i." + kind, more);
    node.style.setProperty("--level", Math.sqrt(top ? drift / top : 0.5));
    return node;
  };
  const cell = (one) =>
    square(one.change, one.drift ?? undefined, {
      onpointerenter: () => put(pointed, code(one.name), ` ${one.dtype} ${shape(one.shape)}, ${change(one)}`)
    });
  return h(
    "div.heat",
    { "aria-hidden": "true" },
    h(
      "div.map",
      lines.map(({ layer, cells }) => [h("span", x(layer)), h("div", cells.map(cell))])
    ),
    h(
      "p.dim",
      [...new Set(tensors.map((one) => one.change))].map((kind) =>
        h(
          "span",
          kind === "changed" && top ? [0.02, 0.2, 0.5, 1].map((part) => square(kind, part * top)) : square(kind),
          ` ${tensors.filter((one) => one.change === kind).length} ${change({ change: kind })}`,
          kind === "changed" && top > 0 && `, drift up to ${number(top)}`
        )
      )
    ),
    pointed
  );
}
