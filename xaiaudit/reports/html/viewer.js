// One image, large: before and after, the perturbation between them, and the map, as the reader chooses.
const viewer = element("viewer");
const kept = { false: 0, true: 0 }; // palette of maps that are not signed, and that are
const images = new Map(); // decoded pictures by number
const mapNames = { "map-before": "Saliency map of the clean image", "map-after": "Saliency map of the adversarial image" };
let walk = []; // images that Previous and Next go through
let looked = 0; // which of them is looked at
let asked = 0; // how often pictures were asked for: those of an older question come too late

const pictureOf = (i) =>
  report.pictures.find((p) => p.image === i && p.attack === choice.attack) ?? report.pictures.find((p) => p.image === i);
const palettesOf = (signed) => palettes.filter((palette) => palette.signed === signed);
const part = (start, length) => bytes.subarray(start, start + length);

async function decoded(number) {
  if (!images.has(number)) {
    const image = new Image();
    image.src = report.urls[number];
    await image.decode();
    images.set(number, image);
  }
  return images.get(number);
}

function look(place) {
  looked = place;
  drawViewer();
}

function openViewer(row) {
  walk = shown;
  viewer.showModal();
  viewer.scrollTop = 0;
  look(row);
}

async function drawViewer() {
  const i = walk[looked];
  element("viewer-title").textContent = cases.image[i];
  enable("previous", looked > 0, "next", looked < walk.length - 1);
  element("place").textContent = `${looked + 1} of ${walk.length}`;
  const signed = report.explainers[choice.explainer]?.signed ?? false;
  fill(element("palette"), palettesOf(signed).map(({ name }, k) => [k, name]));
  element("palette").value = kept[signed];
  drawFacts(i);
  if (!bytes) return;
  const picture = pictureOf(i);
  drawMap(i, picture);
  drawPerturbation(picture);
  await drawPicture(i, picture);
}

async function drawPicture(i, picture) {
  const own = picture?.attack === choice.attack;
  element("picture").hidden = !picture;
  element("no-picture").hidden = Boolean(picture);
  if (!picture) return;
  const question = (asked += 1);
  const { rows, columns } = picture;
  const before = await decoded(picture.clean), after = await decoded(own ? picture.adversarial : picture.clean);
  if (question !== asked) return;
  const lines = element("outline").checked;
  for (const [id, image, drawn] of [["picture-before", before, 0], ["picture-after", after, own ? 1 : 0]]) {
    paintImage(element(id), image, rows, columns);
    if (lines) {
      paintRegions(element(id), part(picture.codes, rows * columns), rows, columns);
      const mask = picture.drawn.length === 2 ? part(picture.drawn[drawn], rows * columns) : null;
      if (mask) paintLine(element(id), rows, columns, (at) => mask[at] > 0, true, "#ffbe32");
    }
    if (!picture.boxes || !element("boxes").checked) continue;
    for (const kind of drawn ? ["lesions", "clean", "attacked"] : ["lesions", "clean"]) {
      paintBoxes(element(id), rows, columns, picture.boxes[kind], kind);
    }
  }
  element("picture-note").textContent = (own ? "Adversarial image rounded to 8 bits. "
    : `Of the attacks on this image the gallery keeps ${others(i)}, not this one: the clean image on both sides. `)
    + lineWords(picture) + boxWords(picture, own);
}

// How many boxes there are to see, and by which line each kind is drawn.
function boxWords({ boxes }, own) {
  if (!boxes || !element("boxes").checked) return "";
  const attacked = own ? `; orange dots: the attacked image (${boxes.attacked.length})` : "";
  return ` Boxes that count. White and solid: lesions (${boxes.lesions.length}); blue dashes: the clean image (${boxes.clean.length})${attacked}.`;
}

function lineWords({ outlined, calibrated, drawn }) {
  const ring = calibrated ? "" : ", relative, no calibration";
  const known = outlined ? `Solid line: lesion; dashed: outer edge of the ring${ring}.` : "No lesion is outlined.";
  return known + (drawn.length === 2 ? " Orange dashes: what the model outlines." : "");
}

const others = (i) =>
  report.pictures.filter((p) => p.image === i).map((p) => report.attacks[p.attack].id).join(", ");

function drawPerturbation(picture) {
  const own = picture?.attack === choice.attack;
  element("perturbation").hidden = !own;
  if (!own) return;
  const { rows, columns, magnification, reach } = picture;
  const palette = palettesOf(true)[kept.true];
  paintBytes(element("perturbation-canvas"), part(picture.perturbation, rows * columns), rows, columns, palette, false);
  paintScale(element("perturbation-scale"), palette);
  element("perturbation-title").textContent = `Perturbation × ${magnification}`;
  element("perturbation-canvas").setAttribute("aria-label", `Perturbation magnified ${magnification} times, signed`);
  ends("perturbation", `−${number(reach)}`, "0", `+${number(reach)} grey levels`);
}

function drawMap(i, picture) {
  const explained = report.explainers[choice.explainer], maps = report.maps[choice.explainer];
  element("map").hidden = !maps;
  if (!maps) return;
  const { rows, columns } = maps, size = rows * columns;
  const palette = palettesOf(explained.signed)[kept[explained.signed]];
  const told = [["map-before", maps.states[0]], ["map-after", maps.states[choice.attack + 1]]].map(([id, state]) => {
    const canvas = element(id), grid = picture ? [picture.rows, picture.columns] : [rows, columns];
    const defined = known(state.peak[i]);
    canvas.setAttribute("aria-label", `${mapNames[id]}: ${defined ? `maximum in ${state.state[i]}` : "undefined"}`);
    if (!defined) {
      paintUndefined(canvas, ...grid);
      return "undefined";
    }
    paintBytes(canvas, part(state.start + i * size, size), rows, columns, palette, true, grid);
    if (element("outline").checked) {
      if (picture) paintRegions(canvas, part(picture.codes, picture.rows * picture.columns), picture.rows, picture.columns);
      else paintRegions(canvas, part(maps.cells + i * size, size), rows, columns);
    }
    paintCross(canvas, rows, columns, state.peak[i]);
    const high = number(state.scale[i]);
    return explained.signed ? `±${high}` : `0 to ${high}`;
  });
  paintScale(element("map-scale"), palette);
  element("map-title").textContent = `Map by ${explained.id}`;
  ends("map", explained.signed ? "− largest" : "0", explained.signed ? "0" : "", explained.signed ? "+ largest" : "largest");
  element("map-note").textContent = `Raw values without a unit, each map on a scale of its own: clean ${told[0]}, adversarial ${told[1]}. `
    + `${rows} × ${columns} cells, drawn by bilinear interpolation. Cross: the maximum.`
    + (picture ? "" : " No picture of this image is kept: the lines follow the cells whose centre lies in lesion or ring.");
}

function ends(id, low, middle, high) {
  element(`${id}-ends`).replaceChildren(...[low, middle, high].map((words) => make("span", words)));
}
