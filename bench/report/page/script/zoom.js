/* Zoom: dragging a rectangle, plus and 0 on the keyboard, and buttons. Arrow keys walk the marks. */
function zoomTo(svg, corners) {
  const xs = corners.map((corner) => corner[0]), ys = corners.map((corner) => corner[1]);
  views[svg.id] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  plot();
}

/* Half as much, around the mark that is told of, or the middle. */
function zoomIn(svg) {
  const { width } = svg.viewBox.baseVal, told = $(".mark.told", svg), scale = scales[svg.id];
  if (!scale) return;
  const place = told && told.transform.baseVal.getItem(0).matrix;
  const wide = (width - LEFT - RIGHT) / 4, tall = (HEIGHT - TOP - BOTTOM) / 4;
  const x = place ? place.e : LEFT + 2 * wide, y = place ? place.f : TOP + 2 * tall;
  zoomTo(svg, [scale.valueAt(x - wide, y - tall), scale.valueAt(x + wide, y + tall)]);
}

function showAll(svg) {
  views[svg.id] = null;
  plot();
}

function walk(svg, step) {
  const all = $$(".mark", svg);
  if (!all.length) return;
  const at = all.findIndex((made) => made.classList.contains("told"));
  tell(all[at < 0 ? 0 : (at + step + all.length) % all.length]);
}

/* The plot as a file of its own: styles of the page stand in the elements. */
function save(svg) {
  const copy = svg.cloneNode(true), from = $$("*", svg), to = $$("*", copy);
  const kept = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font", "text-anchor"];
  from.forEach((part, i) => {
    const style = getComputedStyle(part);
    to[i].setAttribute("style", kept.map((name) => `${name}: ${style.getPropertyValue(name)}`).join("; "));
  });
  const { width, height } = svg.viewBox.baseVal;
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("style", `background: ${getComputedStyle(document.body).backgroundColor}`);
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  const link = make("a", { download: `${svg.id}.svg`, href: URL.createObjectURL(new Blob([copy.outerHTML], { type: "image/svg+xml" })) });
  link.click();
  URL.revokeObjectURL(link.href);
}

for (const svg of $$(".plot > svg")) {
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  svg.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in steps) walk(svg, steps[event.key]);
    else if (event.key === "+") zoomIn(svg);
    else if (event.key === "0") showAll(svg);
    else return;
    event.preventDefault();
  });
  svg.addEventListener("dblclick", () => showAll(svg));
  const within = (event) => {
    const box = svg.getBoundingClientRect(), { width } = svg.viewBox.baseVal;
    return [(event.clientX - box.x) * width / box.width, (event.clientY - box.y) * HEIGHT / box.height];
  };
  svg.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch" || event.button || !scales[svg.id]) return;
    const start = within(event), lasso = draw("rect", { class: "lasso" }, svg);
    const corners = (to) => [[Math.min(start[0], to[0]), Math.min(start[1], to[1])], [Math.max(start[0], to[0]), Math.max(start[1], to[1])]];
    const move = (moved) => {
      const [low, high] = corners(within(moved));
      for (const [name, value] of Object.entries({ x: low[0], y: low[1], width: high[0] - low[0], height: high[1] - low[1] })) lasso.setAttribute(name, value);
    };
    const up = (ended) => {
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", up);
      lasso.remove();
      const [low, high] = corners(within(ended));
      if (high[0] - low[0] > 8 && high[1] - low[1] > 8) zoomTo(svg, [low, high].map((corner) => scales[svg.id].valueAt(...corner)));
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", up);
  });
}

for (const button of $$(".tools button")) {
  const svg = document.getElementById(button.parentElement.dataset.plot);
  button.addEventListener("click", () => ({ in: zoomIn, all: showAll, save })[button.dataset.do](svg));
}
