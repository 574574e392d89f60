// The screen of one version.

async function versionScreen(one, row) {
  const record = await one.version(row);
  const state = await one.notes(row);
  const { parent: text, ...about } = record.about;
  const [subject, ...body] = record.message.split("\n");
  const [parent] = one.parents[row];
  const versions = (title, rows) =>
    rows.length > 0 &&
    h(
      "span",
      title,
      joined(
        rows.map((at) => one.link(at)),
        ", "
      )
    );
  const origin = own(one.origins, text);
  const children = site.lineage.filter(({ parent: of }) => of.id === record.id);
  one.row = row;
  const choose = () => {
    pick(one, row);
    if (chosen) go(one.key);
  };
  keys = {
    j: () => row + 1 < one.count && go(...one.at(row + 1)),
    k: () => row > 0 && go(...one.at(row - 1)),
    c: choose,
    Escape: () => go(one.key)
  };
  return [
    heading(
      [num(one.label(row)), " ", x(subject)],
      one.chips(
        row,
        state.notes.findLast(({ values }) => own(values, "withdrawn") !== undefined)?.values.withdrawn === true &&
          alarm("withdrawn")
      ),
      dim(x(record.author.name), " · ", when(record.time, 16)),
      body.length > 0 && h("p.message", x(body.join("\n").trim())),
      h(
        "p.bar",
        versions("Parent ", one.parents[row]),
        versions("Child ", one.children[row]),
        isNumber(parent) && link(one.at(parent, row), "Compare with parent"),
        button("Compare with…", choose)
      ),
      dim(code(record.id))
    ),
    h(
      "div.columns",
      card(
        "Metrics",
        tiles(
          flat(record.values.metrics).map(([name, value]) => {
            const before = own(one.metrics, name)?.[parent];
            return [name, [number(value), isNumber(before) && before !== value && dim(" ", signed(value - before))]];
          })
        )
      ),
      card(
        "Classes",
        record.labelmap.length > 0 &&
          table(
            ["#Number", "Name"],
            record.labelmap.map(({ id, name }) => [id, x(name)])
          )
      ),
      card(
        "Readiness",
        record.readiness.length > 0 &&
          h(
            "ul.uses",
            record.readiness.map(({ use, ready, reasons }) =>
              h(
                ready ? "li.yes" : "li.no",
                h("b", x(use)),
                ready ? " ready" : " not ready",
                !ready &&
                  reasons
                    .filter(({ result, need }) => result === "no" && need === "required")
                    .map(({ why, fix }) => h("p.dim", x(why), fix && [" ", code(fix)]))
              )
            )
          )
      ),
      card(
        "Notes",
        state.notes.map((note) =>
          h("div.note", h("p", x(note.text)), facts(note.values), dim(x(note.by), " · ", when(note.time, 16)))
        )
      ),
      card(
        "About",
        facts({
          ...about,
          parent: origin && h("span", versionOf(origin)),
          children:
            children.length > 0 &&
            h(
              "span",
              joined(
                children.map(({ child }) => versionOf(child)),
                ", "
              )
            )
        })
      ),
      card("Parameters", facts(record.values.parameters)),
      card("Docker", facts(record.docker)),
      card("Code and source", facts({ ...record.code, ...record.source })),
      card("Datasets", record.datasets.map(facts)),
      card("Environment", facts(record.environment))
    ),
    state.evaluations.toReversed().map(evaluation),
    record.curves.map(({ role, columns, rows }) => card(["Training ", dim(x(role))], plots(columns, rows))),
    card(
      "Files",
      table(
        ["Role", "Path", "#Size", "Format", "#Tensors", "Types", "File id"],
        record.files.map((file) => [
          x(file.role),
          [code(file.path), file.executable && " executable", file.state !== "complete" && dim(" ", file.state)],
          bytes(file.bytes),
          x(file.format),
          file.tensors && number(file.tensors),
          x(file.dtypes.join(", ")),
          fileId(file)
        ])
      )
    )
  ];
}

/** The id of a file, which is a link where its bytes are served. */
function fileId({ file, path }) {
  const id = h("code", { title: file }, file.slice(0, 10));
  return served?.description ? h("a", { href: `files/${file}/${encodeURIComponent(path.split("/").pop())}` }, id) : id;
}

/** A chart for each quantity of a log; `train/x` and `val/x` share one. */
function plots(columns, rows) {
  const axis = Math.max(
    0,
    columns.findIndex((name) => /^(epoch|step|threshold)$/i.test(name))
  );
  const groups = new Map();
  columns.forEach((name, at) => {
    const points = rows
      .filter((row) => isNumber(row[at]))
      .map((row, n) => ({ x: row[axis] ?? n, y: row[at], label: `${columns[axis]} ${row[axis]}` }));
    const key = name.replace(/^(train|val|test|eval)[/_.]/, "");
    if (at !== axis && points.length) groups.set(key, [...(groups.get(key) ?? []), { name, points }]);
  });
  const chart = ([title, series]) =>
    lineChart(
      series[1] ? title : series[0].name,
      series,
      series.map(({ name, points }) => `${name} from ${number(points[0].y)} to ${number(points.at(-1).y)}`).join("; ")
    );
  return [
    h("div.charts", [...groups].slice(0, 24).map(chart)),
    details("As a table", () =>
      table(
        columns.map((name) => "#" + name),
        rows.map((row) => row.map(shown))
      )
    )
  ];
}
