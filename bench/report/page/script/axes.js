const HEIGHT = 400, LEFT = 50, RIGHT = 14, TOP = 12, BOTTOM = 44;

function ticks(low, high, log) {
  const found = [];
  if (log) {
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
      for (const digit of [1, 2, 5]) found.push(Number(`${digit}e${power}`));
    }
    const inside = found.filter((tick) => tick >= low && tick <= high);
    if (inside.length > 1) return inside;
    found.length = 0;
  }
  const rough = (high - low) / 5, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  for (let tick = Math.ceil(low / step) * step; tick <= high; tick += step) found.push(Number(tick.toPrecision(12)));
  return found.filter((tick) => tick >= low && tick <= high);
}

/* A range a little wider than the values: by a factor on a logarithmic axis. */
function widened(values, log) {
  const low = Math.min(...values), high = Math.max(...values);
  if (log) return [low / 1.15, high * 1.15];
  const margin = (high - low) * 0.06 || Math.abs(high) * 0.05 || 1;
  return [low - margin, high + margin];
}

/* Axes over a view [x0, x1, y0, y1]; the scales and their inverses. */
function axes(svg, view, labels, { log = false, xTicks } = {}) {
  const width = svg.clientWidth || 600;
  svg.replaceChildren();
  svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  const [x0, x1, y0, y1] = view, scale = log ? Math.log : (value) => value, back = log ? Math.exp : (value) => value;
  const wide = width - LEFT - RIGHT, tall = HEIGHT - TOP - BOTTOM;
  const x = (value) => LEFT + (scale(value) - scale(x0)) / (scale(x1) - scale(x0)) * wide;
  const y = (value) => TOP + (y1 - value) / (y1 - y0) * tall;
  const valueAt = (px, py) => [back(scale(x0) + (px - LEFT) / wide * (scale(x1) - scale(x0))), y1 - (py - TOP) / tall * (y1 - y0)];
  const clip = draw("clipPath", { id: `${svg.id}-inside` }, draw("defs", {}, svg));
  draw("rect", { x: LEFT - 8, y: TOP - 8, width: wide + 16, height: tall + 16 }, clip);
  let last = -Infinity;
  for (const tick of (xTicks || ticks(x0, x1, log)).filter((tick) => tick >= x0 && tick <= x1)) {
    draw("path", { class: "axis", d: `M${x(tick)} ${TOP}V${HEIGHT - BOTTOM}` }, svg);
    if (x(tick) - last < 34) continue;
    draw("text", { x: x(tick), y: HEIGHT - BOTTOM + 17, "text-anchor": "middle" }, svg, tick);
    last = x(tick);
  }
  for (const tick of ticks(y0, y1)) {
    draw("path", { class: "axis", d: `M${LEFT} ${y(tick)}H${width - RIGHT}` }, svg);
    draw("text", { x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, svg, tick);
  }
  const label = draw("text", { x: (LEFT + width) / 2, y: HEIGHT - 8, "text-anchor": "middle" }, svg, labels[0]);
  if (label.getComputedTextLength() > width - LEFT)  // a phone is narrower than some names of costs
    for (const [name, value] of [["x", width / 2], ["textLength", width - 8], ["lengthAdjust", "spacingAndGlyphs"]])
      label.setAttribute(name, value);
  draw("text", { x: 12, y: HEIGHT / 2, "text-anchor": "middle", transform: `rotate(-90 12 ${HEIGHT / 2})` }, svg, labels[1]);
  const inside = draw("g", { "clip-path": `url(#${svg.id}-inside)` }, svg);
  return { x, y, valueAt, inside };
}

function mark(inside, x, y, cell) {
  const made = draw("path", {
    class: "mark", "data-series": cell.series, d: marks[cell.series].shape, transform: `translate(${x} ${y})`,
    style: `stroke: ${colourOf(cell.series)}; color: ${colourOf(cell.series)}`,
  }, inside);
  const values = Object.entries(cell.costs).map(([name, cost]) => `${short(cost)} ${name} (${howKnown(name)})`);
  const less = cell.less ? [`${lessBy(cell)} points from per-frame`] : [];
  const text = [cell.name, `mIoU ${bounded(cell)} %`, ...less, ...values].join(" · ");
  draw("title", {}, made, text);
  made.dataset.text = text;
  made.addEventListener("pointerenter", () => tell(made));
}

function tell(made) {
  const plot = made.closest(".plot");
  for (const other of $$(".mark.told", plot)) other.classList.remove("told");
  made.classList.add("told");
  $(".hover", plot).textContent = made.dataset.text;
}
