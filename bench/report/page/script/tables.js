/* Sorting: by the raw value of a cell; rows without one stay last. */
for (const button of $$("#cells th button")) {
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
