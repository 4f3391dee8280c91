// The timeline: a grid of boxes, one row for each lane, which can be walked with the arrow keys.

const ZOOMS = [0.4, 0.55, 0.75, 1, 1.4, 2, 3, 4.5, 7];
const TICK = 120;
const INSET = 44; // where time begins, beside the names of the lanes
const grid = byId("timeline");
const lanes = [...grouped(steps, (step) => `${step.shard} ${step.lane}`).values()]
  .map((group) => ({ shard: group[0].shard, lane: group[0].lane, steps: group }))
  .sort((one, other) => one.shard.localeCompare(other.shard) || one.lane - other.lane);
const shards = grouped(lanes, (lane) => lane.shard);
const { scale, width } = layOut(lanes);
let zoom = 1;

const boxes = steps.map((step) => {
  const of = step.look === "discard" ? `, ${ENDS[step.condition]}` : `, attempt ${step.attempt}, ${LOOKS[step.look]}`;
  const box = element(
    "button",
    {
      type: "button",
      role: "gridcell",
      tabindex: -1,
      class: `step ${step.look}`,
      "data-step": step.index,
      "aria-label": `${nameOf(step)}, ${count(sizeOf(step), "record")}${of}, at ${since(step.start)}`,
      title: `${nameOf(step)}: ${LOOKS[step.look]}`,
    },
    String(sizeOf(step)),
  );
  if (step.look === "partial") box.style.setProperty("--done", step.from / sizeOf(step));
  return put(box, step.left, step.right);
});

function put(drawn, left, right) {
  drawn.style.setProperty("--left", left);
  drawn.style.setProperty("--width", right - left);
  return drawn;
}

function waits(lane) {
  return lane.steps.flatMap((step, place) => {
    const next = lane.steps[place + 1];
    if (!isAgain(step, next)) return [];
    const right = next ? next.left : step.right + STUB;
    const words = next ? (step.wait ? span(step.wait) : "") : "waits";
    return [put(element("span", { class: next ? "wait" : "wait open", "aria-hidden": true }, words), step.right, right)];
  });
}

function drawShard(shard, its) {
  const all = its.flatMap((lane) => lane.steps);
  const bad = all.filter(isTrouble).length;
  const words = `${count(its.length, "lane")}, ${bad ? `${bad} of ` : ""}${count(all.length, "step")}${bad ? " with trouble" : ""}`;
  const drawn = element(
    "div",
    { class: "shard", role: "rowgroup", "aria-label": `Shard ${shard}` },
    element(
      "div",
      { class: "shard-name", role: "row" },
      element("span", { role: "rowheader" }, element("strong", {}, shard), " ", element("span", {}, words)),
    ),
    ...its.map((lane) =>
      element(
        "div",
        { class: "lane", role: "row" },
        element("span", { class: "lane-name", role: "rowheader", "aria-label": `Lane ${lane.lane}` }, String(lane.lane)),
        ...waits(lane),
        ...lane.steps.map((step) => boxes[step.index]),
      ),
    ),
  );
  drawn.style.setProperty("--lanes", its.length);
  return drawn;
}

function drawAxis() {
  const ticks = [];
  let last = -Infinity;
  for (const { time, place } of scale) {
    if ((place - last) * zoom < TICK) continue;
    ticks.push(put(element("span", { class: "tick" }, since(time)), place, place + TICK / zoom));
    last = place;
  }
  grid.querySelector(".axis").replaceChildren(...ticks);
}

function setZoom(next, around = middle()) {
  const [before, offset] = [zoom, around - grid.scrollLeft];
  zoom = next;
  grid.style.setProperty("--zoom", zoom);
  drawAxis();
  grid.scrollLeft = ((around - INSET) / before) * zoom + INSET - offset;
  byId("zoom").textContent = `${Math.round(zoom * 100)} %`;
  byId("in").disabled = zoom === ZOOMS.at(-1);
  byId("out").disabled = zoom === ZOOMS[0];
}

// What stays where it is while zooming: the box in use when it is seen, else the middle.
function middle() {
  const box = grid.querySelector(".step[tabindex='0']");
  const place = box ? box.offsetLeft : -1;
  const seen = place >= grid.scrollLeft && place <= grid.scrollLeft + grid.clientWidth;
  return seen ? place : grid.scrollLeft + grid.clientWidth / 2;
}

function zoomBy(by) {
  setZoom(ZOOMS[Math.min(Math.max(ZOOMS.indexOf(zoom) + by, 0), ZOOMS.length - 1)]);
}

// Exactly one box can be reached with Tab: the one that was in use last.
function use(step, { focus = true } = {}) {
  grid.querySelector(".step[tabindex='0']")?.setAttribute("tabindex", "-1");
  const box = boxes[step.index];
  box.setAttribute("tabindex", "0");
  if (!focus) return reveal(box);
  box.scrollIntoView({ block: "nearest", inline: "nearest" });
  box.focus({ preventScroll: true });
}

// Scroll the timeline to a box, and leave the page where it is: someone reads a table there.
function reveal(box) {
  const [inner, outer] = [box.getBoundingClientRect(), grid.getBoundingClientRect()];
  if (inner.left < outer.left + 60 || inner.right > outer.right - 20) grid.scrollLeft += inner.left - outer.left - 60;
  if (inner.top < outer.top + 70 || inner.bottom > outer.bottom - 20) grid.scrollTop += inner.top - outer.top - 70;
}

const rows = [...shards.values()].flat();

function neighbour(step, key) {
  const row = rows.findIndex((lane) => lane.shard === step.shard && lane.lane === step.lane);
  const own = rows[row].steps;
  const place = own.indexOf(step);
  const nearest = (lane) =>
    lane?.steps.reduce((best, other) => (Math.abs(other.left - step.left) < Math.abs(best.left - step.left) ? other : best));
  const to = {
    ArrowLeft: () => own[place - 1],
    ArrowRight: () => own[place + 1],
    ArrowUp: () => nearest(rows[row - 1]),
    ArrowDown: () => nearest(rows[row + 1]),
    Home: () => own[0],
    End: () => own.at(-1),
  }[key];
  return to && (to() ?? step);
}

function nextTrouble() {
  const current = Number(grid.querySelector(".step[tabindex='0']")?.dataset.step ?? -1);
  const inUse = grid.contains(document.activeElement) ? current : current - 1;
  const found = [...steps.slice(inUse + 1), ...steps.slice(0, inUse + 1)].find(isTrouble);
  if (found) use(found);
}

// Show which steps belong together, and fade the others.
function trace(traced) {
  grid.classList.toggle("tracing", traced.length > 0);
  boxes.forEach((box) => box.classList.remove("traced"));
  traced.forEach((step) => boxes[step.index].classList.add("traced"));
}

grid.style.setProperty("--all", width);
grid.style.setProperty("--inset", `${INSET}px`);
grid.replaceChildren(
  element("div", { class: "axis", "aria-hidden": true }),
  ...[...shards].map(([shard, its]) => drawShard(shard, its)),
);
grid.addEventListener("click", (event) => {
  const box = event.target.closest(".step");
  if (!box) return;
  use(steps[box.dataset.step]);
  openStep(steps[box.dataset.step]);
});
byId("picture").addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const box = event.target.closest(".step");
  const next = box && neighbour(steps[box.dataset.step], event.key);
  if (next) use(next);
  else if (event.key === "+" || event.key === "=") zoomBy(1);
  else if (event.key === "-") zoomBy(-1);
  else if (event.key === "n" || event.key === "N") nextTrouble();
  else return;
  event.preventDefault();
});
byId("in").addEventListener("click", () => zoomBy(1));
byId("out").addEventListener("click", () => zoomBy(-1));
byId("trouble").addEventListener("click", nextTrouble);
byId("trouble").disabled = !steps.some(isTrouble);
