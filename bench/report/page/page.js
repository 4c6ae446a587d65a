/* Sorting: by the raw value of a cell; rows without one stay last. */
for (const button of document.querySelectorAll("#cells th button")) {
  button.addEventListener("click", () => {
    const head = button.parentElement;
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = $("#cells tbody");
    const value = (row) => row.children[head.cellIndex].dataset.value;
    const compare = (a, b) => {
      if (a === "" || b === "") return (a === "") - (b === "");
      const order = isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b;
      return down ? -order : order;
    };
    body.append(...[...body.rows].sort((a, b) => compare(value(a), value(b))));
  });
}

/* Filtering: every word of the search and every choice must fit. */
function filter() {
  const { text, ...choices } = Object.fromEntries(new FormData($("#filters")));
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const row of $("#cells tbody").rows) {
    const content = row.textContent.toLowerCase();
    const fits = Object.entries(choices).every(([name, value]) => !value || row.dataset[name] === value);
    row.hidden = !(fits && words.every((word) => content.includes(word)));
    count += !row.hidden;
  }
  $("#shown-count").textContent = `${count} of ${$("#cells tbody").rows.length} configurations`;
}

/* The chooser. */
function choose(run, floor, cost, budget) {
  const fits = (cell) => cell.run === run && cell.miou !== null && cell.costs[cost] !== undefined
    && cell.miou >= floor && cell.costs[cost] <= budget;
  return cells.filter(fits).sort((a, b) => a.costs[cost] - b.costs[cost] || b.miou - a.miou);
}

function showChosen() {
  const form = $("#chooser");
  const floor = form.floor.value === "" ? -Infinity : Number(form.floor.value);
  const budget = form.budget.value === "" ? Infinity : Number(form.budget.value);
  const chosen = choose(form.run.value, floor, form.cost.value, budget);
  $("#chosen-count").textContent = chosen.length
    ? `${chosen.length} qualify; the cheapest is ${named(chosen[0])}.` : "None qualifies.";
  $("#chosen tbody").replaceChildren(...chosen.map((cell) => {
    const row = document.createElement("tr");
    const head = row.appendChild(document.createElement("th"));
    head.scope = "row";
    head.textContent = named(cell);
    for (const text of [show(cell.miou, 2), ...costs.map((name) => short(cell.costs[name])), cell.weights]) {
      row.insertCell().textContent = text;
    }
    row.lastChild.className = "text";
    return row;
  }));
}

function offerBackbones() {
  const form = $("#plot-options");
  const names = [...new Set(cells.filter((cell) => cell.run === form.run.value).map((cell) => cell.backbone))];
  form.backbone.replaceChildren(...names.map((name) => new Option(name)));
}

function suggestFloor() {
  const form = $("#chooser");
  const best = Math.max(...cells.filter((c) => c.run === form.run.value && c.miou !== null).map((c) => c.miou));
  form.floor.value = Number.isFinite(best) ? Math.max(0, Math.floor(10 * (best - 2)) / 10) : "";
}

if (cells.length) {
  for (const id of ["#filters", "#chooser", "#plot-options"]) $(id).addEventListener("submit", (event) => event.preventDefault());
  $("#filters").addEventListener("input", filter);
  $("#chooser").run.addEventListener("change", suggestFloor);
  $("#chooser").addEventListener("input", showChosen);
  $("#chooser").addEventListener("change", showChosen);
  $("#plot-options").run.addEventListener("change", offerBackbones);
  $("#plot-options").addEventListener("change", plot);
  addEventListener("resize", plot);
  offerBackbones(); suggestFloor(); filter(); showChosen(); plot();
}
