// What the tables on this page cannot say by themselves: filters, baseline and theme, kept in the
// address. Everything shown is in the tables; nothing is computed here.

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

const FILTERS = ["task", "framework", "cell", "track", "status"];
const DEFAULTS = {
  task: "", framework: "", cell: "", track: "", status: "", baseline: "", theme: "",
  table: "methods", sort: "", search: "", runs_sort: "", runs_search: "", run: "",
  show: "band", open: "",
};
let state = { ...DEFAULTS };
// What the address names: a view, or something within one.
let target = "";
const aliases = JSON.parse($("#aliases").textContent);

/** Tables by name: columns as in the file, and rows as arrays of their values. */
const tables = {};
for (const [name, table] of Object.entries(JSON.parse($("#data").textContent))) {
  const columns = Object.entries(table.columns).map(([column, c]) => ({ name: column, ...c }));
  const values = columns.map((c) => {
    if (c.known) return c.values.map((place) => c.known[place]);
    if (c.kind !== "number") return c.values;
    return c.values.map((v) => (v === "inf" ? Infinity : v === "-inf" ? -Infinity : v));
  });
  tables[name] = {
    name,
    columns: columns.map(({ name: column, kind }) => ({ name: column, kind })),
    intervals: table.intervals,
    rows: Array.from({ length: table.rows }, (_, i) => values.map((v) => v[i])),
  };
}
const place = (table, column) => table.columns.findIndex((c) => c.name === column);

const minus = (text) => text.replace("-", "−");
const raised = (exponent) => String(Number(exponent)).replace(/./g, (c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]);

/** A number as numbers.py writes it. */
function number(value, digits = 3) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size >= 1000 && size < 1e12) return minus(value.toLocaleString("en-US"));
  if (value !== 0 && !(size >= 1e-3 && size < 1e5)) {
    const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
    return minus(`${mantissa}·10${raised(exponent)}`);
  }
  return minus(String(Number(value.toPrecision(Math.max(digits, String(Math.trunc(size)).length)))));
}

/** A number and its interval as numbers.py writes them. */
function interval(value, low, high) {
  const three = [value, low, high];
  if (three.some((v) => v === null || v === undefined || Number.isNaN(v))) return number(value);
  const largest = Math.max(...three.map(Math.abs));
  if (!(largest > 1e-300 && largest < 1e12) || low === high || (value !== 0 && Math.abs(value) < largest / 1000))
    return `${number(value)} [${number(low)}, ${number(high)}]`;
  const exponentOf = (v) => Number(v.toExponential(6).split("e")[1]);
  const exponent = exponentOf(largest);
  const power = exponent >= -3 && exponent < 5 ? 0 : exponent;
  const digits = Math.min(Math.max(3, exponent - exponentOf(high - low) + 2), 6);
  const whole = !power && three.every(Number.isInteger);
  const decimals = whole ? 0 : Math.max(0, digits - 1 - exponent + power);
  const [v, l, h] = three.map((one) => minus((one / 10 ** power).toFixed(one ? decimals : 0).replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ",")));
  return `${v} [${l}, ${h}]${power ? `·10${raised(power)}` : ""}`;
}

/** Ratios to the chosen baseline: "task track framework cell metric" to [ratio, low, high]. */
function ratiosToBaseline() {
  const found = new Map();
  if (!state.baseline || !tables.ratios) return found;
  const at = (name) => place(tables.ratios, name);
  const keys = ["task", "track", "framework", "cell", "metric"].map(at);
  for (const row of tables.ratios.rows)
    if (row[at("baseline")] === state.baseline)
      found.set(JSON.stringify(keys.map((k) => row[k])), ["ratio", "low", "high"].map((k) => row[at(k)]));
  return found;
}

/** Whether a row with these columns is let through by the filters. */
function passes(table) {
  const active = FILTERS.filter((key) => state[key] && place(table, key) >= 0);
  const places = active.map((key) => place(table, key));
  return (row) => places.every((p, i) => row[p] === state[active[i]]);
}

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Hide what the filters leave out, and say how much that is; what is of two versions names both. */
function filterPage() {
  const signature = JSON.stringify([...FILTERS, "show"].map((key) => state[key]));
  // A page of 20,000 runs has tens of thousands of lines to look at.
  if (filterPage.signature === signature) return;
  filterPage.signature = signature;
  countRuns();
  const keys = ["task", "framework", "cell", "track"];
  for (const one of $$("main [data-task], main [data-framework], main [data-cell], main [data-track]")) {
    one.hidden = keys.some((key) => state[key] && key in one.dataset && !one.dataset[key].split(" ").includes(state[key]));
  }
  for (const one of $$("details.fold:is([data-task], [data-cells])")) one.open ||= wanted(one);
  for (const one of $$("#curves")) one.dataset.show = state.show;
  for (const layer of $$("svg .layer"))
    layer.classList.toggle("away", Boolean(state.framework) && !layer.classList.contains(`of-${state.framework}`));
}

/** Whether a fold is of the task or has the cell that is asked for. */
const wanted = ({ dataset }) =>
  dataset.task === (state.task || null) || Boolean(state.cell && dataset.cells?.split(" ").includes(state.cell));

function countRuns() {
  if (!tables.runs) return;
  const whole = tables.runs.rows.length, left = tables.runs.rows.filter(passes(tables.runs)).length;
  for (const one of $$(".left"))
    one.textContent = left === whole ? `${number(whole)} runs` : `${number(left)} of ${number(whole)} runs`;
}

/** With a baseline the matrix shows ratios to it instead of intervals. */
function baselineInMatrix(ratios) {
  for (const cell of $$("#matrix td:has(a[data-task])")) {
    const { task, track, framework, cell: name } = $("a", cell).dataset;
    const line = $(".interval", cell);
    if (!line) continue;
    line.dataset.plain ??= line.textContent;
    const ratio = ratios.get(JSON.stringify([task, track, framework, name, "score"]));
    const own = `${framework}/${name}` === state.baseline;
    line.textContent = !state.baseline ? line.dataset.plain
      : own ? "the baseline" : ratio ? `× ${interval(...ratio)}` : "no ratio";
  }
}

function theme() {
  const dark = state.theme ? state.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const root = document.documentElement;
  root.dataset.theme = dark ? "dark" : "light";
  root.classList.toggle("dark", dark);
}

function readHash() {
  const [id, query = ""] = location.hash.slice(1).split("?");
  target = id;
  const given = Object.fromEntries(new URLSearchParams(query));
  const known = Object.keys(DEFAULTS).filter((key) => key in given);
  state = { ...DEFAULTS, ...Object.fromEntries(known.map((key) => [key, given[key]])) };
}

function writeHash(push = false) {
  const changed = Object.entries(state).filter(([key, value]) => value !== DEFAULTS[key]);
  const query = new URLSearchParams(changed).toString();
  const hash = `#${target}${query ? `?${query}` : ""}`;
  if (hash === (location.hash || "#")) return;
  if (!push) return history.replaceState(history.state, "", hash);
  // Who comes back comes back to where they were.
  history.replaceState({ y: scrollY }, "");
  history.pushState(null, "", hash);
}

/** What an address names: itself or, where it is not on this page, what stands for it. */
const named = (id) => document.getElementById(id) ?? document.getElementById(aliases[id]);

/** The view that an element stands in; the first one where nothing is named. */
const viewOf = (id) => named(id)?.closest(".view") ?? $(".view");

/** Show the view of what the address names, and nothing of the others. */
function showView() {
  const shown = viewOf(target);
  for (const view of $$(".view")) view.hidden = view !== shown;
  for (const link of $$("#navigation a")) {
    if (link.getAttribute("href") === `#${shown.id}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const title = $(`#navigation a[href="#${shown.id}"]`).textContent;
  document.title = `${title} · GateBench report`;
  $("#here").textContent = title;
}

/** Lead the eye and the keyboard to what the address names. */
function go() {
  const place = named(target);
  // A view begins at the top of the window.
  if (!place || place.matches(".view")) scrollTo(0, 0);
  else {
    for (let one = place; (one = one.parentElement?.closest("details")); ) one.open = true;
    if (place.matches("details")) place.open = true;
    place.scrollIntoView();
  }
  const first = place?.matches("details") ? $("summary", place) : place;
  if (first && first.tabIndex < 0) first.tabIndex = -1;
  first?.focus({ preventScroll: true });
}

/** Open the folds that the address names, and close the others. */
function showFolds() {
  const open = state.open.split(",");
  for (const one of $$("details.fold")) one.open = open.includes(one.id) || wanted(one);
}

/** Show the state everywhere. */
function apply() {
  for (const control of $$("[data-key]")) control.value = state[control.dataset.key];
  theme();
  showView();
  filterPage();
  sayFilters();
  const ratios = ratiosToBaseline();
  baselineInMatrix(ratios);
  showTable(ratios);
  showRuns();
  showRun();
}

/** Change the state, and lead to a section if one is named. */
function change(patch, id) {
  state = { ...state, ...patch };
  if (id !== undefined) target = id;
  writeHash(id !== undefined);
  apply();
  if (id !== undefined) go();
}

function start() {
  for (const control of $$("[data-key]"))
    control.addEventListener("change", () => {
      const { key } = control.dataset;
      // Another table has other columns: its order and search begin anew.
      change(key === "table" ? { table: control.value, sort: "", search: "" } : { [key]: control.value });
    });
  for (const one of $$(".reset"))
    one.addEventListener("click", () => change({ ...DEFAULTS, theme: state.theme, open: state.open }));
  const menu = $("#menu");
  menu.addEventListener("click", () => showMenu(menu.getAttribute("aria-expanded") !== "true"));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || menu.getAttribute("aria-expanded") !== "true") return;
    showMenu(false);
    menu.focus();
  });
  for (const one of $$("details.fold"))
    one.addEventListener("toggle", () => {
      if (printing.length) return;
      state.open = $$("details.fold[open]").map((fold) => fold.id).join();
      writeHash();
    });
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (link || !event.target.closest("body > header")) showMenu(false);
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    // Past the navigation, within the view that is shown.
    if (link.matches(".skip")) return $(".view:not([hidden])").focus();
    link.closest("[popover]")?.hidePopover();
    const { task, framework, cell, track, run } = link.dataset;
    if (run) change({ run }, "run");
    else if (task) change({ task, framework, cell, track, run: "" }, "every");
    else change({}, link.getAttribute("href").slice(1));
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", theme);
  history.scrollRestoration = "manual";
  addEventListener("popstate", (event) => {
    readHash();
    apply();
    showFolds();
    go();
    if (event.state) scrollTo(0, event.state.y);
  });
  addEventListener("beforeprint", beforePrint);
  addEventListener("afterprint", afterPrint);
  document.documentElement.classList.add("js");
  listPlaces();
  readHash();
  apply();
  showFolds();
  if (target) go();
}
