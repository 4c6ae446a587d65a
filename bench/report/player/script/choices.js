/* Choices. */
const option = (text, value) => new Option(text, value);
function offerClips() {
  const several = runs.length > 1;
  $("select[name=clip]").replaceChildren(...clips.map((clip, index) => option((several ? `${clip.run.name}: ` : "") + clip.title, index)));
}

function offerCells() {
  const { cells } = state.clip;
  for (const side of SIDES) $(`select[name=${side}]`).replaceChildren(...cells.map((cell, index) => option(name(cell), index)));
}

/* Per-frame beside the method with key frames that loses most at an interval of 5 or the one nearest to it. */
function suggest() {
  const { cells } = state.clip, mean = (cell) => cell.iou.reduce((sum, iou) => sum + (iou ?? 0), 0);
  const first = Math.max(0, cells.findIndex((cell) => cell.method === "per-frame"));
  const others = cells.map((cell, index) => [cell, index]).filter(([, index]) => index !== first);
  const order = ([one], [other]) => Math.abs(one.interval - 5) - Math.abs(other.interval - 5)
    || other.method.startsWith("mpvss") - one.method.startsWith("mpvss") || mean(one) - mean(other);
  return { left: first, right: others.sort(order)[0]?.[1] ?? first };
}

function take(clip, picks) {
  state.clip = clip;
  state.at = Math.min(state.at, clip.length - 1);
  $("select[name=clip]").value = clips.indexOf(clip);
  offerCells();
  for (const side of SIDES) {
    state.cell[side] = clip.cells[picks[side]] ?? clip.cells[0];
    $(`select[name=${side}]`).value = clip.cells.indexOf(state.cell[side]);
  }
  $("input[name=seek]").max = clip.length - 1;
  $(".stage").style.setProperty("--aspect", clip.width / clip.height);
  legend();
  return refresh();
}

/* The cells of another clip that are the present ones. */
function same(clip) {
  const found = (cell) => clip.cells.findIndex((other) => ["method", "backbone", "interval"].every((field) => other[field] === cell[field]));
  return Object.fromEntries(SIDES.map((side) => [side, found(state.cell[side])]));
}

function legend() {
  const { classes, palette } = state.clip.run;
  $(".classes").replaceChildren(...classes.map((label, id) => {
    const item = document.createElement("li"), colour = document.createElement("span");
    colour.style.background = `rgb(${palette[id].join(" ")})`;
    item.append(colour, label);
    return item;
  }));
}

function view() {
  $(".stage").classList.toggle("wipe", wiping());
  $("label.at").hidden = !wiping();
  $(".stage").style.setProperty("--at", `${$("input[name=at]").value}%`);
}

/* A link to this clip, these cells and this frame. */
function remember() {
  const parts = { clip: clips.indexOf(state.clip), left: $("select[name=left]").value, right: $("select[name=right]").value, frame: state.at };
  try { history.replaceState(null, "", `#${new URLSearchParams(parts)}`); } catch { /* a page from disk may not be allowed to */ }
}

function recall() {
  const parts = new URLSearchParams(location.hash.slice(1)), clip = clips[Number(parts.get("clip") ?? 0)] ?? clips[0];
  state.clip = clip;
  state.at = Number(parts.get("frame")) || 0;
  return take(clip, parts.has("left") ? { left: Number(parts.get("left")), right: Number(parts.get("right")) } : suggest());
}
