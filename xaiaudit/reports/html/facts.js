// What is known of one image, in words.
function drawFacts(i) {
  const own = attacked(), shift = shifted(), attack = report.attacks[choice.attack];
  const facts = [
    ["Case", cases.case[i]],
    ["Dataset", cases.dataset[i]],
    ...Object.entries(cases.subgroups).map(([key, values]) => [report.subgroups[key], values[i] ?? DASH]),
    ["Label", cases.label[i] ?? DASH],
    ["Decision, clean", cases.decision[i] + (wrong(i) ? ", wrong" : "")],
  ];
  if (own) {
    facts.push(
      [`Decision under ${attack.id}`, outcome(own.flipped[i], own.failed[i], own.decision[i])],
      ["The same after rounding to 8 bits", outcome(own.roundedFlipped[i], own.failed[i], own.rounded[i])],
      [`Probability of ${report.positive}`, `${probability(cases.probability[i])} → ${probability(own.probability[i])}`],
      ["Largest change, grey levels", greyLevels(own.linf[i])],
      ["Change in L2, intensities in [0, 1]", number(own.l2[i])],
      attack.norm === "linf"
        ? ["Smallest radius that reaches the goal, grey levels", greyLevels(own.radius[i])]
        : ["Smallest step that reaches the goal, L2", number(own.radius[i])],
    );
  }
  if (report.boxes) facts.push(...boxFacts(i, own));
  if (shift) facts.push(...shiftFacts(i, shift));
  element("facts").replaceChildren(...facts.map(([name, words]) => {
    const pair = make("div");
    pair.append(make("dt", name), make("dd", words));
    return pair;
  }));
  element("said").textContent = own
    ? `Label ${cases.label[i] ?? "unknown"}. Under ${attack.id} the decision ${cases.decision[i]} ${own.flipped[i] ? `turns to ${own.decision[i]}` : "stands"}${own.failed[i] ? ", and the attack failed: it could not go on" : ""}.`
    : `Label ${cases.label[i] ?? "unknown"}. Decision ${cases.decision[i]}.`;
}

function boxFacts(i, own) {
  const states = own ? [report.boxes[0], report.boxes[choice.attack + 1]] : [report.boxes[0]];
  const each = (words) => states.map(words).join(" → ");
  return [
    ["Lesions found", each((state) => foundWords(state, i))],
    ["False marks", each((state) => state.falseMarks[i] ?? DASH)],
    ["Likeliest box", each((state) => state.likeliest[i])],
  ];
}

function shiftFacts(i, shift) {
  const { states } = report.maps[choice.explainer];
  const peaks = [states[0], states[choice.attack + 1]].map((state) => state.state[i]);
  return [
    ["Silent shift", truth[shift.silent[i]] + (shift.vanished[i] ? ", the map vanished" : "")],
    ["Peak of the map lies in", peaks.join(" → ")],
    ...report.metrics.map((metric) => [metric.title, measure(metric, shift[metric.key][i])]),
  ];
}
