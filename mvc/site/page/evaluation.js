// An evaluation of a version: metrics in all and by class, curves over thresholds, and the confusion matrix.

const datasetOf = (one) => `${one.dataset}@${one.dataset_version}`;

function evaluation(one, at, all) {
  const { by, time, files, metrics, thresholds, values, classes, matrix, curves } = one;
  const later = all.find(({ number }) => number === one.superseded_by);
  const names = [...new Set(classes.flatMap((one) => Object.keys(one.metrics)))];
  const row = (one) =>
    [one.class_number, one.name, one.support, ...names.map((name) => own(one.metrics, name))].map(shown);
  return card(
    ["Evaluation on ", x(datasetOf(one)), later && dim(" superseded by that on ", x(datasetOf(later)), " of ", when(later.time))],
    tiles(Object.entries(metrics).map(([name, value]) => [name, number(value)])),
    h(
      "p.dim",
      x(by),
      " · ",
      when(time, 16),
      files.map((file) => file.name && [" · ", x(file.name)])
    ),
    facts({ ...thresholds, ...values }),
    classes.length > 0 && table(["#Number", "Class", "#Support", ...names.map((name) => "#" + name)], classes.map(row)),
    curves.map(({ name, points }) => {
      const columns = Object.keys(points[0]);
      return [
        x(name),
        plots(
          columns,
          points.map((point) => columns.map((column) => point[column]))
        )
      ];
    }),
    matrix && details("Confusion matrix", () => confusion(matrix))
  );
}

/** What both versions measured on a dataset, or on one version of it: the newest evaluations, in all and by class. */
function compareEvaluations(labels, states) {
  const [old, young] = states.map(
    ({ evaluations }) => new Map(evaluations.flatMap((one) => [one.dataset, datasetOf(one)].map((name) => [name, one])))
  );
  const pairs = new Map();
  for (const [name, was] of old) {
    const is = young.get(name);
    if (is) pairs.set(`${was.number} ${is.number}`, [name, was, is]);
  }
  return [...pairs.values()].map(([name, was, is]) =>
    card(
      ["Evaluations on ", x(name)],
      was.dataset_version !== is.dataset_version &&
        h("p.warn", x(datasetOf(was)), " and ", x(datasetOf(is)), " are different versions of the dataset."),
      table(
        ["Class", "Metric", ...labels.map((label) => "#" + label), "#Difference"],
        paired(...[was, is].map((one) => [["", one], ...one.classes.map((each) => [each.name, each])]))
          .flatMap(([label, ...sides]) =>
            paired(...sides.map((side) => Object.entries(side?.metrics ?? {}))).map(([metric, ...pair]) => [
              label ? x(label) : dim("all"),
              x(metric),
              ...pair.map((value) => rated(value, pair, is.lowest.includes(metric))),
              difference(...pair)
            ])
          )
          .slice(0, 5000)
      )
    )
  );
}

/** Rows are actual classes, columns predicted ones; the shades are shares of a row. */
function confusion({ names, cells }) {
  const counts = names.map(() => names.map(() => 0));
  for (const [actual, predicted, count] of cells) counts[actual][predicted] = count;
  return table(
    ["Actual, by predicted", ...names.map((name) => "#" + name)],
    counts.map((row, at) => [
      x(names[at]),
      ...row.map((count) => {
        const cell = h("span.cell", count);
        cell.style.setProperty(
          "--level",
          count /
            Math.max(
              1,
              row.reduce((sum, one) => sum + one)
            )
        );
        return cell;
      })
    ])
  );
}
