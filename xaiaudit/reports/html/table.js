// The table of images: filtered, sorted, and a page of it at a time.
const ROWS = 50; // of a page
const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
const order = { id: "image", descending: false };
let shown = all; // images that pass the filters, in order
let first = 0; // row of the page's first image
let current = 0; // row that the keyboard is on

const haystack = all.map((i) =>
  [cases.image, cases.case, cases.dataset, cases.label, ...Object.values(cases.subgroups)]
    .map((values) => values[i] ?? "").join("\n").toLowerCase());

const outcomes = { rounded: "roundedFlipped", failed: "failed" };
const tests = {
  label: (i, wanted) => (cases.label[i] ?? "") === wanted.slice(1),
  decision: (i, wanted) =>
    wanted === "right" ? known(cases.label[i]) && !wrong(i) : wanted === "wrong" ? wrong(i) : cases.decision[i] === wanted.slice(1),
  flipped: (i, wanted) =>
    wanted in outcomes ? attacked()[outcomes[wanted]][i] : attacked().flipped[i] === (wanted === "yes"),
  silent: (i, wanted) =>
    wanted === "vanished" ? shifted().vanished[i] : String(shifted().silent[i]) === wanted,
  pictures: (i) => pictured.has(i),
};

function select() {
  const words = element("text").value.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = Object.entries(tests).map(([id, test]) => [test, element(`filter-${id}`).value]).filter(([, value]) => value);
  shown = all.filter((i) =>
    words.every((word) => haystack[i].includes(word)) && wanted.every(([test, value]) => test(i, value)));
  sort();
  first = current = 0;
}

// Images without a value come last either way; equal ones stay in the order of the audit.
function sort() {
  const column = columns().find(({ id }) => id === order.id);
  if (!column) return;
  const keys = new Map(shown.map((i) => [i, column.value(i)]));
  const sign = order.descending ? -1 : 1;
  shown = [...shown].sort((a, b) => {
    const [p, q] = [keys.get(a), keys.get(b)];
    if (!known(p) || !known(q)) return Number(!known(p)) - Number(!known(q)) || a - b;
    return sign * (column.number || typeof p === "number" ? p - q : collator.compare(p, q)) || a - b;
  });
}

function drawHead() {
  element("widths").replaceChildren(...columns().map(({ width }) => {
    const made = make("col");
    made.style.width = `${width}em`;
    return made;
  }));
  element("table").style.width = `${columns().reduce((sum, { width }) => sum + width, 0)}em`;
  element("table").style.setProperty("--name", `${columns()[0].width}em`);
  element("groups").replaceChildren(...groups().map(([title, own]) => {
    const head = make("th", "", { scope: "colgroup", colspan: own.length });
    head.append(make("span", title));
    return head;
  }));
  element("titles").replaceChildren(...groups().flatMap(([group, own]) => own.map((column) => {
    const head = make("th", "", { scope: "col", "data-id": column.id, class: column.number ? "right" : "left" });
    if (column.id === order.id) head.setAttribute("aria-sort", order.descending ? "descending" : "ascending");
    // titles repeat from group to group
    head.append(make("button", column.title, { type: "button", "aria-label": `${column.title}, ${group.split(",")[0]}` }));
    return head;
  })));
}

function drawRows(from = first, most = ROWS) {
  const rows = shown.slice(from, from + most).map((i, at) => {
    const row = make("tr", "", { "data-image": i });
    row.append(...columns().map((column) => cell(column, i, from + at)));
    return row;
  });
  element("rows").replaceChildren(...rows);
  const last = Math.min(from + most, shown.length);
  element("count").textContent = shown.length === all.length
    ? `${all.length} images` : `${shown.length} of ${all.length} images`;
  element("page").textContent = shown.length ? `${from + 1} to ${last} of ${shown.length}` : "no image passes the filters";
  enable("page-before", from > 0, "page-after", last < shown.length);
}

function cell(column, i, row) {
  const classes = `${column.number ? "right" : "left"}${column.alarm?.(i) ? " marked" : ""}`;
  if (!column.name) return make("td", column.words(i), { class: classes });
  const made = make("th", "", { scope: "row", class: classes });
  const name = make("button", "", { type: "button", tabindex: row === current ? 0 : -1, title: column.words(i) });
  name.append(make("bdi", column.words(i)));
  made.append(name);
  return made;
}

function draw() {
  drawHead();
  drawRows();
}

function refresh() {
  select();
  draw();
}

// To a row, on its page, with the keyboard's focus on its name.
function goTo(row) {
  current = Math.max(0, Math.min(row, shown.length - 1));
  first = Math.floor(current / ROWS) * ROWS;
  drawRows();
  element("rows").children[current - first]?.querySelector("button").focus();
}

function turn(pages) {
  first = Math.min(Math.max(first + pages * ROWS, 0), Math.floor((shown.length - 1) / ROWS) * ROWS);
  current = first;
  drawRows();
  element("scroll").scrollTop = 0;
}
