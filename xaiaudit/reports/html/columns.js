// What the table can show of an image. `value` is what is sorted by, `words` what is read.
const choice = { attack: 0, explainer: 0, further: false };
const pictured = new Set(report.pictures.map((picture) => picture.image));
const attacked = () => cases.attacks[choice.attack];
const shifted = () => cases.shifts[choice.attack]?.[choice.explainer];
const truth = { true: "yes", false: "no", null: DASH };

// Wide enough for every image's words, so that nothing moves when the table is sorted or filtered.
function wide(title, words) {
  const longest = Math.max(...title.split(/[ /]/).map((word) => word.length + 2), ...words.map((word) => word.length));
  return Math.min(21, 1.8 + 0.64 * longest);
}

function column(id, title, value, words, more = {}) {
  return { id, title, value, words, width: wide(title, all.map(words)), ...more };
}

const text = (id, title, values, more) => column(id, title, (i) => values[i], (i) => values[i] ?? DASH, more);
const amount = (id, title, values, words) =>
  column(id, title, (i) => values[i], (i) => words(values[i]), { number: true });

// A decision after the attack; sorted by what became of it, and then by the class.
function decided(id, title, flipped, failed, decision) {
  const key = (i) => `${flipped[i] ? 2 : Number(failed[i])}${decision[i]}`;
  const words = (i) => outcome(flipped[i], failed[i], decision[i]);
  return column(id, title, key, words, { alarm: (i) => flipped[i] || failed[i] });
}

// That a decision stood where the attack could not go on says nothing of the model.
const outcome = (flipped, failed, decision) =>
  (flipped ? `→ ${decision}` : "stands") + (failed ? ", attack failed" : "");

const imageColumns = () => [
  text("image", "Image", cases.image, { name: true }),
  text("label", "Label", cases.label),
];

// Last, as they tell who the image is of, and not what became of it.
function originColumns() {
  const several = new Set(cases.dataset).size > 1;
  const kept = (i) => (pictured.has(i) ? "yes" : "");
  return [
    ...(report.pictures.length ? [column("picture", "Picture", (i) => Number(!pictured.has(i)), kept)] : []),
    text("case", "Case", cases.case),
    ...(several ? [text("dataset", "Dataset", cases.dataset)] : []),
    ...Object.entries(cases.subgroups).map(([key, values]) => text(key, report.subgroups[key], values)),
  ];
}

function cleanColumns() {
  return [
    text("decision", "Decision", cases.decision, { alarm: wrong }),
    amount("probability", `P(${report.positive})`, cases.probability, probability),
    ...outline("dice", "Dice", cases.dice),
    ...markColumns("", 0),
  ];
}

const wrong = (i) => known(cases.label[i]) && cases.label[i] !== cases.decision[i];
const outline = (id, title, values) =>
  values?.some(known) ? [amount(id, title, values, (v) => fixed(v, 2))] : [];

// Of a detector; `state` 0 is clean, others are attacks.
function markColumns(id, state) {
  const own = report.boxes?.[state], clean = report.boxes?.[0];
  if (!own) return [];
  const share = (i) => (own.lesions[i] ? own.found[i] / own.lesions[i] : null);
  return [
    column(`found${id}`, "Lesions found", share, (i) => foundWords(own, i), { number: true, alarm: (i) => own.found[i] < clean.found[i] }),
    { ...amount(`falseMarks${id}`, "False marks", own.falseMarks, (v) => (known(v) ? String(v) : DASH)),
      alarm: (i) => own.falseMarks[i] > clean.falseMarks[i] },
  ];
}

const foundWords = (own, i) => (own.lesions[i] ? `${own.found[i]} of ${own.lesions[i]}` : known(own.lesions[i]) ? "no lesion" : DASH);

function attackColumns() {
  const own = attacked(), linf = report.attacks[choice.attack].norm === "linf";
  return [
    decided("flipped", "Decision", own.flipped, own.failed, own.decision),
    decided("rounded", "After rounding", own.roundedFlipped, own.failed, own.rounded),
    amount("after", `P(${report.positive})`, own.probability, probability),
    amount("linf", "L∞, grey levels", own.linf, greyLevels),
    linf
      ? amount("radius", "Smallest radius, grey levels", own.radius, greyLevels)
      : amount("radius", "Smallest step, L2", own.radius, number),
    ...outline("diceAfter", "Dice", own.dice),
    ...outline("overlap", "Overlap with clean mask", own.overlap),
    ...markColumns("After", choice.attack + 1),
  ];
}

function shiftColumns() {
  const own = shifted();
  if (!own) return [];
  const key = (i) => (known(own.silent[i]) ? Number(own.silent[i]) + (own.vanished[i] ? 0.5 : 0) : null);
  const words = (i) => truth[own.silent[i]] + (own.vanished[i] ? ", vanished" : "");
  const silent = column("silent", "Silent shift", key, words, { alarm: (i) => own.silent[i] === true });
  const metrics = report.metrics.filter((metric) => choice.further || metric.main);
  return [silent, ...metrics.map((m) => amount(m.key, m.title, own[m.key], (v) => measure(m, v)))];
}

const measure = (metric, value) => (known(value) ? fixed(value * metric.scale, metric.decimals) : DASH);

const built = new Map(); // by choice: words of every image are measured only once

function groups() {
  const key = JSON.stringify(choice);
  if (!built.has(key)) built.set(key, build());
  return built.get(key);
}

const columns = () => groups().flatMap(([, own]) => own);

function build() {
  const found = [["Image", imageColumns()], ["Clean", cleanColumns()]];
  if (attacked()) {
    found.push([`Under ${report.attacks[choice.attack].id}, before rounding unless said`, attackColumns()]);
    const maps = shiftColumns();
    if (maps.length) found.push([`Map by ${report.explainers[choice.explainer].id}`, maps]);
  }
  return [...found, ["Origin", originColumns()]];
}
