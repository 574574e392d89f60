// The screens of one version, and of two.

async function versionScreen(one, row) {
  const record = await one.version(row);
  const state = one.state[row] ? await load(one.state[row]) : { notes: [], evaluations: [] };
  const { parent: text, ...about } = record.about;
  const [subject, ...body] = record.message.split("\n");
  const [parent] = one.parents[row];
  const versions = (title, rows) => rows.length > 0 && h("span", title, joined(rows.map((at) => one.link(at)), ", "));
  const origin = own(one.origins, text), children = site.lineage.filter(({ parent: of }) => of.id === record.id);
  one.row = row;
  const choose = () => {
    pick(one, row);
    if (chosen) go(one.key);
  };
  keys = { j: () => row + 1 < one.count && go(...one.at(row + 1)), k: () => row > 0 && go(...one.at(row - 1)), c: choose, Escape: () => go(one.key) };
  return [
    heading([num(one.label(row)), " ", x(subject)],
      one.chips(row, state.notes.some((note) => own(note.values, "withdrawn") === true) && alarm("withdrawn")),
      dim(x(record.author.name), " · ", when(record.time, 16)),
      body.length > 0 && h("p.message", x(body.join("\n").trim())),
      h("p.bar", versions("Parent ", one.parents[row]), versions("Child ", one.children[row]),
        isNumber(parent) && link(one.at(parent, row), "Compare with parent"), button("Compare with…", choose)),
      dim(code(record.id))),
    h("div.columns",
      card("Metrics", tiles(flat(record.values.metrics).map(([name, value]) => {
        const before = own(one.metrics, name)?.[parent];
        return [name, [number(value), isNumber(before) && before !== value && dim(" ", signed(value - before))]];
      }))),
      card("Classes", record.labelmap.length > 0 && table(["#Number", "Name"], record.labelmap.map(({ id, name }) => [id, x(name)]))),
      card("Readiness", record.readiness.length > 0 && h("ul.uses", record.readiness.map(({ use, ready, reasons }) => h(ready ? "li.yes" : "li.no", h("b", x(use)), ready ? " ready" : " not ready",
        !ready && reasons.filter(({ result, need }) => result === "no" && need === "required").map(({ why, fix }) => h("p.dim", x(why), fix && [" ", code(fix)])))))),
      card("Notes", state.notes.map((note) => h("div.note", h("p", x(note.text)), facts(note.values), dim(x(note.by), " · ", when(note.time, 16))))),
      card("Evaluations", state.evaluations.map((one) => h("div.note", facts(one)))),
      card("About", facts({ ...about, parent: origin && h("span", versionOf(origin)), children: children.length > 0 && h("span", joined(children.map(({ child }) => versionOf(child)), ", ")) })),
      card("Parameters", facts(record.values.parameters)),
      card("Docker", facts(record.docker)),
      card("Code and source", facts({ ...record.code, ...record.source })),
      card("Datasets", record.datasets.map(facts)),
      card("Environment", facts(record.environment))),
    record.curves.map(curves),
    card("Files", table(["Role", "Path", "#Size", "Format", "#Tensors", "Types", "File id"], record.files.map((file) => [x(file.role), [code(file.path), file.executable && " executable", file.state !== "complete" && dim(" ", file.state)],
      bytes(file.bytes), x(file.format), file.tensors && number(file.tensors), x(file.dtypes.join(", ")), h("code", { title: file.file }, file.file.slice(0, 10))]))),
  ];
}

/** A chart for each quantity of a training log; `train/x` and `val/x` share one. */
function curves({ role, columns, rows }) {
  const axis = Math.max(0, columns.findIndex((name) => /^(epoch|step)$/i.test(name)));
  const groups = new Map();
  columns.forEach((name, at) => {
    const points = rows.filter((row) => isNumber(row[at])).map((row, n) => ({ x: row[axis] ?? n, y: row[at], label: `${columns[axis]} ${row[axis]}` }));
    const key = name.replace(/^(train|val|test|eval)[/_.]/, "");
    if (at !== axis && points.length) groups.set(key, [...(groups.get(key) ?? []), { name, points }]);
  });
  return card(["Training ", dim(x(role))], h("div.charts", [...groups].slice(0, 24).map(([title, series]) => lineChart(series[1] ? title : series[0].name, series,
    series.map(({ name, points }) => `${name} from ${number(points[0].y)} to ${number(points.at(-1).y)}`).join("; ")))), details("As a table", () => table(columns.map((name) => "#" + name), rows.map((row) => row.map(shown)))));
}

/** Classes of two versions by number. As in `mvc diff`, a name on both sides under another number was moved. */
function compareLabels(old, young) {
  const [before, after] = [old, young].map((labels) => new Map(labels.map(({ id, name }) => [id, name])));
  return [...new Set([...before.keys(), ...after.keys()])].sort((a, b) => a - b).map((id) => {
    const [was, is] = [before.get(id), after.get(id)];
    if (was === is) return { id, was, is };
    const from = old.find((one) => one.name === is && after.get(one.id) !== is), away = young.some((one) => one.name === was && before.get(one.id) !== was);
    return { id, was, is, breaking: from || away, kind: from ? `moved from ${from.id}` : is === undefined ? (away ? "moved away" : "removed") : was === undefined || away ? "added" : "renamed" };
  });
}

/** Pairs of two lists of [key, value], by key. */
function paired(old, young) {
  const [before, after] = [new Map(old), new Map(young)];
  return [...new Set([...before.keys(), ...after.keys()])].map((key) => [key, before.get(key), after.get(key)]);
}

async function compareScreen(one, rows) {
  const [a, b] = rows.map((row) => one.label(row)), swapped = one.at(rows[1], rows[0]);
  const sides = await Promise.all(rows.map((row) => one.version(row)));
  const compared = one.compared.some(([old, young]) => old === sides[0].id && young === sides[1].id);
  const deep = compared && await load(`${site.folders.compare}/${sides[0].id}-${sides[1].id}`);
  const labels = compareLabels(...sides.map(({ labelmap }) => labelmap));
  const relabelled = labels.filter(({ kind }) => kind), breaking = labels.some((label) => label.breaking);
  const values = paired(...sides.map(({ about, values: { metrics, parameters }, docker, source, datasets, environment }) => flat({ metrics, parameters, about, docker, source, datasets, environment })))
    .filter(([, was, is]) => JSON.stringify(was) !== JSON.stringify(is));
  const files = paired(...sides.map((side) => side.files.map((file) => [file.role, file])))
    .map(([role, was, is]) => ({ role, was, is, kind: !was ? "added" : !is ? "removed" : was.file !== is.file ? "changed" : was.path !== is.path ? "renamed" : "" }));
  keys = { x: () => go(...swapped), Escape: () => go(one.key) };
  return [
    heading(num(`${a} → ${b}`),
      h("div.sides", sides.map((side, at) => h("p", one.link(rows[at]), " ", x(side.message.split("\n")[0]), h("br"), dim(x(side.author.name), " · ", when(side.time))))),
      h("p.chips", breaking && alarm("classes renumbered"), [[relabelled, "class", "classes"], [values, "value"], [files.filter(({ kind }) => kind), "file"]].map(([list, ...noun]) =>
        h("span.chip", many(list.length, ...noun), " changed"))),
      h("p", link(swapped, "Swap sides"))),
    card("Classes", relabelled.length ? [breaking && h("p.warn", "Programs that know classes by number misread the new version."),
      table(["#Number", a, b, "Change"], labels.map(({ id, was, is, kind, breaking: bad }) => marked(bad ? "bad" : kind && "diff", [id, shown(was), shown(is), [kind, bad && [" ", alarm("breaking")]]])))]
      : dim(labels.length ? "All classes are the same." : "Neither version has classes.")),
    card("Values", values.length ? table(["Key", a, b, "#Difference"], values.map(([key, was, is]) => [x(key), shown(was), shown(is), isNumber(was) && isNumber(is) && [num(signed(is - was)), was !== 0 && dim(` ${signed(((is - was) / Math.abs(was)) * 100)} %`)]]))
      : dim("All values are the same.")),
    card("Files", table(["Role", "Path", "#" + a, "#" + b, "Change"], files.map(({ role, was, is, kind }) => marked(kind && "diff",
      [x(role), [kind === "renamed" && [code(was.path), " → "], code((is ?? was).path)], was && bytes(was.bytes), is && bytes(is.bytes), kind || dim("same")])))),
    deep ? deep.files.map(({ role, tensors }) => card(["Tensors ", dim(x(role))], dim(`${many(tensors.length, "tensor")} in file order`), heatMap(tensors), details("As a table", () =>
      table(["Tensor", "Type", "Shape", "#Bytes", "Change"], tensors.slice(0, 5000).map((one) => [code(one.name), x(one.dtype), shape(one.shape), bytes(one.bytes), change(one)])))))
      : files.some(({ kind, was, is }) => kind && (was?.tensors || is?.tensors)) && card("Tensors", h("p", "The tensors of this pair were not exported. ", code(`mvc ui --export DIR --compare ${a}...${b}`), " adds them.")),
  ];
}
