const hidden = new Set();
const views = { "plot-cost": null, "plot-interval": null };
const scales = {};

/* The configurations of the data set that is chosen, without the series that the legend hides. */
function drawn() {
  return cells.filter((cell) => cell.data === $("#chooser").data.value && !hidden.has(cell.series));
}

function frontOf(paid, cost) {
  let best = -Infinity;
  return [...paid].sort((a, b) => a.costs[cost] - b.costs[cost] || b.miou - a.miou)
    .filter((cell) => cell.miou > best && ((best = cell.miou), true));
}

function plotCost() {
  const svg = $("#plot-cost"), cost = $("#chooser").cost.value;
  const paid = drawn().filter((cell) => cell.costs[cost] !== undefined);
  if (!paid.length) return svg.replaceChildren();
  const whole = [...widened(paid.map((cell) => cell.costs[cost]), true), ...widened(paid.map((cell) => cell.miou))];
  const { x, y, inside } = scales[svg.id] = axes(svg, views[svg.id] || whole, [`${cost} (${howKnown(cost)}, log scale)`, "mIoU (%)"], { log: true });
  const front = frontOf(paid, cost), at = (cell) => [x(cell.costs[cost]), y(cell.miou)];
  draw("path", { class: "front", d: front.map((cell, i) => (i ? `H${at(cell)[0]}V${at(cell)[1]}` : `M${at(cell).join(" ")}`)).join("") }, inside);
  for (const cell of paid) mark(inside, ...at(cell), cell);
  let last = [-Infinity, 0];
  for (const cell of front) {
    const place = [at(cell)[0] - 8, at(cell)[1] - 7];
    if (Math.abs(place[0] - last[0]) < 20 && Math.abs(place[1] - last[1]) < 14) continue;
    draw("text", { x: place[0], y: place[1], "text-anchor": "end" }, inside, cell.interval);
    last = place;
  }
  const [chosen] = choose();
  if (chosen && paid.includes(chosen)) draw("circle", { class: "ring", id: "chosen-mark", cx: at(chosen)[0], cy: at(chosen)[1], r: 11 }, inside);
}

/* Whether the series of a configuration goes on at other intervals. */
function hasMore(cell) {
  return cells.some((other) => other.data === cell.data && other.series === cell.series && other.interval !== cell.interval);
}

/* Accuracy against the interval: of each method its own, or what it is over that of per-frame, with error bars. */
function plotInterval() {
  const svg = $("#plot-interval");
  if (!svg || !svg.clientWidth) return;
  const less = $("#interval-measure").value === "less";
  const falls = drawn().some((cell) => cell.interval > 1);
  const shown = drawn().filter((cell) => !less || (cell.less && (cell.interval > 1 || !falls || hasMore(cell))));
  if (!shown.length) return svg.replaceChildren();
  const value = (cell) => (less ? cell.less[0] : cell.miou);
  const bounds = (cell) => (less ? cell.less.slice(1) : [cell.miou, cell.miou]);
  const series = [...new Set(shown.map((cell) => cell.series))];
  const intervals = [...new Set(shown.map((cell) => cell.interval))].sort((a, b) => a - b);
  const label = less ? "mIoU less per-frame's (points)" : "mIoU (%)";
  const alone = intervals.length === 1 || series.length === shown.length;
  const ordered = alone ? [...shown].sort((a, b) => value(b) - value(a)) : shown;
  const xs = alone ? [-0.5, ordered.length - 0.5] : [intervals[0] - 0.5, intervals.at(-1) + 0.5];
  const whole = [...xs, ...widened([...shown.flatMap(bounds), ...(less ? [0] : [])])];
  const below = alone ? "methods, the best to the left" : "key-frame interval (frames)";
  const { x, y, inside } = scales[svg.id] = axes(svg, views[svg.id] || whole, [below, label], { xTicks: alone ? [] : intervals });
  if (less) draw("path", { class: "zero", d: `M${x(whole[0])} ${y(0)}H${x(whole[1])}` }, inside);
  series.forEach((name, index) => {
    const line = ordered.filter((cell) => cell.series === name).sort((a, b) => a.interval - b.interval);
    const shift = less && series.length > 1 ? 0.35 * (2 * index / (series.length - 1) - 1) : 0;
    const place = (cell) => x(alone ? ordered.indexOf(cell) : cell.interval + shift);
    const style = `stroke: ${colourOf(name)}`;
    if (!alone) {
      const { dashes } = marks[name], d = `M${line.map((cell) => `${place(cell)} ${y(value(cell))}`).join("L")}`;
      const level = line.length === 1 && line[0].interval === 1 ? `${d}H${x(intervals.at(-1))}` : d;
      draw("path", { class: "line", "data-series": name, style, "stroke-dasharray": dashes, d: level }, inside);
    }
    for (const cell of line) {
      const [low, high] = bounds(cell).map(y);
      if (low !== high) draw("path", { class: "line bar", "data-series": name, style, d: `M${place(cell)} ${low}V${high}` }, inside);
      mark(inside, place(cell), y(value(cell)), cell);
    }
  });
}

function plot() {
  plotCost();
  plotInterval();
}

/* The legend: the series under the pointer or the focus stands out, and a click hides it or shows it again. */
function single(series) {
  for (const part of $$(".plot [data-series]")) part.classList.toggle("faint", series !== "" && part.dataset.series !== series);
}

function legend() {
  const names = [...new Set(cells.filter((cell) => cell.data === $("#chooser").data.value).map((cell) => cell.series))];
  for (const list of $$(".legend")) list.replaceChildren(...names.map((name) => {
    const item = make("li", {}), { shape, dashes } = marks[name];
    const button = make("button", { type: "button", "aria-pressed": !hidden.has(name) }, item);
    const sample = draw("svg", { class: "sample", viewBox: "0 0 40 16", "aria-hidden": "true" }, button);
    const style = `stroke: ${colourOf(name)}`;
    draw("path", { class: "line", style, "stroke-dasharray": dashes, d: "M0 8H40" }, sample);
    draw("path", { class: "mark", d: shape, style, transform: "translate(20 8)" }, sample);
    button.append(name);
    for (const event of ["pointerenter", "focus"]) button.addEventListener(event, () => single(name));
    for (const event of ["pointerleave", "blur"]) button.addEventListener(event, () => single(""));
    button.dataset.name = name;
    button.addEventListener("click", () => {
      hidden.has(name) ? hidden.delete(name) : hidden.add(name);
      for (const same of $$(".legend button").filter((other) => other.dataset.name === name)) same.setAttribute("aria-pressed", !hidden.has(name));
      plot();
    });
    return item;
  }));
}
