// Tables that sort, search and can be kept: DataTables shows them, the numbers are the tables' own.

/** Missing values last, whichever way the rest is sorted. */
function order(sign) {
  return (a, b) => {
    const [x, y] = [a, b].map((v) => v === null || v === undefined || v === "");
    if (x || y) return x - y;
    return sign * (typeof a === "number" ? (a > b) - (a < b) : String(a).localeCompare(String(b)));
  };
}
DataTable.type("value", { order: { asc: order(1), desc: order(-1) } });

const escaped = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

function shown(value) {
  if (value === true) return "yes";
  if (value === false) return "no";
  return typeof value === "number" ? number(value) : value === null || value === undefined ? "–" : String(value);
}

/** The table of methods with the ratios to the baseline as columns. */
function withBaseline(table, ratios) {
  if (!state.baseline || table.name !== "methods") return table;
  const metrics = ["score", "steps_to_solve", "train_seconds", "step_ms", "peak_rss_mb"];
  const keys = ["task", "track", "framework", "cell"].map((k) => place(table, k));
  const names = metrics.map((m) => `${m}_to_baseline`);
  const title = (m) => `${titled(m)} / ${state.baseline}`;
  return {
    ...table,
    // After what names a method, where they are seen first.
    columns: [
      ...table.columns.slice(0, 4),
      ...names.flatMap((name, i) => ["", "_low", "_high"].map((end) => ({ name: name + end, kind: "number", title: title(metrics[i]) }))),
      ...table.columns.slice(4),
    ],
    intervals: { ...table.intervals, ...Object.fromEntries(names.map((n) => [n, [`${n}_low`, `${n}_high`]])) },
    rows: table.rows.map((row) => [
      ...row.slice(0, 4),
      ...metrics.flatMap((m) => ratios.get(JSON.stringify([...keys.map((k) => row[k]), m])) ?? [null, null, null]),
      ...row.slice(4),
    ]),
  };
}

const UNITS = { ms: "ms", mb: "MB", gb: "GB" };
const titled = (name) => name.replace(/_(ms|mb|gb)$/, (_, unit) => `, ${UNITS[unit]}`).replaceAll("_", " ");

/** The columns to show: bounds stand with their value, digests and the like only in the files. */
function visible(table, only) {
  const bounds = new Set(Object.values(table.intervals).flat());
  const chosen = table.columns.filter((c) => (only ? only.includes(c.name) : !bounds.has(c.name)));
  return chosen.map((c) => {
    const at = place(table, c.name);
    const [low, high] = (table.intervals[c.name] ?? []).map((name) => place(table, name));
    return {
      title: escaped(c.title ?? titled(c.name)),
      name: c.name,
      type: "value",
      // To make every number of a long table into text takes seconds, and nobody looks for one.
      searchable: c.kind !== "number",
      className: c.kind === "number" ? "number" : "text",
      orderSequence: ["asc", "desc"],
      data: (row) => row[at],
      render: {
        _: (value) => value,
        display: (value, _, row) => escaped(low === undefined ? shown(value) : interval(value, row[low], row[high])),
        filter: (value) => shown(value),
      },
    };
  });
}

/** Draw again what the filters let through. */
function filterView(made, table) {
  const keep = passes(table);
  made.search.fixed("filters", (_, row) => keep(row)).draw();
}

/** Put ``table`` into ``host`` as a DataTable which keeps its order and search in the state. */
function view(host, table, columns, sortKey, searchKey) {
  const [name, way] = state[sortKey].split(":");
  const at = columns.findIndex((c) => c.name === name);
  host.replaceChildren(element("table", { class: "display compact" }));
  const made = new DataTable(host.firstChild, {
    data: table.rows, columns, deferRender: true, autoWidth: false, pageLength: host.id === "view" ? 10 : 25,
    order: at >= 0 ? [[at, way === "desc" ? "desc" : "asc"]] : [],
    search: { search: state[searchKey] },
    layout: { topStart: "pageLength", topEnd: "search", bottomStart: "info", bottomEnd: "paging" },
    language: { emptyTable: "This table is empty.", search: "search" },
    ordering: { indicators: true },
  });
  // Two tables on one page: each says of which its pages are.
  made.on("draw.dt", () => $("nav", host)?.setAttribute("aria-label", `Pages of ${table.name}`));
  filterView(made, table);
  made.on("order.dt", () => {
    const [first] = made.order();
    state[sortKey] = first ? `${columns[first[0]].name}:${first[1]}` : "";
    writeHash();
  });
  made.on("search.dt", () => {
    state[searchKey] = made.search();
    writeHash();
  });
  return made;
}

const views = {};

/** Build a view anew only when what it shows has changed; other filters only draw it again. */
function refresh(key, host, table, columns, sortKey, searchKey) {
  const known = views[key];
  const filters = JSON.stringify(FILTERS.map((name) => state[name]));
  const signature = JSON.stringify([columns.map((c) => [c.name, c.title]), table.name, state[sortKey], state[searchKey]]);
  if (known?.signature !== signature) {
    known?.made.destroy();
    views[key] = { signature, table, filters, made: view($(host), table, columns, sortKey, searchKey) };
  } else if (known.filters !== filters) {
    filterView(known.made, table);
    known.filters = filters;
  }
}

function showTable(ratios) {
  if (!tables[state.table]) return;
  const table = withBaseline(tables[state.table], ratios);
  refresh("tables", "#view", table, visible(table), "sort", "search");
}

const quoted = (value) => {
  const text = String(value ?? "");
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};
const csv = (table, rows) =>
  [table.columns.map((c) => c.name), ...rows].map((row) => row.map(quoted).join(",")).join("\n") + "\n";
const rowsShown = ({ made }) => made.rows({ search: "applied", order: "applied" }).data().toArray();

function asJson() {
  const whole = Object.values(tables).map((t) => [
    t.name,
    t.rows.map((row) => Object.fromEntries(t.columns.map((c, i) => [c.name, Number.isFinite(row[i]) || typeof row[i] !== "number" ? row[i] : String(row[i])]))),
  ]);
  return JSON.stringify(Object.fromEntries(whole));
}

function save(name, text, type) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = element("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

const DOWNLOADS = {
  shown: () => save(`${state.table}.csv`, csv(views.tables.table, rowsShown(views.tables)), "text/csv"),
  runs: () => save("runs.csv", csv(views.runs.table, rowsShown(views.runs)), "text/csv"),
  csv: () => save("gatebench.csv", Object.values(tables).map((t) => `# ${t.name}\n${csv(t, t.rows)}`).join("\n"), "text/csv"),
  json: () => save("gatebench.json", asJson(), "application/json"),
};
/** A figure as it is seen, in a file of its own: colours spelled out, without what is hidden. */
function saveFigure(svg) {
  const copy = svg.cloneNode(true);
  const layers = $$(".layer", copy);
  $$(".layer", svg).forEach((layer, i) => { if (getComputedStyle(layer).display === "none") layers[i].remove(); });
  const probe = document.body.appendChild(element("i"));
  const spelled = (colour) => { probe.style.color = colour; return getComputedStyle(probe).color; };
  copy.setAttribute("style", `color: ${getComputedStyle(svg).color}; font-family: sans-serif`);
  const text = new XMLSerializer().serializeToString(copy).replace(/var\(--[\w-]+\)/g, spelled);
  probe.remove();
  save(`${svg.getAttribute("aria-label").replace(/[^\p{L}\p{N}]+/gu, "-")}.svg`, text, "image/svg+xml");
}
for (const svg of $$("figure svg")) {
  const button = element("button", { type: "button", class: "save", "aria-label": `Save as SVG: ${svg.getAttribute("aria-label")}` }, "Save as SVG");
  button.addEventListener("click", () => saveFigure(svg));
  $("figcaption", svg.closest("figure"))?.append(button);
}
for (const button of $$("[data-download]")) button.addEventListener("click", () => DOWNLOADS[button.dataset.download]());
