// The tables: the same data as the timeline, row by row.

const PAGE = 100;

// Fills a section's table, and its form with what chooses the rows.
function tabulate(section, { columns, choices, all, rowOf }) {
  const [form, table, more] = ["form", "table", ".more"].map((part) => section.querySelector(part));
  const body = element("tbody");
  const fields = choices.map(fieldOf);
  form.append(...fields.map(({ label }) => label));
  table.append(
    element("thead", {}, element("tr", {}, ...columns.map(([name, kind]) => element("th", { scope: "col", class: kind }, name)))),
    body,
  );
  const fill = () => {
    const chosen = all.filter((value) => fields.every(({ accepts }) => accepts(value)));
    body.replaceChildren(...chosen.slice(0, PAGE).map(rowOf));
    more.replaceChildren(`${number(Math.min(chosen.length, PAGE))} of ${count(chosen.length, "row")} `);
    if (chosen.length <= PAGE) return;
    more.append(
      link("Show all", () => {
        body.append(...chosen.slice(PAGE).map(rowOf));
        more.replaceChildren(count(chosen.length, "row"));
        body.children[PAGE].querySelector("button")?.focus();
      }),
    );
  };
  form.addEventListener("input", fill);
  form.addEventListener("submit", (event) => event.preventDefault());
  fill();
}

function fieldOf({ words, options, of, matches }) {
  const field = options
    ? element("select", {}, element("option", { value: "" }, "all"), ...options.map(([value, name]) => element("option", { value }, name)))
    : element("input", { type: "search", autocomplete: "off", spellcheck: "false" });
  const accepts = (value) => field.value === "" || (of ? of(value) === field.value : matches(value, field.value));
  return { label: element("label", {}, words, " ", field), accepts };
}

const cellsOf = (columns, values) =>
  values.map((value, place) => element(place ? "td" : "th", { class: columns[place][1], scope: place ? undefined : "row" }, value));

const shardNames = [...new Set([...steps.map((step) => step.shard), ...records.map((record) => record.shard)])];
const chooseShard = { words: "Shard", options: shardNames.map((name) => [name, name]), of: (value) => value.shard };

const STEP_COLUMNS = [
  ["Step", ""],
  ["Outcome", ""],
  ["Records", "number"],
  ["Batch", "number"],
  ["Attempt", "number"],
  ["Started", "number"],
  ["Took", "number"],
  ["Shard", "name"],
  ["Lane", "number"],
  ["Why", "wide"],
];

function stepRow(step) {
  const isDiscard = step.look === "discard";
  const cells = [
    stepLink(step),
    badge(step.look, LOOKS[step.look]),
    String(sizeOf(step)),
    String(step.batch),
    isDiscard ? "" : String(step.attempt),
    since(step.start),
    isDiscard ? "" : span(step.end - step.start),
    step.shard,
    String(step.lane),
    isDiscard ? step.condition : step.reason,
  ];
  return element("tr", {}, ...cellsOf(STEP_COLUMNS, cells));
}

const RECORD_COLUMNS = [
  ["Record", "name"],
  ["Event", ""],
  ["How it ended", ""],
  ["Deliveries", "number"],
  ["Written", "number"],
  ["Sequence number", "name"],
  ["Shard", "name"],
  ["Lane", "number"],
];

function recordRow(record) {
  const cells = [
    link(record.key || record.sequence, () => openRecord(record.index), { "data-record": record.index }),
    record.event,
    badge(record.end, ENDS[record.end]),
    String(stepsOf[record.index].filter(({ step }) => step.look !== "discard" && step.look !== "unrun").length),
    since(record.created),
    record.sequence,
    record.shard,
    String(record.lane),
  ];
  return element("tr", {}, ...cellsOf(RECORD_COLUMNS, cells));
}

const seen = (words, names) => Object.entries(words).filter(([name]) => names.has(name));

tabulate(byId("invocations"), {
  columns: STEP_COLUMNS,
  choices: [
    chooseShard,
    { words: "Outcome", options: seen(LOOKS, LOOKED), of: (step) => step.look },
  ],
  all: steps,
  rowOf: stepRow,
});

tabulate(byId("records"), {
  columns: RECORD_COLUMNS,
  choices: [
    { words: "Find", matches: (record, text) => `${record.key} ${record.sequence}`.toLowerCase().includes(text.toLowerCase()) },
    chooseShard,
    { words: "Ended", options: seen(ENDS, new Set(records.map((record) => record.end))), of: (record) => record.end },
  ],
  all: records,
  rowOf: recordRow,
});
