// Numbers as the PDF prints them.
const DASH = "—";
const GREY = 255; // grey levels of an 8-bit image; radii are recorded in [0, 1]

const minus = (text) => text.replace("-", "−");
const known = (value) => value !== null && value !== undefined;

function fixed(value, decimals) {
  if (!known(value)) return DASH;
  return minus(value.toFixed(decimals).replace(/^-(?=[0.]*$)/, "")); // no negative zero
}

// To three significant digits, without an exponent from 0.001 up to a million.
function number(value) {
  if (!known(value)) return DASH;
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e6) return minus(value.toExponential(2).replace("e+", "e"));
  const decimals = Math.max(0, 2 - Number(value.toExponential().split("e")[1]));
  const text = value.toFixed(decimals);
  return minus(text.includes(".") ? text.replace(/\.?0+$/, "") : text);
}

const greyLevels = (value) => (known(value) ? number(GREY * value) : DASH);

// To three decimals, never rounded to certainty.
function probability(p) {
  if (!known(p)) return DASH;
  if (p < 0.0005) return "< 0.001";
  return p >= 0.9995 ? "> 0.999" : fixed(p, 3);
}
