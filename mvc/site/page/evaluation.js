// An evaluation of a version: metrics in all and by class, curves over thresholds, and the confusion matrix.

function evaluation({
  dataset,
  dataset_version,
  by,
  time,
  files,
  metrics,
  thresholds,
  values,
  classes,
  matrix,
  curves
}) {
  const names = [...new Set(classes.flatMap((one) => Object.keys(one.metrics)))];
  const row = (one) =>
    [one.class_number, one.name, one.support, ...names.map((name) => own(one.metrics, name))].map(shown);
  return card(
    ["Evaluation on ", x(`${dataset}@${dataset_version}`)],
    tiles(Object.entries(metrics).map(([name, value]) => [name, number(value)])),
    h(
      "p.dim",
      x(by),
      " · ",
      when(time, 16),
      files.map((file) => [" · ", x(file.name)])
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
