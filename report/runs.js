// The runs: a table of them, and for each its record, curve, environment and command.

const RUN = ["task", "framework", "cell", "track", "seed"];
const IN_TABLE = [
  ...RUN, "status", "score", "solved", "steps", "steps_to_solve", "train_seconds", "step_ms", "peak_rss_mb",
  "parameters", "kernel",
];
const TITLES = {
  train_seconds: "training, s", step_ms: "time a step, ms", peak_rss_mb: "memory at most, MB", kernel: "implementation",
};
const runs = tables.runs;
const nameOf = (row) => RUN.map((key) => row[place(runs, key)]).join("-");

function showRuns() {
  if (!runs) return;
  const link = {
    title: "run", name: "run", type: "value", className: "text", orderSequence: ["asc", "desc"],
    data: nameOf,
    render: {
      _: (value) => value,
      display: (value) => `<a href="#run" data-run="${escaped(value)}">${escaped(value)}</a>`,
    },
  };
  const others = visible(runs, IN_TABLE).slice(RUN.length);
  const columns = [link, ...others.map((c) => ({ ...c, title: TITLES[c.name] ?? c.title }))];
  refresh("runs", "#run-view", runs, columns, "runs_sort", "runs_search");
}

/** The rows of ``table`` that are of the run. */
function ofRun(table, run, keys) {
  const pairs = keys.map((key) => [place(table, key), run[place(runs, key)]]);
  return table.rows.filter((row) => pairs.every(([at, value]) => row[at] === value));
}

function list(entries) {
  return element("dl", { class: "record" }, ...entries.flatMap(([name, value]) => [
    element("dt", {}, name.replaceAll("_", " ")), element("dd", {}, shown(value)),
  ]));
}

function showRun() {
  const host = $("#run");
  const run = runs && state.run ? runs.rows.find((row) => nameOf(row) === state.run) : undefined;
  host.replaceChildren();
  if (!run) {
    if (state.run) host.append(element("p", {}, `There is no run ${state.run}.`));
    return;
  }
  // What repeats the run comes first; the record is long.
  const command = element("code", {}, shown(run[place(runs, "command")]));
  const copy = element("button", { type: "button" }, "Copy");
  copy.addEventListener("click", () => copyText(command, copy));
  host.append(element("h3", {}, state.run), element("h4", {}, "The command that repeats it"),
    element("pre", { tabindex: "0", role: "region", "aria-label": "Command" }, command), copy);
  host.append(element("h4", {}, "Curve"), curve(run));
  const record = runs.columns.map((c, i) => [c.name, run[i]]).filter(([name]) => name !== "command");
  host.append(element("h4", {}, "Record"), list(record));
  if (tables.machines) {
    host.append(element("h4", {}, "Environment of this framework’s runs"));
    for (const row of ofRun(tables.machines, run, ["framework"]))
      host.append(list(tables.machines.columns.map((c, i) => [c.name, row[i]])));
  }
}

/** Copy what an element says; where the browser forbids it, select it for the reader. */
async function copyText(from, button) {
  try {
    await navigator.clipboard.writeText(from.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(from);
    button.textContent = "Selected: copy it";
  }
}

/** Validation score against steps, as a table and a line. */
function curve(run) {
  const rows = tables.curves ? ofRun(tables.curves, run, RUN) : [];
  if (!rows.length) return element("p", {}, tables.curves ? "It left no curve." : "The curves are too many for this page: they are in curves.csv.");
  const at = (name) => place(tables.curves, name);
  const points = rows.map((row) => [row[at("step")], row[at("score")]]).filter(([, y]) => Number.isFinite(y));
  const box = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Curve of the run" });
  if (points.length > 1) box.innerHTML = sparkline(points);
  const heads = ["step", "seconds", "loss", "score"];
  box.append(element("table", { class: "compact" },
    element("thead", {}, element("tr", {}, ...heads.map((h) => element("th", { scope: "col" }, h)))),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...heads.map((h) => element("td", {}, number(row[at(h)]))))))));
  return box;
}

function sparkline(points) {
  const [xs, ys] = [0, 1].map((i) => points.map((p) => p[i]));
  const scale = (values, low, high) => {
    const [least, most] = [Math.min(...values), Math.max(...values)];
    return (v) => low + ((high - low) * (v - least)) / (most - least || 1);
  };
  const [x, y] = [scale(xs, 4, 396), scale(ys, 96, 4)];
  const label = `Validation score from step ${number(xs[0])} to ${number(xs.at(-1))}, between ${number(Math.min(...ys))} and ${number(Math.max(...ys))}`;
  const line = points.map((p) => `${x(p[0]).toFixed(1)},${y(p[1]).toFixed(1)}`).join(" ");
  return `<svg class="sparkline" viewBox="0 0 400 100" role="img" aria-label="${label}"><polyline points="${line}"/></svg>`;
}

start();
