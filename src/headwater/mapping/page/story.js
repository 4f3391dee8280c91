// The story of a step, or of a record: opened beside the timeline, closed with Escape.

const MANY = 100;
const panel = byId("story");
let opener = null;
let told = []; // the stories that led to this one

function show(title, body, traced, again) {
  if (panel.hidden) {
    opener = document.activeElement;
    told = [];
  }
  told.push(again);
  byId("story-title").textContent = title;
  byId("story-body").replaceChildren(...body);
  byId("back").hidden = told.length < 2;
  panel.hidden = false;
  panel.scrollTop = 0;
  document.body.classList.add("told");
  trace(traced);
  byId("story-title").focus({ preventScroll: true });
}

function closeStory() {
  if (panel.hidden) return;
  panel.hidden = true;
  document.body.classList.remove("told");
  trace([]);
  opener?.focus();
}

function back() {
  told.pop();
  told.pop()();
}

const json = (value) => element("pre", { tabindex: 0 }, JSON.stringify(value, null, 2));
const link = (words, onclick, attributes = {}) =>
  element("button", { type: "button", class: "link", ...attributes, onclick }, words);

function stepLink(step) {
  return link(nameOf(step), () => openStep(step), { "data-step": step.index });
}

function openStep(step) {
  const inside = recordsOf(step);
  const list = element("ol", { class: "inside" });
  const more = element("p", { class: "more" });
  const lines = (from, to) => inside.slice(from, to).map((record, at) => recordLine(step, record, from + at));
  list.append(...lines(0, MANY));
  if (inside.length > MANY) {
    more.append(
      link(`Show all ${count(inside.length, "record")}`, () => {
        list.append(...lines(MANY));
        more.remove();
        list.children[MANY].querySelector("button").focus();
      }),
    );
  }
  const body = [
    element("p", { class: "lead" }, badge(step.look, LOOKS[step.look]), ` ${step.reason ?? ""}`),
    ...(step.look === "discard" ? discardBody(step) : invocationBody(step)),
    ...siblings(step),
    ...(inside.length ? [element("h3", {}, "Records, in order"), list, more] : [element("p", {}, "It had no records.")]),
  ];
  use(step, { focus: false });
  show(nameOf(step), body, batches.get(batchName(step)), () => openStep(step));
}

function recordLine(step, record, place) {
  const { look, words } = outcomeOf(step, place);
  const { key, event, sequence } = records[record];
  const name = link(key || sequence, () => openRecord(record), { "data-record": record });
  return element("li", { class: look }, element("span", { class: "event" }, event), " ", name, " ", badge(look, words));
}

function whereBody(step) {
  return [
    ...pair("Shard", step.shard),
    ...pair("Lane", String(step.lane)),
    ...pair("Batch", String(step.batch)),
  ];
}

function invocationBody(step) {
  const last = recordsOf(step).at(-1);
  return [
    element("p", {}, thenOf(step)),
    element(
      "dl",
      { class: "pairs" },
      ...whereBody(step),
      ...pair("Attempt", String(step.attempt)),
      ...pair("Started", `${clock(step.start)} (${since(step.start)})`),
      ...pair("Took", span(step.end - step.start)),
      ...(last === undefined ? [] : pair("Iterator age", span(step.start - records[last].created))),
      ...pair("Request", step.request),
    ),
  ];
}

function discardBody(step) {
  const whom = step.document
    ? [element("h3", {}, "What the on-failure destination is sent"), json(step.document)]
    : [element("p", {}, "Nobody is told: the stream itself drops what is older than a day.")];
  const at = pair("At", `${clock(step.start)} (${since(step.start)})`);
  const why = pair("Condition", step.condition);
  return [element("dl", { class: "pairs" }, ...whereBody(step), ...at, ...why), ...whom];
}

// The other steps of the same batch: its redeliveries, halves and discards.
function siblings(step) {
  const all = batches.get(batchName(step));
  if (all.length < 2) return [];
  const at = all.indexOf(step);
  const from = Math.max(0, Math.min(at - MANY / 4, all.length - MANY / 2));
  const chip = (other) =>
    element(
      "li",
      {},
      element(
        "button",
        {
          type: "button",
          class: `chip ${other.look}`,
          "aria-current": other === step ? "true" : undefined,
          "aria-label": `${nameOf(other)}: ${LOOKS[other.look]}`,
          onclick: () => openStep(other),
        },
        other.look === "discard" ? "" : String(other.number),
      ),
    );
  return [
    element("h3", {}, `This batch, ${count(all.length, "step")}`),
    element("ul", { class: "chips" }, ...all.slice(from, from + MANY / 2).map(chip)),
  ];
}

function openRecord(index) {
  const record = records[index];
  const lines = stepsOf[index].map(({ step, place }) => deliveryLine(step, place));
  const open = record.end === "waiting" || record.end === "filtered";
  const body = [
    element("p", { class: "lead" }, badge(record.end, ENDS[record.end])),
    element(
      "dl",
      { class: "pairs" },
      ...pair("Event", record.event),
      ...pair("Sequence number", record.sequence),
      ...pair("Shard", record.shard),
      ...pair("Lane", String(record.lane)),
    ),
    element(
      "ol",
      { class: "told-list" },
      line("Written", record.created, "plain"),
      line("Read from the stream", record.read, "plain"),
      ...lines,
      ...(open ? [element("li", { class: record.end }, element("strong", {}, capital(ENDS[record.end])))] : []),
    ),
    ...(record.raw ? [element("h3", {}, "The record"), json(record.raw)] : []),
  ];
  const traced = stepsOf[index].map(({ step }) => step);
  if (traced.length) use(traced[0], { focus: false });
  show(record.key || record.sequence, body, traced, () => openRecord(index));
}

const capital = (words) => words[0].toUpperCase() + words.slice(1);

function line(words, at, look, ...more) {
  const time = element("time", {}, `${clock(at).slice(11)}, ${since(at)}`);
  return element("li", { class: look }, time, " ", typeof words === "string" ? element("strong", {}, words) : words, ...more);
}

function deliveryLine(step, place) {
  const { look, words } = outcomeOf(step, place);
  if (look === "discard") {
    const document = step.document ? json(step.document) : "";
    return line(stepLink(step), step.start, look, `. ${capital(words)}.`, document);
  }
  const where = `, batch ${step.batch}, attempt ${step.attempt}, record ${place + 1} of ${sizeOf(step)}: `;
  const why = look === "done" || !step.reason ? "" : element("span", { class: "why" }, step.reason);
  return line(stepLink(step), step.start, look, where, element("strong", {}, words), " ", why);
}

byId("close").addEventListener("click", closeStory);
byId("back").addEventListener("click", back);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") closeStory();
});
