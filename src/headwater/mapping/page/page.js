// The top of the page: figures, settings, the legend, and what was left out.

function figure(value, words, more = "", look = "") {
  return element(
    "div",
    { class: look },
    element("dt", {}, words),
    element("dd", {}, element("strong", {}, value), more ? element("span", {}, more) : ""),
  );
}

const discarded = Object.entries(figures.discarded);
const lost = discarded.reduce((sum, [, many]) => sum + many, 0);
const listed = (...parts) => parts.filter(Boolean).join(", ");

byId("span").textContent =
  figures.begin === null
    ? "Nothing has happened."
    : `From ${clock(figures.begin)}, for ${span(figures.end - figures.begin)}, on ${count(figures.shards, "shard")}.`;

byId("figures").append(
  figure(
    number(figures.records),
    "Records",
    listed(
      `${number(figures.handled)} handled`,
      figures.filtered && `${number(figures.filtered)} filtered out`,
      figures.waiting && `${number(figures.waiting)} still waiting`,
    ),
  ),
  figure(
    number(figures.invocations),
    "Invocations",
    listed(`${number(figures.failed)} not fully handled`, figures.unrun && `${number(figures.unrun)} more not run`),
  ),
  figure(number(figures.retries), "Retries", "of a batch, or of a part of it"),
  figure(number(figures.repeats), "Repeats", listed("records delivered again", figures.most > 1 && `one ${figures.most} times`)),
  figure(number(lost), "Discards", listed(...discarded.map(([why, many]) => `${CONDITIONS[why]}: ${number(many)}`)) || "no record was lost", lost ? "alarm" : ""),
  figure(figures.age === null ? "–" : span(figures.age), "Longest iterator age", "from the write to an invocation"),
);

const settings = Object.entries(data.settings);
byId("settings").hidden = settings.length === 0;
byId("settings")
  .querySelector("dl")
  .append(...settings.map(([name, value]) => element("div", {}, ...pair(name, value))));
byId("settings").open = window.innerWidth > 900;

byId("legend").append(
  ...seen(LOOKS, LOOKED).map(([look, words]) =>
    element("li", {}, element("span", { class: `chip ${look}`, "aria-hidden": true }), `${words}: ${number(LOOKED.get(look).length)}`),
  ),
  element("li", {}, element("span", { class: "wait", "aria-hidden": true }, "1 s"), "a pause before it is delivered again"),
);

const { left, limits } = data;
byId("left").hidden = !left.steps && !left.records;
byId("left").textContent =
  `Not everything is shown: ${number(left.steps)} invocations and discards and ` +
  `${count(left.records, "record")} are left out. Batches with trouble are shown first, then the others in the order of time, ` +
  `up to ${number(limits.steps)} invocations and discards and ${number(limits.records)} records. The figures above count everything.`;

drawAxis();
if (boxes.length) boxes[0].setAttribute("tabindex", "0");
