/* Pointers. */
function pixel(event) {
  if (loaded.clip !== state.clip) return;
  const { width, height, run } = state.clip, bounds = event.target.getBoundingClientRect();
  const x = Math.min(width - 1, Math.floor((event.clientX - bounds.left) / bounds.width * width));
  const y = Math.min(height - 1, Math.floor((event.clientY - bounds.top) / bounds.height * height));
  if (x < 0 || y < 0) return;
  const place = state.at * width * height + y * width + x, named = (ids) => run.classes[ids[place]] ?? "ignored";
  $(".pixel").textContent = `x ${x}, y ${y}: ground truth ${named(loaded.truth)}, left ${named(loaded.left.labels)}, right ${named(loaded.right.labels)}`;
}

function wipe(event) {
  if (!wiping() || !event.buttons) return;
  const bounds = $(".left canvas").getBoundingClientRect();
  $("input[name=at]").value = 100 * (event.clientX - bounds.left) / bounds.width;
  view();
}

for (const side of SIDES) {
  $(`.${side} canvas`).addEventListener("pointermove", pixel);
  for (const kind of ["pointerdown", "pointermove"]) $(`.${side} canvas`).addEventListener(kind, wipe);
  $(`select[name=${side}]`).addEventListener("change", (event) => {
    state.cell[side] = state.clip.cells[event.target.value];
    remember();
    refresh();
  });
}
for (const svg of root.querySelectorAll(".timeline svg")) {
  const go = (event) => {
    if (event.type === "pointermove" && !event.buttons) return;
    const share = (event.clientX - svg.getBoundingClientRect().left - LEFT) / (svg.clientWidth - LEFT - RIGHT);
    step(Math.round(share * (state.clip.length - 1)) - state.at);
  };
  for (const kind of ["pointerdown", "pointermove"]) svg.addEventListener(kind, go);
}
for (const form of root.querySelectorAll("form")) form.addEventListener("submit", (event) => event.preventDefault());
$("select[name=clip]").addEventListener("change", (event) => {
  const clip = clips[event.target.value];
  play(false);
  take(clip, same(clip)).then(remember);
});
$("button[name=play]").addEventListener("click", () => play(!state.playing));
$("button[name=back]").addEventListener("click", () => step(-1));
$("button[name=on]").addEventListener("click", () => step(1));
$("input[name=seek]").addEventListener("input", (event) => step(Number(event.target.value) - state.at));
$("input[name=opacity]").addEventListener("input", draw);
for (const input of root.querySelectorAll("input[name=layer]")) input.addEventListener("change", draw);
for (const input of root.querySelectorAll("input[name=view], input[name=at]")) input.addEventListener("input", view);
$(".numbers").addEventListener("toggle", numbers);
addEventListener("resize", () => { if (loaded.clip) timeline(); });

/* Keys. Those that move work everywhere but where a control has them itself; letters only on the videos. */
const MOVES = {
  ArrowLeft: (event) => (event.shiftKey ? toKey(-1) : step(-1)),
  ArrowRight: (event) => (event.shiftKey ? toKey(1) : step(1)),
  Home: () => step(-state.at),
  End: () => step(state.clip.length),
};
const ON_STAGE = {
  " ": () => play(!state.playing),
  k: () => play(!state.playing),
  w: () => { choose("view", wiping() ? "side" : "wipe"); view(); },
  ...Object.fromEntries(LAYERS.map((value, index) => [String(index + 1), () => {
    if (!$(`input[name=layer][value=${value}]`).disabled) choose("layer", value);
    draw();
  }])),
};
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || !loaded.clip) return;
  const free = !event.target.closest?.("input, select, textarea, .scroll");
  const action = (free && MOVES[event.key]) || (event.target === $(".stage") && ON_STAGE[event.key]);
  if (!action) return;
  event.preventDefault();
  action(event);
});

offerClips();
view();
recall();
