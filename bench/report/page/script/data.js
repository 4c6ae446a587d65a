const { cells, sets, marks } = JSON.parse(document.getElementById("data").textContent);
const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
const show = (value, digits) => (value === null || value === undefined ? "-" : value.toFixed(digits));
const short = (value) => (value === undefined ? "-" : String(Number(value.toPrecision(4))));
const signed = (value) => (value > 0 ? "+" : "") + value.toFixed(1);
const bounded = (cell) => show(cell.miou, 2) + (cell.low === null ? "" : ` [${show(cell.low, 2)}, ${show(cell.high, 2)}]`);
const lessBy = (cell) => !cell.less ? "-"
  : signed(cell.less[0]) + (cell.less[1] < cell.less[2] ? ` [${signed(cell.less[1])}, ${signed(cell.less[2])}]` : "");
const colourOf = (series) => `var(--s${marks[series].colour})`;
/* Times and energy are measured on a machine, multiply-accumulates are counted. */
const howKnown = (cost) => (cost.startsWith("GMACs") ? "counted" : "measured");

function make(name, attributes, parent, text) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  if (parent) parent.append(made);
  return made;
}

function draw(name, attributes, parent, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return parent.appendChild(made);
}
