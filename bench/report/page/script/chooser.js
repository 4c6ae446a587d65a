/* The configurations that qualify, the cheapest first. */
function choose() {
  const { data, floor, cost, budget } = $("#chooser");
  const least = floor.value === "" ? -Infinity : Number(floor.value);
  const most = budget.value === "" ? Infinity : Number(budget.value);
  const fits = (cell) => cell.data === data.value && cell.costs[cost.value] <= most && cell.miou >= least;
  return cells.filter(fits).sort((a, b) => a.costs[cost.value] - b.costs[cost.value] || b.miou - a.miou);
}

function answer() {
  const cost = $("#chooser").cost.value, chosen = choose(), place = $("#answer");
  place.replaceChildren();
  if (!chosen.length) {
    make("p", { class: "chosen" }, place, "None qualifies.");
    make("p", { class: "count" }, place, "Ask for less accuracy, or allow a higher cost.");
  } else {
    const [best] = chosen, runner = chosen.find((cell) => cell.series !== best.series || cell.backbone !== best.backbone);
    make("p", { class: "chosen" }, place, best.name);
    const facts = make("dl", {}, place);
    const names = [cost, ...Object.keys(best.costs).filter((name) => name !== cost && !name.startsWith("ms a key"))];
    const costs = names.map((name) => [`${name} (${howKnown(name)})`, short(best.costs[name])]);
    const less = best.less ? [["points from per-frame", lessBy(best)]] : [];
    for (const [name, value] of [["% mIoU", bounded(best)], ...less, ...costs]) {
      const pair = make("div", {}, facts);
      make("dt", {}, pair, name);
      make("dd", {}, pair, value);
    }
    if (runner) make("p", { class: "runner" }, place, `Runner-up: ${runner.name}, ${show(runner.miou, 2)} % mIoU, ${short(runner.costs[cost])} ${cost}.`);
    make("p", { class: "count" }, place, `${chosen.length} qualify. `).append(make("a", { href: "#which-configuration" }, null, "All of them"));
  }
  listChosen(chosen, cost);
}

function listChosen(chosen, cost) {
  $("#chosen-cost").textContent = `${cost} (${howKnown(cost)})`;
  $("#chosen tbody").replaceChildren(...chosen.map((cell) => {
    const row = make("tr", {});
    make("th", { scope: "row" }, row, cell.name);
    for (const text of [short(cell.costs[cost]), bounded(cell), lessBy(cell)]) make("td", {}, row, text);
    return row;
  }));
}

/* Another data set has its own costs, and its own accuracy to begin with. */
function offerCosts() {
  const form = $("#chooser"), { costs, floor } = sets[form.data.value];
  form.cost.replaceChildren(...costs.map((name) => new Option(name)));
  form.floor.value = floor;
  form.budget.value = "";
}
