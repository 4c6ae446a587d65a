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
