// Around the views: what each has, the menu of a small window, filters that act unseen, and paper.

/** Below each view's answer links to what else it has, so that nothing is far, on a phone either. */
function listPlaces() {
  for (const view of $$(".view")) {
    const places = $$("h3[id], section[id] > h3:first-child, details.fold", view)
      .map((one) => [one.id || one.parentElement.id, $("summary", one) ?? one, one.parentElement])
      .filter(([id, , parent]) => !parent.closest("details") && !$(`a[href="#${id}"]`, view));
    if (places.length < 2) continue;
    const links = places.map(([id, { textContent }]) => element("a", { href: `#${id}` }, textContent.split(":")[0].trim()));
    ($(".lead", view) ?? $("h2", view)).after(element("nav", { class: "within", "aria-label": "In this view" }, ...links));
  }
}

/** Open or close the menu of a small window. */
const showMenu = (open) => $("#menu").setAttribute("aria-expanded", open);

// What print has opened is no choice of the reader's.
let printing = [];

/** Show all there is on paper: every view, and what is folded. */
function beforePrint() {
  printing = $$("details:not([open])");
  for (const one of $$(".view")) one.hidden = false;
  for (const one of printing) one.open = true;
}

function afterPrint() {
  for (const one of printing) one.open = false;
  showView();
  // The folds say later that they were opened and closed.
  setTimeout(() => (printing = []));
}

/** Say what a filter hides in a view that has no control for it. */
function sayFilters() {
  const shown = $(".view:not([hidden])");
  const unseen = (key) => state[key] && !$(`.filters [data-key=${key}]`, shown)
    && $$(`[data-${key}][hidden]`, shown).some((one) => getComputedStyle(one).display === "none");
  const words = FILTERS.filter(unseen).map((key) =>
    $(`.filters [data-key=${key}] option[value="${CSS.escape(state[key])}"]`)?.textContent ?? state[key]);
  $("#filtered").hidden = !words.length;
  $("#filtered span").textContent = `Only ${words.join(", ")} is shown.`;
}
