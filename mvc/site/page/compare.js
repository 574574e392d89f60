// The screen that compares two versions. Only tensors are compared by the export.

/** Classes of two versions by number. As in `mvc diff`, a name on both sides under another number was moved. */
function compareLabels(old, young) {
  const [before, after] = [old, young].map((labels) => new Map(labels.map(({ id, name }) => [id, name])));
  return [...new Set([...before.keys(), ...after.keys()])]
    .sort((a, b) => a - b)
    .map((id) => {
      const [was, is] = [before.get(id), after.get(id)];
      if (was === is) return { id, was, is };
      const from = old.find((one) => one.name === is && after.get(one.id) !== is);
      const away = young.some((one) => one.name === was && before.get(one.id) !== was);
      return {
        id,
        was,
        is,
        breaking: from || was !== undefined,
        kind: from
          ? `moved from ${from.id}`
          : is === undefined
            ? away
              ? "moved away"
              : "removed"
            : was === undefined || away
              ? "added"
              : "renamed"
      };
    });
}

/** Pairs of two lists of [key, value], by key. */
function paired(old, young) {
  const [before, after] = [new Map(old), new Map(young)];
  return [...new Set([...before.keys(), ...after.keys()])].map((key) => [key, before.get(key), after.get(key)]);
}

const difference = (was, is) =>
  isNumber(was) &&
  isNumber(is) && [num(signed(is - was)), was !== 0 && dim(` ${signed(((is - was) / Math.abs(was)) * 100)} %`)];

async function compareScreen(one, rows) {
  const [a, b] = rows.map((row) => one.label(row));
  const swapped = one.at(rows[1], rows[0]);
  const sides = await Promise.all(rows.map((row) => one.version(row)));
  const states = await Promise.all(rows.map((row) => one.notes(row)));
  const compared = served || one.compared.some(([old, young]) => old === sides[0].id && young === sides[1].id);
  const deep = compared && (await load(`${site.folders.compare}/${sides[0].id}-${sides[1].id}`));
  const labels = compareLabels(...sides.map(({ labelmap }) => labelmap));
  const relabelled = labels.filter(({ kind }) => kind);
  const breaking = labels.some((label) => label.breaking);
  const values = paired(
    ...sides.map(({ about, values: { metrics, parameters }, docker, source, datasets, environment }) =>
      flat({ metrics, parameters, about, docker, source, datasets, environment })
    )
  ).filter(([, was, is]) => JSON.stringify(was) !== JSON.stringify(is));
  const files = paired(...sides.map((side) => side.files.map((file) => [file.role, file]))).map(([role, was, is]) => ({
    role,
    was,
    is,
    kind: !was ? "added" : !is ? "removed" : was.file !== is.file ? "changed" : was.path !== is.path ? "renamed" : ""
  }));
  keys = { x: () => go(...swapped), Escape: () => go(one.key) };
  return [
    heading(
      num(`${a} → ${b}`),
      h(
        "div.sides",
        sides.map((side, at) =>
          h(
            "p",
            one.link(rows[at]),
            " ",
            x(side.message.split("\n")[0]),
            h("br"),
            dim(x(side.author.name), " · ", when(side.time))
          )
        )
      ),
      h(
        "p.chips",
        breaking && alarm("breaking classes"),
        [
          [relabelled, "class", "classes"],
          [values, "value"],
          [files.filter(({ kind }) => kind), "file"]
        ].map(([list, ...noun]) => h("span.chip", many(list.length, ...noun), " changed"))
      ),
      h("p", link(swapped, "Swap sides"))
    ),
    card(
      "Classes",
      relabelled.length
        ? [
            breaking && h("p.warn", "Programs that know classes by number misread the new version."),
            table(
              ["#Number", a, b, "Change"],
              labels.map(({ id, was, is, kind, breaking: bad }) =>
                marked(bad ? "bad" : kind && "diff", [
                  id,
                  shown(was),
                  shown(is),
                  [kind, bad && [" ", alarm("breaking")]]
                ])
              )
            )
          ]
        : dim(labels.length ? "All classes are the same." : "Neither version has classes.")
    ),
    card(
      "Values",
      values.length
        ? table(
            ["Key", a, b, "#Difference"],
            values.map(([key, ...pair]) => [
              x(key),
              ...pair.map((value) =>
                rated(value, key.startsWith("metrics.") ? pair : [], one.lowest.includes(key.slice(8)))
              ),
              difference(...pair)
            ])
          )
        : dim("All values are the same.")
    ),
    compareEvaluations([a, b], states),
    card(
      "Files",
      table(
        ["Role", "Path", "#" + a, "#" + b, "Change"],
        files.map(({ role, was, is, kind }) =>
          marked(kind && "diff", [
            x(role),
            [kind === "renamed" && [code(was.path), " → "], code((is ?? was).path)],
            was && bytes(was.bytes),
            is && bytes(is.bytes),
            kind || dim("same")
          ])
        )
      )
    ),
    deep
      ? deep.files.map(({ role, tensors }) =>
          card(
            ["Tensors ", dim(x(role))],
            dim(`${many(tensors.length, "tensor")} in file order`),
            heatMap(tensors),
            details("As a table", () =>
              table(
                ["Tensor", "Type", "Shape", "#Bytes", "Change"],
                tensors
                  .slice(0, 5000)
                  .map((one) => [code(one.name), x(one.dtype), shape(one.shape), bytes(one.bytes), change(one)])
              )
            )
          )
        )
      : files.some(({ kind, was, is }) => kind && (was?.tensors || is?.tensors)) &&
        card(
          "Tensors",
          h(
            "p",
            "The tensors of this pair were not exported. ",
            code(`mvc ui --export DIR --compare ${a}...${b}`),
            " adds them."
          )
        )
  ];
}
