/* Moving. */
function seek(index) {
  state.at = Math.max(0, Math.min(state.clip.length - 1, index));
  draw();
}

let last = 0, owed = 0;
function tick(now) {
  if (!state.playing) return;
  owed += (now - last) / 1000 * state.clip.run.rate * Number($("select[name=speed]").value);
  last = now;
  if (owed >= 1) {
    seek(state.at + Math.floor(owed));
    owed %= 1;
  }
  if (state.at === state.clip.length - 1) play(false);
  else requestAnimationFrame(tick);
}

/* Nothing plays by itself. */
function play(on) {
  state.playing = on;
  $("button[name=play]").textContent = on ? "Pause" : "Play";
  $(".now").setAttribute("aria-live", on ? "off" : "polite");
  if (!on) return remember();
  if (state.at === state.clip.length - 1) seek(0);
  [last, owed] = [performance.now(), 0];
  requestAnimationFrame(tick);
}

function step(by) {
  if (state.playing) play(false);
  seek(state.at + by);
  remember();
}

function toKey(direction) {
  const keys = [...new Set(SIDES.flatMap((side) => state.cell[side].keys))].sort((a, b) => a - b);
  const key = direction > 0 ? keys.find((index) => index > state.at) : keys.findLast((index) => index < state.at);
  step((key ?? (direction > 0 ? state.clip.length - 1 : 0)) - state.at);
}
