/* Drawing. */
const layer = () => $("input[name=layer]:checked").value;
const wiping = () => $("input[name=view]:checked").value === "wipe";
const choose = (name, value) => { $(`input[name=${name}][value=${value}]`).checked = true; };
const pack = (red, green, blue, alpha = 255) => new Uint32Array(new Uint8Array([red, green, blue, alpha]).buffer)[0];
const WRONG = pack(255, 64, 32), CLEAR = 0, BLACK = pack(0, 0, 0);
const overlay = document.createElement("canvas");

function colours(run) {
  const table = new Uint32Array(256).fill(BLACK);
  run.palette.forEach((colour, id) => { table[id] = pack(...colour); });
  return table;
}

function paintLabels(context, side, what, opacity) {
  const { width, height } = state.clip, pixels = width * height, from = state.at * pixels;
  const brush = overlay.getContext("2d"), image = brush.createImageData(width, height);
  const out = new Uint32Array(image.data.buffer), { labels } = loaded[side], { truth } = loaded;
  if (what === "error") {
    for (let i = 0; i < pixels; i++) {
      const right = truth[from + i];
      out[i] = right !== IGNORE && right !== labels[from + i] ? WRONG : CLEAR;
    }
  } else {
    const table = colours(state.clip.run), ids = what === "truth" ? truth : labels;
    for (let i = 0; i < pixels; i++) out[i] = table[ids[from + i]];
  }
  brush.putImageData(image, 0, 0);
  context.globalAlpha = opacity;
  context.drawImage(overlay, 0, 0);
  context.globalAlpha = 1;
}

function paint(side) {
  const canvas = $(`.${side} canvas`), context = canvas.getContext("2d");
  const { width, height } = state.clip, what = layer(), opacity = $("input[name=opacity]").value / 100;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  context.drawImage(loaded.frames[state.at], 0, 0, width, height);
  if (what === "error") {
    context.fillStyle = "#0009";
    context.fillRect(0, 0, width, height);
  }
  canvas.classList.toggle("labels", what !== "frame" && what !== "flow");
  if (what === "flow") {
    const flow = loaded[side].flow?.[state.at];
    if (flow) {
      context.globalAlpha = opacity;
      context.drawImage(flow, 0, 0, width, height);
      context.globalAlpha = 1;
    }
  } else if (what !== "frame") paintLabels(context, side, what, opacity);
}

function draw() {
  if (loaded.clip !== state.clip) return;
  const { width, height } = state.clip;
  if (overlay.width !== width || overlay.height !== height) Object.assign(overlay, { width, height });
  for (const side of SIDES) {
    paint(side);
    caption(side);
  }
  $("input[name=seek]").value = state.at;
  $("input[name=seek]").setAttribute("aria-valuetext", `frame ${state.at} of ${state.clip.length}`);
  $(".now").textContent = `Frame ${state.at} of ${state.clip.length}: ` + SIDES.map((side) => `${side} ${reading(side)}`).join("; ");
  for (const svg of root.querySelectorAll(".timeline svg")) moveCursor(svg);
}

const name = (cell) => `${cell.method}${cell.keys.length ? `, interval ${cell.interval}` : ""}`
  + (new Set(state.clip.cells.map((other) => other.backbone)).size > 1 ? `, ${cell.backbone}` : "");
const distance = (cell) => state.at - Math.max(...cell.keys.filter((key) => key <= state.at));

function reading(side) {
  const cell = state.cell[side], iou = cell.iou[state.at];
  const time = cell.ms ? `, ${cell.ms[state.at].toPrecision(3)} ms` : "";
  return (iou === null ? "not scored" : `mIoU ${iou.toFixed(1)} %`) + time;
}

function caption(side) {
  const cell = state.cell[side], said = $(`.${side} figcaption`);
  const title = document.createElement("b");
  title.textContent = name(cell);
  said.replaceChildren(title, " ");
  if (cell.keys.includes(state.at)) {
    const badge = document.createElement("span");
    badge.className = "key";
    badge.textContent = "key frame";
    said.append(badge);
  } else if (cell.keys.length) said.append(`${distance(cell)} after the key frame`);
  $(`.${side} canvas`).setAttribute("aria-label", `${side}: ${name(cell)}, ${layer()} of frame ${state.at}, ${reading(side)}`);
}
