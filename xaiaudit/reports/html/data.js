"use strict";
// What the audit recorded: plain columns at once, the bytes of maps and perturbations as soon as they are unpacked.
// Characters that turn the order of others round, or break a line, are seen as their code points.
const visible = (_, value) => typeof value !== "string" ? value
  : value.replace(/[\p{Bidi_Control}\p{Cc}]/gu, (found) => `\\u{${found.codePointAt(0).toString(16)}}`);
const report = JSON.parse(document.getElementById("report").textContent, visible);
const cases = report.cases;
const element = (id) => document.getElementById(id);
const all = cases.image.map((_, i) => i);

let bytes = null; // of maps, regions and perturbations

async function unpack() {
  const text = atob(element("bytes").textContent);
  const packed = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) packed[i] = text.charCodeAt(i);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  bytes = new Uint8Array(await new Response(stream).arrayBuffer());
}

// A new element with its text and attributes; text stays text.
function make(tag, text = "", attributes = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

// Two buttons as far as they lead anywhere; one that goes out of use hands the keyboard's focus to the other.
function enable(before, backwards, after, onwards) {
  const had = document.activeElement;
  element(before).disabled = !backwards;
  element(after).disabled = !onwards;
  if (had.id === before && !backwards) element(after).focus();
  if (had.id === after && !onwards) element(before).focus();
}

// The choices of a select: pairs of value and words.
function fill(select, choices) {
  select.replaceChildren(...choices.map(([value, words]) => make("option", words, { value })));
}
