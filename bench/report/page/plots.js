"use strict";
const { cells, costs, marks } = JSON.parse(document.getElementById("data").textContent);
const $ = (selector) => document.querySelector(selector);
const show = (value, digits) => (value === null || value === undefined ? "-" : value.toFixed(digits));
const short = (value) => (value === undefined ? "-" : String(Number(value.toPrecision(4))));
const named = (cell) =>
  `${cell.method}, ${cell.backbone}, interval ${cell.interval}${cell.untrained ? " (untrained)" : ""}`;

let WIDTH = 520;
const HEIGHT = 340, LEFT = 48, RIGHT = 12, TOP = 10, BOTTOM = 44;

function element(name, attributes, parent, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return parent.appendChild(made);
}

function ticks(low, high, log) {
  const found = [];
  if (log) {
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
      for (const digit of [1, 2, 5]) found.push(Number(`${digit}e${power}`));
    }
  } else {
    const rough = (high - low) / 5, power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
    for (let tick = Math.ceil(low / step) * step; tick <= high; tick += step) found.push(Number(tick.toPrecision(12)));
  }
  return found.filter((tick) => tick >= low && tick <= high);
}

function frame(svg, xs, ys, labels, { log = false, xTicks } = {}) {
  svg.replaceChildren();
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  const widen = (values) => {
    const low = Math.min(...values), high = Math.max(...values);
    if (log && values === xs) return [low / 1.15, high * 1.15];
    const margin = (high - low) * 0.06 || Math.abs(high) * 0.05 || 1;
    return [low - margin, high + margin];
  };
  const [x0, x1] = widen(xs), [y0, y1] = widen(ys);
  const scale = log ? Math.log : (value) => value;
  const x = (value) => LEFT + (scale(value) - scale(x0)) / (scale(x1) - scale(x0)) * (WIDTH - LEFT - RIGHT);
  const y = (value) => HEIGHT - BOTTOM - (value - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM);
  for (const tick of xTicks || ticks(x0, x1, log)) {
    element("path", { class: "axis", d: `M${x(tick)} ${TOP}V${HEIGHT - BOTTOM}` }, svg);
    element("text", { x: x(tick), y: HEIGHT - BOTTOM + 16, "text-anchor": "middle" }, svg, tick);
  }
  for (const tick of ticks(y0, y1)) {
    element("path", { class: "axis", d: `M${LEFT} ${y(tick)}H${WIDTH - RIGHT}` }, svg);
    element("text", { x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, svg, tick);
  }
  element("text", { x: (LEFT + WIDTH) / 2, y: HEIGHT - 8, "text-anchor": "middle" }, svg, labels[0]);
  element("text", { x: 12, y: HEIGHT / 2, "text-anchor": "middle", transform: `rotate(-90 12 ${HEIGHT / 2})` }, svg, labels[1]);
  return { x, y };
}

function mark(svg, x, y, cell) {
  const { shape, colour } = marks[cell.method];
  const made = element("path", { class: "mark", "data-method": cell.method, d: shape, stroke: colour, color: colour, transform: `translate(${x} ${y})` }, svg);
  const bounds = cell.low === null ? "" : ` [${show(cell.low, 2)}, ${show(cell.high, 2)}]`;
  const values = costs.filter((name) => name in cell.costs).map((name) => `${short(cell.costs[name])} ${name}`);
  const text = [named(cell), `mIoU ${show(cell.miou, 2)} %${bounds}`, ...values].join(" · ");
  element("title", {}, made, text);
  made.dataset.text = text;
  made.addEventListener("pointerenter", () => tell(made));
}

function tell(made) {
  for (const other of document.querySelectorAll(".mark.told")) other.classList.remove("told");
  made.classList.add("told");
  $("#hover").textContent = made.dataset.text;
}

/* The arrow keys walk the marks of a plot that has the focus. */
for (const svg of document.querySelectorAll(".plots svg")) {
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const all = [...svg.querySelectorAll(".mark")];
    if (!step || !all.length) return;
    event.preventDefault();
    const at = all.findIndex((made) => made.classList.contains("told"));
    tell(all[at < 0 ? 0 : (at + step + all.length) % all.length]);
  });
}

/* A method that the pointer or the focus is on in the legend stands out, with its intervals. */
function single(method) {
  for (const part of document.querySelectorAll(".plots [data-method]")) {
    part.classList.toggle("faint", method !== "" && part.dataset.method !== method);
    part.classList.toggle("single", part.dataset.method === method);
  }
}

function plot() {
  const form = $("#plot-options"), cost = form.cost.value;
  WIDTH = $("#plot-cost").clientWidth;
  const chosen = cells.filter((c) => c.run === form.run.value && c.backbone === form.backbone.value && c.miou !== null);
  const methods = [...new Set(chosen.map((cell) => cell.method))];
  const paid = chosen.filter((cell) => cell.costs[cost] !== undefined);
  if (paid.length) {
    const svg = $("#plot-cost");
    const { x, y } = frame(svg, paid.map((c) => c.costs[cost]), paid.map((c) => c.miou), [`${cost} (log scale)`, "mIoU (%)"], { log: true });
    let path = "", best = -Infinity;
    const front = [];
    for (const cell of [...paid].sort((a, b) => a.costs[cost] - b.costs[cost] || b.miou - a.miou)) {
      if (cell.miou <= best) continue;
      path += path ? `H${x(cell.costs[cost])}V${y(cell.miou)}` : `M${x(cell.costs[cost])} ${y(cell.miou)}`;
      best = cell.miou;
      front.push(cell);
    }
    element("path", { class: "front", d: path }, svg);
    for (const cell of paid) mark(svg, x(cell.costs[cost]), y(cell.miou), cell);
    let last = [-Infinity, 0];
    for (const cell of front) {
      const at = [x(cell.costs[cost]) - 7, y(cell.miou) - 6];
      if (Math.abs(at[0] - last[0]) < 18 && Math.abs(at[1] - last[1]) < 12) continue;
      element("text", { x: at[0], y: at[1], "text-anchor": "end" }, svg, cell.interval);
      last = at;
    }
  } else $("#plot-cost").replaceChildren();
  const svg = $("#plot-interval");
  if (!chosen.length) return svg.replaceChildren();
  const intervals = [...new Set(chosen.map((cell) => cell.interval))].sort((a, b) => a - b);
  const bounds = chosen.flatMap((c) => (c.low === null ? [c.miou] : [c.low, c.high]));
  if (methods.length === chosen.length) sideBySide(svg, chosen, bounds, intervals.at(-1));
  else overIntervals(svg, chosen, methods, bounds, intervals);
  legend(methods);
}

/* One interval alone: the methods beside each other, each with its 95 % interval. */
function sideBySide(svg, chosen, bounds, interval) {
  const ordered = [...chosen].sort((a, b) => b.miou - a.miou);
  const { x, y } = frame(svg, [...ordered.keys()], bounds, [`methods at interval ${interval}, the best to the left`, "mIoU (%)"], { xTicks: [] });
  ordered.forEach((cell, place) => {
    const { colour } = marks[cell.method];
    if (cell.low !== null) {
      element("path", { class: "line", "data-method": cell.method, stroke: colour, d: `M${x(place)} ${y(cell.low)}V${y(cell.high)}` }, svg);
    }
    mark(svg, x(place), y(cell.miou), cell);
  });
}

function overIntervals(svg, chosen, methods, bounds, intervals) {
  const { x, y } = frame(svg, intervals, bounds, ["key-frame interval (frames)", "mIoU (%)"], { xTicks: intervals });
  for (const method of methods) {
    let line = chosen.filter((cell) => cell.method === method).sort((a, b) => a.interval - b.interval);
    const at = line.map((cell) => cell.interval);
    if (line.length === 1 && at[0] === 1) { line = [line[0], line[0]]; at.push(intervals.at(-1)); }
    const points = (values) => values.map((value, i) => `${x(at[i])} ${y(value)}`);
    if (line.every((cell) => cell.low !== null)) {
      const back = line.map((cell, i) => `${x(at[i])} ${y(cell.low)}`).reverse();
      element("path", { class: "band", "data-method": method, fill: marks[method].colour, d: `M${[...points(line.map((c) => c.high)), ...back].join("L")}Z` }, svg);
    }
    element("path", { class: "line", "data-method": method, stroke: marks[method].colour, "stroke-dasharray": marks[method].dashes, d: `M${points(line.map((c) => c.miou)).join("L")}` }, svg);
    new Set(line).forEach((cell) => mark(svg, x(cell.interval), y(cell.miou), cell));
  }
}

function legend(methods) {
  $("#legend").replaceChildren(...methods.map((method) => {
    const item = document.createElement("li"), { shape, colour, dashes } = marks[method];
    const sample = element("svg", { viewBox: "0 0 40 16", "aria-hidden": "true" }, item);
    element("path", { class: "line", stroke: colour, "stroke-dasharray": dashes, d: "M0 8H40" }, sample);
    element("path", { class: "mark", d: shape, stroke: colour, transform: "translate(20 8)" }, sample);
    const button = document.createElement("button");
    button.type = "button";
    button.append(sample, method);
    for (const event of ["pointerenter", "focus"]) button.addEventListener(event, () => single(method));
    for (const event of ["pointerleave", "blur"]) button.addEventListener(event, () => single(""));
    item.append(button);
    return item;
  }));
}

