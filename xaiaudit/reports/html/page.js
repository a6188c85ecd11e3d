// What the reader does, and what happens then.
const pairs = (items) => items.map((item, k) => [k, item.id]);
for (const name of ["attack", "explainer"]) {
  for (const id of [name, `viewer-${name}`]) {
    fill(element(id), pairs(report[`${name}s`]));
    element(id).parentElement.hidden = !report[`${name}s`].length;
    element(id).addEventListener("change", () => choose(name, Number(element(id).value)));
  }
}
const named = (values) => [...new Set(values)].sort().map((value) => [`=${value ?? ""}`, value ?? "without"]);
fill(element("filter-label"), [["", "all"], ...named(cases.label)]);
fill(element("filter-decision"), [["", "all"], ...named(cases.decision), ["right", "as the label"], ["wrong", "not as the label"]]);
element("filter-flipped").parentElement.hidden = !report.attacks.length;
element("filter-silent").parentElement.hidden = !report.explainers.length;
element("filter-pictures").parentElement.hidden = !report.pictures.length;
element("boxes").parentElement.hidden = !report.boxes || !report.pictures.length;
element("further").parentElement.hidden = !report.explainers.length;

// The same attack and explainer in table and viewer.
function choose(name, value) {
  choice[name] = value;
  element(name).value = element(`viewer-${name}`).value = value;
  refresh();
  if (viewer.open) drawViewer();
}

element("filters").addEventListener("input", (event) => {
  if (event.target.id === "attack" || event.target.id === "explainer") return;
  choice.further = element("further").checked;
  refresh();
});
element("filters").addEventListener("submit", (event) => event.preventDefault());
element("filters").addEventListener("reset", () => setTimeout(() => {
  element("attack").value = choice.attack;
  element("explainer").value = choice.explainer;
  choice.further = false;
  refresh();
}));

element("titles").addEventListener("click", (event) => {
  const id = event.target.closest("th")?.dataset.id;
  if (!id) return;
  order.descending = order.id === id && !order.descending;
  order.id = id;
  refresh();
  element("titles").querySelector(`[data-id="${id}"] button`).focus();
});

element("rows").addEventListener("click", (event) => {
  const row = event.target.closest("tr");
  const dragged = event.detail > 0 && getSelection().toString(); // words were selected; a key has detail 0
  if (!row || dragged) return;
  current = first + row.sectionRowIndex;
  openViewer(current);
});
element("rows").addEventListener("keydown", (event) => {
  const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: ROWS, PageUp: -ROWS, Home: -Infinity, End: Infinity };
  if (!(event.key in steps)) return;
  event.preventDefault();
  goTo(current + steps[event.key]);
});
element("page-before").addEventListener("click", () => turn(-1));
element("page-after").addEventListener("click", () => turn(1));

element("previous").addEventListener("click", () => look(looked - 1));
element("next").addEventListener("click", () => look(looked + 1));
element("close").addEventListener("click", () => viewer.close());
viewer.addEventListener("close", () => goTo(Math.max(0, shown.indexOf(walk[looked]))));
element("outline").addEventListener("change", drawViewer);
element("boxes").addEventListener("change", drawViewer);
viewer.addEventListener("keydown", (event) => {
  const typed = event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select"); // which letters choose in
  if (event.key.toLowerCase() !== "b" || typed || element("boxes").parentElement.hidden) return;
  element("boxes").checked = !element("boxes").checked;
  drawViewer();
});
element("palette").addEventListener("change", () => {
  kept[report.explainers[choice.explainer].signed] = Number(element("palette").value);
  drawViewer();
});
for (const slider of document.querySelectorAll(".compare input")) {
  slider.addEventListener("input", () => {
    slider.parentElement.style.setProperty("--left", `${slider.value}%`);
    slider.setAttribute("aria-valuetext", `${slider.value} % clean, from the left`);
  });
}

// On paper every image that passes the filters, and every section.
let unfolded = [];
addEventListener("beforeprint", () => {
  unfolded = [...document.querySelectorAll("details:not([open])")];
  for (const section of unfolded) section.open = true;
  drawRows(0, shown.length);
  // a browser repeats the head on every sheet, but not the words of a button in it
  for (const button of document.querySelectorAll("#titles button")) button.replaceWith(button.textContent);
});
addEventListener("afterprint", () => {
  for (const section of unfolded) section.open = false;
  draw();
});

refresh();
unpack().then(
  () => { document.documentElement.dataset.ready = "yes"; if (viewer.open) drawViewer(); },
  () => { element("unreadable").hidden = false; },
);
