// The documents of the export. A file is a classic script that calls `mvc(path, document)`: `file://` allows no other way.

const documents = new Map();
const requests = new Map();
const models = new Map();
let site;
// What the server of `mvc ui` says of itself, in a header that scripts can read; undefined on disk and elsewhere.
const served = performance.getEntriesByType("navigation")[0]?.serverTiming?.find(({ name }) => name === "mvc");

function mvc(path, record) {
  documents.set(path, record);
  if (record.schema === "mvc.site/1") site = record;
}

/** An address that the export does not have, and why. */
class Missing extends Error {
  constructor(title, why) {
    super(title);
    this.why = why;
  }
}

/** Return the document of a path, whose script is added once. */
function load(path) {
  if (!documents.has(path) && !requests.has(path)) {
    requests.set(
      path,
      new Promise((resolve, reject) => {
        const missing = new Missing("A file is missing", `${path}.js could not be read. Export the page again.`);
        const end = () => (documents.has(path) ? resolve(documents.get(path)) : reject(missing));
        document.head.append(h("script", { src: path + ".js", onload: end, onerror: end }));
      })
    );
  }
  return documents.get(path) ?? requests.get(path);
}

/** A model: its index, whose rows are versions, the newest first. */
class Model {
  constructor(record) {
    Object.assign(this, record, record.versions);
    this.metrics = { ...record.metrics, ...record.evaluations };
    // What texts of model.parent name.
    this.origins = record.parents;
    this.count = this.id.length;
    this.row = -1;
    this.metricNames = Object.keys(this.metrics).filter((name) => this.metrics[name].some(isNumber));
    this.metric = this.metricNames[0];
    this.rowOf = new Map(this.id.map((id, row) => [id, row]));
    this.children = this.id.map(() => []);
    this.parents.forEach((parents, row) => parents.forEach((parent) => this.children[parent].push(row)));
    this.refsOf = this.id.map(() => []);
    for (const [kind, list] of [
      ["alias", "aliases"],
      ["branch", "branches"],
      ["tag", "tags"]
    ]) {
      for (const { name, row } of this.refs[list]) this.refsOf[row].push({ kind, name });
    }
    // A number that occurs on several branches names the version that the current branch has.
    this.numbered = new Map();
    for (let row = this.count; row--;) this.numbered.set(this.number[row], row);
    for (let row = this.head.row; isNumber(row); [row] = this.parents[row]) this.numbered.set(this.number[row], row);
  }

  /** The name of a version: its number, or the beginning of its id. */
  label(row) {
    return this.numbered.get(this.number[row]) === row ? "v" + this.number[row] : this.id[row].slice(0, 10);
  }

  /** The row of a number `v7`, a ref, or an id or its beginning. */
  find(text) {
    const row = /^v\d+$/.test(text)
      ? this.numbered.get(+text.slice(1))
      : Object.values(this.refs)
          .flat()
          .find(({ name }) => name === text)?.row;
    const rows = isNumber(row)
      ? [row]
      : text.length < 4
        ? []
        : this.id.flatMap((id, at) => (id.startsWith(text) ? [at] : []));
    if (rows.length === 1) return rows[0];
    throw rows.length
      ? new Missing("Several versions", `${many(rows.length, "version")} of ${this.key} begin with ${text}.`)
      : new Missing("No such version", `${this.key} has no version ${text}. It may be newer than this page.`);
  }

  /** The document of a version. */
  version(row) {
    if (this.damaged[row])
      throw new Missing("Damaged version", `${this.label(row)} cannot be read: ${this.damaged[row]}. Run mvc fsck.`);
    return load(`${site.folders.versions}/${this.id[row]}`);
  }

  /** The notes and evaluations of a version. */
  notes(row) {
    return this.state[row] ? load(this.state[row]) : { notes: [], evaluations: [] };
  }

  /** The address of a version, or of the comparison of two. */
  at(...rows) {
    return [this.key, rows.map((row) => this.label(row)).join("...")];
  }

  link(row) {
    return link(this.at(row), h("b.num", this.label(row)));
  }

  aliasesOf(row) {
    return this.refsOf[row].filter(({ kind }) => kind === "alias").map(({ name }) => name);
  }

  writer(row) {
    return x(this.authors[this.author[row]].name);
  }

  chips(row, ...more) {
    return h(
      "p.chips",
      more,
      this.breaking[row] && alarm("breaking classes"),
      this.damaged[row] && alarm("damaged"),
      this.refsOf[row]
        .slice(0, 8)
        .map(({ kind, name }) => chip(kind, name, kind === "alias" && [this.key, "aliases", name]))
    );
  }
}

async function model(key) {
  const entry = site.models.find((one) => one.key === key);
  if (!entry) throw new Missing("No such model", `This page has no model ${key}.`);
  if (!models.has(key)) models.set(key, new Model(await load(entry.file)));
  return models.get(key);
}
