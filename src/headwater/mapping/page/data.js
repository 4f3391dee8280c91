"use strict";

// What the page knows: the data that it came with, and the words for it.

const data = JSON.parse(document.getElementById("data").textContent);
const { figures, records, steps } = data;
const begin = figures.begin ?? 0;

const LOOKS = {
  done: "all handled",
  partial: "handled in part",
  failed: "failed",
  bisect: "failed, bisected",
  unrun: "not run",
  discard: "discarded",
};

const CONDITIONS = {
  RetryAttemptsExhausted: "no attempts left",
  RecordAgeExceeded: "too old",
  Trimmed: "trimmed by the stream",
};

const ENDS = {
  handled: "handled",
  waiting: "still waiting",
  filtered: "filtered out",
  ...Object.fromEntries(Object.entries(CONDITIONS).map(([name, words]) => [name, `discarded: ${words}`])),
};

const LOOKED = grouped(steps, (step) => step.look);

const isTrouble = (step) => step.look !== "done";

function recordsOf(step) {
  return step.records.flatMap(([first, count]) => Array.from({ length: count }, (_, place) => first + place));
}

const sizeOf = (step) => step.records.reduce((sum, [, count]) => sum + count, 0);

// Which steps a record was in, and at which place.
const stepsOf = records.map(() => []);
records.forEach((record, index) => (record.index = index));
steps.forEach((step, index) => {
  step.index = index;
  recordsOf(step).forEach((record, place) => stepsOf[record].push({ step, place }));
});

const batchName = (step) => `${step.shard} ${step.batch}`;
const batches = grouped(steps, batchName);

function grouped(values, name) {
  const groups = new Map();
  for (const value of values) {
    if (!groups.has(name(value))) groups.set(name(value), []);
    groups.get(name(value)).push(value);
  }
  return groups;
}

const nameOf = (step) => (step.look === "discard" ? "Discard" : `Invocation ${step.number}`);

// What an invocation meant for the record at a place in it.
function outcomeOf(step, place) {
  if (step.look === "discard") return { look: "discard", words: CONDITIONS[step.condition] };
  if (step.look === "unrun") return { look: "unrun", words: "the function was not run" };
  if (step.from === null || (step.look === "partial" && place < step.from)) return { look: "done", words: "handled" };
  if (step.raised) return { look: "failed", words: "the whole batch failed" };
  if (place === step.from) return { look: "failed", words: "named as the first that is not done" };
  return { look: "again", words: "behind the failure: delivered again" };
}

// What follows an invocation, as a sentence.
function thenOf(step) {
  const later = step.wait ? `after ${span(step.wait)}` : "at once";
  if (step.then === "bisect") return `The batch is cut in two, and delivered again ${later}.`;
  if (step.then === "discard") return "There are no attempts left: the records are discarded.";
  if (step.then === "retry") return `The records are delivered again ${later}.`;
  return step.from === null ? "" : `The checkpoint moves, and what is behind it is delivered again ${later}.`;
}

const UNITS = [[86400, "d", 3600, "h"], [3600, "h", 60, "min"], [60, "min", 1, "s"]];

function span(seconds) {
  if (seconds < 0) return `−${span(-seconds)}`;
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.995) return `${Number(seconds.toFixed(2))} s`;
  if (seconds < 59.5) return `${Number(seconds.toFixed(1))} s`;
  const rounded = Math.round(seconds);
  const [size, large, part, small] = UNITS.find(([least]) => rounded >= least);
  const rest = Math.floor((rounded % size) / part);
  return `${Math.floor(rounded / size)} ${large}${rest ? ` ${rest} ${small}` : ""}`;
}

const clock = (seconds) => `${new Date(seconds * 1000).toISOString().replace("T", " ").replace("Z", "")} UTC`;
const since = (seconds) => `${seconds < begin ? "" : "+"}${span(seconds - begin)}`;
const FORMAT = new Intl.NumberFormat("en");
const number = (value) => FORMAT.format(value);
const count = (value, noun) => `${number(value)} ${noun}${value === 1 ? "" : "s"}`;

// An element with attributes and children. Text stays text: nothing here is read as HTML.
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== false && value !== undefined) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== ""));
  return made;
}

const pair = (term, ...description) => [element("dt", {}, term), element("dd", {}, ...description)];
const badge = (look, words) => element("span", { class: `badge ${look}` }, words);
const byId = (id) => document.getElementById(id);
