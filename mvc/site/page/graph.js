// The version graph: lanes as `git log --graph` has them, and a list that draws only what is seen.

/** Return for each row its lane, and the lines from its middle to the middle of the next row as [from, to, hue]. */
function lanes(parents) {
  // The row for which each lane waits.
  const open = [];
  const free = () => (open.includes(-1) ? open.indexOf(-1) : open.length);
  let width = 1;
  const rows = parents.map((above, row) => {
    const passing = open.map((target) => target >= 0 && target !== row);
    const lane = open.includes(row) ? open.indexOf(row) : free();
    open.forEach((target, at) => target === row && (open[at] = -1));
    const starts = above.map((parent, nth) => {
      const at = nth === 0 ? lane : open.includes(parent) ? open.indexOf(parent) : free();
      open[at] = parent;
      return at;
    });
    width = Math.max(width, open.length, lane + 1);
    const end = (at) => (open[at] === row + 1 ? open.indexOf(row + 1) : at);
    const lines = starts.map((at) => [lane, end(at), Math.max(lane, at)]);
    passing.forEach((passes, at) => passes && lines.push([at, end(at), at]));
    return { lane, lines, merge: above.length > 1 };
  });
  return { rows, width };
}

/** Draw the rows from `first` to `last`; `marked(row)` says which have a halo. */
function drawGraph(graph, first, last, height, step, marked) {
  const across = (lane) => 14 + lane * step;
  const dots = [];
  const lines = [];
  for (let row = Math.max(0, first - 1); row <= last; row++) {
    const { lane, lines: below, merge } = graph.rows[row];
    const top = (row - first + 0.5) * height;
    for (const [from, to, hue] of below) {
      const [a, b, half] = [across(from), across(to), top + height / 2];
      lines.push(s("path.lane" + hueOf(hue), { d: `M${a} ${top}C${a} ${half} ${b} ${half} ${b} ${top + height}` }));
    }
    if (row < first) continue;
    const dot = (kind, r) => dots.push(s(`circle.${kind}${hueOf(lane)}`, { cx: across(lane), cy: top, r }));
    if (marked(row)) dot("halo", 9);
    dot(merge ? "dot.merge" : "dot", 5);
  }
  return [...lines, ...dots];
}

/** A list of rows of one height in the page's own scroll: `draw(row)` makes one, `behind(first, last)` the drawing beside them. */
function rowList(label, count, height, draw, behind) {
  const drawing = s("svg.graph", { "aria-hidden": "true" });
  const box = h("div.rows", { role: "list", "aria-label": label }, drawing);
  const nodes = new Map();
  box.style.height = count * height + "px";
  function update(all) {
    const top = -box.getBoundingClientRect().top;
    const bound = (row) => Math.max(0, Math.min(count - 1, Math.floor(row)));
    const [first, last] = all ? [0, bound(999)] : [bound(top / height - 8), bound((top + innerHeight) / height + 8)];
    for (const [row, node] of nodes) {
      if ((row >= first && row <= last) || node.contains(document.activeElement)) continue;
      node.remove();
      nodes.delete(row);
    }
    for (let row = first, before = drawing; row <= last; row++) {
      let node = nodes.get(row);
      if (!node) {
        nodes.set(row, (node = draw(row)));
        for (const [name, value] of [
          ["role", "listitem"],
          ["aria-setsize", count],
          ["aria-posinset", row + 1]
        ])
          node.setAttribute(name, value);
        Object.assign(node.style, { top: row * height + "px", height: height + "px" });
        before.after(node);
      }
      before = node;
    }
    drawing.style.top = first * height + "px";
    drawing.setAttribute("height", (last - first + 1) * height);
    drawing.replaceChildren(...behind(first, last));
  }
  whileShown(box, "scroll", update);
  whileShown(box, "resize", update);
  whileShown(box, "beforeprint", () => update(true));
  return { box, update, node: (row) => nodes.get(row) };
}
