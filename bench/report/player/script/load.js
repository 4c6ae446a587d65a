const { runs } = JSON.parse(document.getElementById("player-data").textContent);
const root = document.getElementById("player");
const $ = (selector) => root.querySelector(selector);
const SIDES = ["left", "right"];
const LAYERS = ["frame", "truth", "prediction", "error", "flow"];
const IGNORE = 255;
const clips = runs.flatMap((run) => run.clips.map((clip) => ({ ...clip, run })));
const state = { clip: clips[0], at: 0, playing: false, cell: {} };
/* What is loaded of the present clip: frames, truth, and for each side its label maps and flow. */
let loaded = {};

/* Data files are scripts, each of which hands its content over by the file's name. */
const coming = new Map(), asked = new Map();
window.playerData = (file, content) => coming.get(file)(content);
function load(file) {
  if (!asked.has(file)) {
    asked.set(file, new Promise((resolve, reject) => {
      coming.set(file, resolve);
      const script = document.createElement("script");
      script.src = file;
      script.onerror = () => reject(new Error(`${file} cannot be loaded; keep the folder "player" beside this page`));
      document.head.append(script);
    }));
  }
  return asked.get(file);
}

async function unpack(text) {
  if (!window.DecompressionStream) throw new Error("this browser cannot unpack label maps; a newer one can");
  const packed = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function pictures(addresses) {
  return Promise.all(addresses.map(async (address) => {
    if (address === null) return null;
    const image = new Image();
    image.src = address;
    await image.decode();
    return image;
  }));
}

async function fetchClip() {
  const clip = state.clip;
  const sides = await Promise.all(SIDES.map(async (side) => {
    const cell = state.cell[side], flow = clip.flows[cell.interval];
    return [side, {
      labels: await unpack(await load(cell.file)),
      flow: flow && cell.keys.length ? await pictures(await load(flow)) : null,
    }];
  }));
  return {
    clip,
    frames: loaded.clip === clip ? loaded.frames : await pictures(await load(clip.frames)),
    truth: loaded.clip === clip ? loaded.truth : await unpack(await load(clip.truth)),
    ...Object.fromEntries(sides),
  };
}

let wanted = 0;
async function refresh() {
  const turn = ++wanted;
  try {
    const found = await fetchClip();
    if (turn !== wanted) return;
    loaded = found;
    tell("");
    $("input[name=layer][value=flow]").disabled = !SIDES.some((side) => loaded[side].flow);
    if ($("input[name=layer][value=flow]").disabled && layer() === "flow") choose("layer", "prediction");
    timeline();
    draw();
    root.dataset.ready = turn;
  } catch (error) {
    tell(error.message);
  }
}

function tell(problem) {
  $(".problem").textContent = problem;
  $(".problem").hidden = !problem;
}
