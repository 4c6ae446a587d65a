"use strict";
{
const { runs } = JSON.parse(document.getElementById("player-data").textContent);
const root = document.getElementById("player");
const $ = (selector) => root.querySelector(selector);
const SIDES = ["left", "right"];
const LAYERS = ["frame", "truth", "prediction", "error", "flow"];
const IGNORE = 255;
const clips = runs.flatMap((run) => run.clips.map((clip) => ({ ...clip, run })));
const state = { clip: clips[0], at: 0, playing: false, cell: {} };
/* What is loaded of the present clip: frames, truth, and for each side its label maps and flow. */
let loaded = {};

/* Data files are scripts, each of which hands its content over by the file's name. */
const coming = new Map(), asked = new Map();
window.playerData = (file, content) => coming.get(file)(content);
function load(file) {
  if (!asked.has(file)) {
    asked.set(file, new Promise((resolve, reject) => {
      coming.set(file, resolve);
      const script = document.createElement("script");
      script.src = file;
      script.onerror = () => reject(new Error(`${file} cannot be loaded; keep the folder "player" beside this page`));
      document.head.append(script);
    }));
  }
  return asked.get(file);
}

async function unpack(text) {
  if (!window.DecompressionStream) throw new Error("this browser cannot unpack label maps; a newer one can");
  const packed = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function pictures(addresses) {
  return Promise.all(addresses.map(async (address) => {
    if (address === null) return null;
    const image = new Image();
    image.src = address;
    await image.decode();
    return image;
  }));
}

async function fetchClip() {
  const clip = state.clip;
  const sides = await Promise.all(SIDES.map(async (side) => {
    const cell = state.cell[side], flow = clip.flows[cell.interval];
    return [side, {
      labels: await unpack(await load(cell.file)),
      flow: flow && cell.keys.length ? await pictures(await load(flow)) : null,
    }];
  }));
  return {
    clip,
    frames: loaded.clip === clip ? loaded.frames : await pictures(await load(clip.frames)),
    truth: loaded.clip === clip ? loaded.truth : await unpack(await load(clip.truth)),
    ...Object.fromEntries(sides),
  };
}

let wanted = 0;
async function refresh() {
  const turn = ++wanted;
  try {
    const found = await fetchClip();
    if (turn !== wanted) return;
    loaded = found;
    tell("");
    $("input[name=layer][value=flow]").disabled = !SIDES.some((side) => loaded[side].flow);
    if ($("input[name=layer][value=flow]").disabled && layer() === "flow") choose("layer", "prediction");
    timeline();
    draw();
    root.dataset.ready = turn;
  } catch (error) {
    tell(error.message);
  }
}

function tell(problem) {
  $(".problem").textContent = problem;
  $(".problem").hidden = !problem;
}

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

/* The timeline. */
const LEFT = 36, RIGHT = 10, TOP = 8, LOW = 30;
function element(kind, attributes, parent, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", kind);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return parent.appendChild(made);
}
const across = (svg, index) => LEFT + (index / Math.max(1, state.clip.length - 1)) * (svg.clientWidth - LEFT - RIGHT);

function plot(svg, field, height, low, high, step) {
  const width = svg.clientWidth, y = (value) => height - LOW - (value - low) / (high - low) * (height - TOP - LOW);
  svg.replaceChildren();
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.style.height = `${height}px`;
  for (let tick = low; tick <= high + 1e-9; tick += step) {
    element("path", { class: "axis", d: `M${LEFT} ${y(tick)}H${width - RIGHT}` }, svg);
    element("text", { x: LEFT - 5, y: y(tick) + 4, "text-anchor": "end" }, svg, Number(tick.toPrecision(6)));
  }
  for (const side of SIDES) {
    const cell = state.cell[side], values = cell[field];
    let path = "", drawing = false;
    (values ?? []).forEach((value, index) => {
      if (value === null) { drawing = false; return; }
      const x = across(svg, index);
      path += field === "ms" && drawing ? `H${x}V${y(value)}` : `${drawing ? "L" : "M"}${x} ${y(value)}`;
      drawing = true;
    });
    element("path", { class: side, d: path || "M0 0" }, svg);
    const row = height - LOW + (side === "left" ? 10 : 22);
    for (const key of cell.keys) {
      element("path", { class: `mark ${side}`, d: `M${across(svg, key)} ${row - 4}l4 8h-8Z` }, svg);
    }
  }
  element("path", { class: "cursor" }, svg);
  moveCursor(svg);
}

function moveCursor(svg) {
  svg.querySelector(".cursor")?.setAttribute("d", `M${across(svg, state.at)} ${TOP}V${svg.viewBox.baseVal.height - 2}`);
}

function timeline() {
  const values = SIDES.flatMap((side) => state.cell[side].iou).filter((value) => value !== null);
  const low = 10 * Math.floor(Math.min(90, ...values) / 10), high = 10 * Math.ceil(Math.max(10, ...values) / 10);
  plot($("svg.iou"), "iou", 150, low, high, high - low > 50 ? 20 : 10);
  const said = SIDES.map((side) => `${side} ${name(state.cell[side])}`).join(", ");
  $("svg.iou").setAttribute("aria-label", `mIoU of each frame, ${said}; the numbers are in the table below`);
  const times = SIDES.flatMap((side) => state.cell[side].ms ?? []);
  for (const part of root.querySelectorAll(".of-ms, svg.ms")) part.toggleAttribute("hidden", !times.length);
  if (times.length) {
    const most = Math.max(...times), power = 10 ** Math.floor(Math.log10(most / 2));
    const step = power * [1, 2, 5, 10].find((factor) => factor * power >= most / 3);
    plot($("svg.ms"), "ms", 110, 0, step * Math.ceil(most / step), step);
    $("svg.ms").setAttribute("aria-label", `Latency of each frame in ms, ${said}; the numbers are in the table below`);
  }
  numbers();
}

function numbers() {
  if (!$(".numbers").open) return;
  const cells = SIDES.map((side) => state.cell[side]);
  const row = (kind, texts) => {
    const made = document.createElement("tr");
    made.append(...texts.map((text) => Object.assign(document.createElement(kind), { textContent: text })));
    return made;
  };
  $(".numbers thead").replaceChildren(row("th", ["Frame", ...SIDES.flatMap((side) => [`${side}: kind`, "mIoU (%)", "ms"])]));
  $(".numbers tbody").replaceChildren(...Array.from({ length: state.clip.length }, (_, index) => row("td", [index, ...cells.flatMap((cell) => [
    cell.keys.length ? (cell.keys.includes(index) ? "key" : "non-key") : "-", cell.iou[index]?.toFixed(1) ?? "-", cell.ms?.[index].toPrecision(3) ?? "-",
  ])])));
}

/* Moving. */
function seek(index) {
  state.at = Math.max(0, Math.min(state.clip.length - 1, index));
  draw();
}

let last = 0, owed = 0;
function tick(now) {
  if (!state.playing) return;
  owed += (now - last) / 1000 * state.clip.run.rate * Number($("select[name=speed]").value);
  last = now;
  if (owed >= 1) {
    seek(state.at + Math.floor(owed));
    owed %= 1;
  }
  if (state.at === state.clip.length - 1) play(false);
  else requestAnimationFrame(tick);
}

/* Nothing plays by itself. */
function play(on) {
  state.playing = on;
  $("button[name=play]").textContent = on ? "Pause" : "Play";
  $(".now").setAttribute("aria-live", on ? "off" : "polite");
  if (!on) return remember();
  if (state.at === state.clip.length - 1) seek(0);
  [last, owed] = [performance.now(), 0];
  requestAnimationFrame(tick);
}

function step(by) {
  if (state.playing) play(false);
  seek(state.at + by);
  remember();
}

function toKey(direction) {
  const keys = [...new Set(SIDES.flatMap((side) => state.cell[side].keys))].sort((a, b) => a - b);
  const key = direction > 0 ? keys.find((index) => index > state.at) : keys.findLast((index) => index < state.at);
  step((key ?? (direction > 0 ? state.clip.length - 1 : 0)) - state.at);
}

/* Choices. */
const option = (text, value) => new Option(text, value);
function offerClips() {
  const several = runs.length > 1;
  $("select[name=clip]").replaceChildren(...clips.map((clip, index) => option((several ? `${clip.run.name}: ` : "") + clip.title, index)));
}

function offerCells() {
  const { cells } = state.clip;
  for (const side of SIDES) $(`select[name=${side}]`).replaceChildren(...cells.map((cell, index) => option(name(cell), index)));
}

/* Per-frame beside the method with key frames that loses most at an interval of 5 or the one nearest to it. */
function suggest() {
  const { cells } = state.clip, mean = (cell) => cell.iou.reduce((sum, iou) => sum + (iou ?? 0), 0);
  const first = Math.max(0, cells.findIndex((cell) => cell.method === "per-frame"));
  const others = cells.map((cell, index) => [cell, index]).filter(([, index]) => index !== first);
  const order = ([one], [other]) => Math.abs(one.interval - 5) - Math.abs(other.interval - 5)
    || other.method.startsWith("mpvss") - one.method.startsWith("mpvss") || mean(one) - mean(other);
  return { left: first, right: others.sort(order)[0]?.[1] ?? first };
}

function take(clip, picks) {
  state.clip = clip;
  state.at = Math.min(state.at, clip.length - 1);
  $("select[name=clip]").value = clips.indexOf(clip);
  offerCells();
  for (const side of SIDES) {
    state.cell[side] = clip.cells[picks[side]] ?? clip.cells[0];
    $(`select[name=${side}]`).value = clip.cells.indexOf(state.cell[side]);
  }
  $("input[name=seek]").max = clip.length - 1;
  $(".stage").style.setProperty("--aspect", clip.width / clip.height);
  legend();
  return refresh();
}

/* The cells of another clip that are the present ones. */
function same(clip) {
  const found = (cell) => clip.cells.findIndex((other) => ["method", "backbone", "interval"].every((field) => other[field] === cell[field]));
  return Object.fromEntries(SIDES.map((side) => [side, found(state.cell[side])]));
}

function legend() {
  const { classes, palette } = state.clip.run;
  $(".classes").replaceChildren(...classes.map((label, id) => {
    const item = document.createElement("li"), colour = document.createElement("span");
    colour.style.background = `rgb(${palette[id].join(" ")})`;
    item.append(colour, label);
    return item;
  }));
}

function view() {
  $(".stage").classList.toggle("wipe", wiping());
  $("label.at").hidden = !wiping();
  $(".stage").style.setProperty("--at", `${$("input[name=at]").value}%`);
}

/* A link to this clip, these cells and this frame. */
function remember() {
  const parts = { clip: clips.indexOf(state.clip), left: $("select[name=left]").value, right: $("select[name=right]").value, frame: state.at };
  try { history.replaceState(null, "", `#${new URLSearchParams(parts)}`); } catch { /* a page from disk may not be allowed to */ }
}

function recall() {
  const parts = new URLSearchParams(location.hash.slice(1)), clip = clips[Number(parts.get("clip") ?? 0)] ?? clips[0];
  state.clip = clip;
  state.at = Number(parts.get("frame")) || 0;
  return take(clip, parts.has("left") ? { left: Number(parts.get("left")), right: Number(parts.get("right")) } : suggest());
}

/* Pointers. */
function pixel(event) {
  if (loaded.clip !== state.clip) return;
  const { width, height, run } = state.clip, bounds = event.target.getBoundingClientRect();
  const x = Math.min(width - 1, Math.floor((event.clientX - bounds.left) / bounds.width * width));
  const y = Math.min(height - 1, Math.floor((event.clientY - bounds.top) / bounds.height * height));
  if (x < 0 || y < 0) return;
  const place = state.at * width * height + y * width + x, named = (ids) => run.classes[ids[place]] ?? "ignored";
  $(".pixel").textContent = `x ${x}, y ${y}: ground truth ${named(loaded.truth)}, left ${named(loaded.left.labels)}, right ${named(loaded.right.labels)}`;
}

function wipe(event) {
  if (!wiping() || !event.buttons) return;
  const bounds = $(".left canvas").getBoundingClientRect();
  $("input[name=at]").value = 100 * (event.clientX - bounds.left) / bounds.width;
  view();
}

for (const side of SIDES) {
  $(`.${side} canvas`).addEventListener("pointermove", pixel);
  for (const kind of ["pointerdown", "pointermove"]) $(`.${side} canvas`).addEventListener(kind, wipe);
  $(`select[name=${side}]`).addEventListener("change", (event) => {
    state.cell[side] = state.clip.cells[event.target.value];
    remember();
    refresh();
  });
}
for (const svg of root.querySelectorAll(".timeline svg")) {
  const go = (event) => {
    if (event.type === "pointermove" && !event.buttons) return;
    const share = (event.clientX - svg.getBoundingClientRect().left - LEFT) / (svg.clientWidth - LEFT - RIGHT);
    step(Math.round(share * (state.clip.length - 1)) - state.at);
  };
  for (const kind of ["pointerdown", "pointermove"]) svg.addEventListener(kind, go);
}
for (const form of root.querySelectorAll("form")) form.addEventListener("submit", (event) => event.preventDefault());
$("select[name=clip]").addEventListener("change", (event) => {
  const clip = clips[event.target.value];
  play(false);
  take(clip, same(clip)).then(remember);
});
$("button[name=play]").addEventListener("click", () => play(!state.playing));
$("button[name=back]").addEventListener("click", () => step(-1));
$("button[name=on]").addEventListener("click", () => step(1));
$("input[name=seek]").addEventListener("input", (event) => step(Number(event.target.value) - state.at));
$("input[name=opacity]").addEventListener("input", draw);
for (const input of root.querySelectorAll("input[name=layer]")) input.addEventListener("change", draw);
for (const input of root.querySelectorAll("input[name=view], input[name=at]")) input.addEventListener("input", view);
$(".numbers").addEventListener("toggle", numbers);
addEventListener("resize", () => { if (loaded.clip) timeline(); });

/* Keys. Those that move work everywhere but where a control has them itself; letters only on the videos. */
const MOVES = {
  ArrowLeft: (event) => (event.shiftKey ? toKey(-1) : step(-1)),
  ArrowRight: (event) => (event.shiftKey ? toKey(1) : step(1)),
  Home: () => step(-state.at),
  End: () => step(state.clip.length),
};
const ON_STAGE = {
  " ": () => play(!state.playing),
  k: () => play(!state.playing),
  w: () => { choose("view", wiping() ? "side" : "wipe"); view(); },
  ...Object.fromEntries(LAYERS.map((value, index) => [String(index + 1), () => {
    if (!$(`input[name=layer][value=${value}]`).disabled) choose("layer", value);
    draw();
  }])),
};
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || !loaded.clip) return;
  const free = !event.target.closest?.("input, select, textarea, .scroll");
  const action = (free && MOVES[event.key]) || (event.target === $(".stage") && ON_STAGE[event.key]);
  if (!action) return;
  event.preventDefault();
  action(event);
});

offerClips();
view();
recall();
}
