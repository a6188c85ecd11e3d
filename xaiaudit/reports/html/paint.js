// Pictures on canvases: B-mode images, saliency maps, magnified perturbations, and the lines on them.
const SIDE = 448; // pixels of the longer side of a canvas, as of a panel in the PDF
const LESION = 0, RING = 1; // codes of the regions

const palettes = report.palettes.map((palette) => ({
  ...palette,
  rgb: Uint8Array.from(palette.colours.match(/../g), (pair) => parseInt(pair, 16)),
}));

function shape(canvas, rows, columns) {
  const scale = SIDE / Math.max(rows, columns);
  canvas.width = Math.round(columns * scale);
  canvas.height = Math.round(rows * scale);
  return canvas.getContext("2d");
}

function paintImage(canvas, image, rows, columns) {
  const context = shape(canvas, rows, columns);
  context.imageSmoothingEnabled = false;
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
}

// Bytes on a grid in the colours of a palette; `smooth`: bilinear between the cells' centres, constant beyond them.
function paintBytes(canvas, values, rows, columns, palette, smooth, proportions = [rows, columns]) {
  const context = shape(canvas, ...proportions);
  const { width, height } = canvas;
  const picture = context.createImageData(width, height);
  const across = weights(width, columns, smooth), down = weights(height, rows, smooth);
  for (let y = 0, at = 0; y < height; y += 1) {
    const top = down.cell[y] * columns, bottom = down.next[y] * columns, v = down.share[y];
    for (let x = 0; x < width; x += 1, at += 4) {
      const left = across.cell[x], right = across.next[x], u = across.share[x];
      const upper = values[top + left] * (1 - u) + values[top + right] * u;
      const lower = values[bottom + left] * (1 - u) + values[bottom + right] * u;
      const colour = 3 * Math.round(upper * (1 - v) + lower * v);
      picture.data[at] = palette.rgb[colour];
      picture.data[at + 1] = palette.rgb[colour + 1];
      picture.data[at + 2] = palette.rgb[colour + 2];
      picture.data[at + 3] = 255;
    }
  }
  context.putImageData(picture, 0, 0);
}

// No map, which no colour of a palette may look like: hatched, and said.
function paintUndefined(canvas, rows, columns) {
  const context = shape(canvas, rows, columns);
  const { width, height } = canvas;
  context.fillStyle = "#e8e8e8";
  context.fillRect(0, 0, width, height);
  context.strokeStyle = "#9a9a9a";
  context.lineWidth = 2;
  context.beginPath();
  for (let x = -height; x < width; x += 24) { context.moveTo(x, height); context.lineTo(x + height, 0); }
  context.stroke();
  context.font = "600 28px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const at of [0.25, 0.75]) { // one on either side of the divider
    context.lineWidth = 10;
    context.strokeStyle = "#e8e8e8";
    context.strokeText("undefined", at * width, height / 2);
    context.fillStyle = "#1c1f26";
    context.fillText("undefined", at * width, height / 2);
  }
}

// Of each pixel along one axis, the two cells that it lies between and how far towards the second.
function weights(pixels, cells, smooth) {
  const cell = new Int32Array(pixels), next = new Int32Array(pixels), share = new Float32Array(pixels);
  for (let i = 0; i < pixels; i += 1) {
    const place = Math.min(Math.max(((i + 0.5) * cells) / pixels - 0.5, 0), cells - 1);
    cell[i] = smooth ? Math.floor(place) : Math.round(place);
    next[i] = Math.min(cell[i] + 1, cells - 1);
    share[i] = smooth ? place - cell[i] : 0;
  }
  return { cell, next, share };
}

function paintScale(canvas, palette) {
  canvas.width = 256;
  canvas.height = 1;
  paintRow(canvas.getContext("2d"), palette);
}

function paintRow(context, palette) {
  const picture = context.createImageData(256, 1);
  for (let i = 0; i < 256; i += 1) {
    picture.data.set([...palette.rgb.subarray(3 * i, 3 * i + 3), 255], 4 * i);
  }
  context.putImageData(picture, 0, 0);
}

// Lesion (solid) and outer edge of the ring (dashed).
function paintRegions(canvas, codes, rows, columns) {
  paintLine(canvas, rows, columns, (i) => codes[i] === LESION || codes[i] === RING, true);
  paintLine(canvas, rows, columns, (i) => codes[i] === LESION, false);
}

// The edge of the cells that are `inside`, with a black halo.
function paintLine(canvas, rows, columns, inside, dashed, colour = "#fff") {
  const context = canvas.getContext("2d");
  const path = edge(rows, columns, canvas.width / columns, canvas.height / rows, inside, dashed);
  context.lineCap = "square";
  context.setLineDash(dashed && canvas.width / columns > 12 ? [7, 7] : []);
  for (const [stroke, width] of [["#000", 4], [colour, 2]]) {
    context.strokeStyle = stroke;
    context.lineWidth = width;
    context.stroke(path);
  }
  context.setLineDash([]);
}

// Along pixels a dash is a range of angles about the middle: sides of single pixels are too short for a pattern.
function edge(rows, columns, wide, high, inside, dashed) {
  const sides = [], middle = [0, 0];
  for (let r = 0, i = 0; r < rows; r += 1) {
    for (let c = 0; c < columns; c += 1, i += 1) {
      if (!inside(i)) continue;
      if (r === 0 || !inside(i - columns)) sides.push([c, r, c + 1, r]);
      if (r === rows - 1 || !inside(i + columns)) sides.push([c, r + 1, c + 1, r + 1]);
      if (c === 0 || !inside(i - 1)) sides.push([c, r, c, r + 1]);
      if (c === columns - 1 || !inside(i + 1)) sides.push([c + 1, r, c + 1, r + 1]);
    }
  }
  for (const [x, y] of sides) { middle[0] += x / sides.length; middle[1] += y / sides.length; }
  const dashes = Math.max(4, Math.round((sides.length * wide) / 18));
  const path = new Path2D();
  for (const [x0, y0, x1, y1] of sides) {
    const turn = Math.atan2(y0 - middle[1], x0 - middle[0]) / (2 * Math.PI) + 1;
    if (dashed && wide <= 12 && (turn * dashes) % 1 > 0.55) continue;
    path.moveTo(x0 * wide, y0 * high);
    path.lineTo(x1 * wide, y1 * high);
  }
  return path;
}

// Boxes in pixels of the image; by their lines as in the PDF.
const BOX_LINES = { lesions: ["#ffffff", []], clean: ["#56b4e9", [12, 6]], attacked: ["#ffbe32", [3, 4]] };

function paintBoxes(canvas, rows, columns, boxes, kind) {
  const context = canvas.getContext("2d"), [colour, dashes] = BOX_LINES[kind];
  const wide = canvas.width / columns, high = canvas.height / rows;
  context.lineCap = "butt";
  context.setLineDash(dashes);
  for (const [stroke, width] of [["#000", 5], [colour, 3]]) {
    context.strokeStyle = stroke;
    context.lineWidth = width;
    for (const [x0, y0, x1, y1] of boxes) { // within the box, so that one at the border is seen
      context.strokeRect(x0 * wide + 1.5, y0 * high + 1.5, Math.max((x1 - x0) * wide - 3, 1), Math.max((y1 - y0) * high - 3, 1));
    }
  }
  context.setLineDash([]);
}

// The map's maximum, at the centre of its cell.
function paintCross(canvas, rows, columns, cell) {
  const context = canvas.getContext("2d");
  const x = (((cell % columns) + 0.5) * canvas.width) / columns;
  const y = ((Math.floor(cell / columns) + 0.5) * canvas.height) / rows;
  for (const [stroke, width, arm] of [["#000", 6, 13], ["#fff", 2.5, 11]]) {
    context.strokeStyle = stroke;
    context.lineWidth = width;
    context.lineCap = "butt";
    context.beginPath();
    context.moveTo(x - arm, y); context.lineTo(x + arm, y);
    context.moveTo(x, y - arm); context.lineTo(x, y + arm);
    context.stroke();
  }
}
