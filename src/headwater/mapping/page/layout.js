// Where the steps are drawn: one scale of time for all lanes, on which a box is never too small to be hit.

const GAP = 5;
const WAIT = 54;
const STUB = 74; // a wait whose end is not known

// Long spans grow slowly, so that a back-off of a minute and an invocation of 20 ms fit one picture.
const widthOf = (seconds) => 16 * Math.log2(1 + seconds / 0.25);
const boxOf = (step) => 30 + 7 * String(sizeOf(step)).length;

function isAgain(step, next) {
  if (step.look === "discard" || step.then === "discard" || step.look === "done") return false;
  return next === undefined || next.batch === step.batch;
}

// When a step is drawn: as it was, but never before the one ahead of it in its lane has ended. Clocks are set back, too.
function setTimes(lanes) {
  for (const lane of lanes) {
    lane.steps.forEach((step, place) => {
      step.last = lane.steps[place - 1];
      step.opens = Math.max(step.start, step.last?.closes ?? step.start);
      step.closes = Math.max(step.end, step.opens);
    });
  }
}

const gapBefore = (step) => (step.last?.wait && isAgain(step.last, step) ? WAIT : GAP);
const behindLast = (step) => (step.last?.right === undefined ? 0 : step.last.right + gapBefore(step));

// Gives each step `left` and `right`, and returns the scale: instants with their places.
function layOut(lanes) {
  setTimes(lanes);
  const opening = grouped(steps, (step) => step.opens);
  const closing = grouped(steps.filter((step) => step.closes > step.opens), (step) => step.closes);
  const scale = [];
  let [place, before] = [8, undefined];
  for (const time of [...new Set([...opening.keys(), ...closing.keys()])].sort((one, other) => one - other)) {
    const [starting, ending] = [opening.get(time) ?? [], closing.get(time) ?? []];
    place += before === undefined ? 0 : widthOf(time - before);
    place = Math.max(place, ...ending.map((step) => step.left + boxOf(step)));
    for (const step of ending) step.right = place;
    place = Math.max(place, ...starting.map(behindLast));
    scale.push({ time, place });
    for (const step of starting) {
      step.left = Math.max(place, behindLast(step));
      if (step.closes === time) step.right = step.left + boxOf(step);
    }
    place = Math.max(place, ...starting.map((step) => step.right ?? 0));
    before = time;
  }
  return { scale, width: place + STUB + 16 };
}
