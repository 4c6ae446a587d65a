/* A link to what lies in a fold opens it. */
function unfold() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  for (let fold = target && target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  if (target) target.scrollIntoView();
}
addEventListener("hashchange", unfold);

if ($("#cells")) {
  $("#filters").addEventListener("submit", (event) => event.preventDefault());
  $("#filters").addEventListener("input", filter);
  filter();
}
if (cells.length) {
  const form = $("#chooser"), redraw = () => { answer(); plot(); };
  form.addEventListener("submit", (event) => event.preventDefault());
  form.data.addEventListener("change", () => { hidden.clear(); offerCosts(); legend(); for (const id in views) views[id] = null; });
  form.cost.addEventListener("change", () => { views["plot-cost"] = null; });
  form.addEventListener("input", redraw);
  form.addEventListener("change", redraw);
  $("#interval-measure").addEventListener("change", () => { views["plot-interval"] = null; plotInterval(); });
  for (const fold of $$("details")) fold.addEventListener("toggle", plotInterval);
  addEventListener("resize", plot);
  legend(); redraw();
}
unfold();
