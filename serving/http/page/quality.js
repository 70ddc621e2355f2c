// The live quality: how often the next item was among the ten best, over time, by slice, and its alarm.

import { $, bar, count, make, percent } from "/page/words.js";

const NAMES = { default: "Coldspring", popularity: "Popularity", decayed_popularity: "Popularity of the day", mf: "River MF" };
const CURVES = ["popularity", "decayed_popularity", "default"];
const WIDE = 320, HIGH = 118, LEFT = 34, BOTTOM = 16;
const TOPS = [0.02, 0.04, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1];
let told = null;

export function draw(quality) {
  if (!quality?.tested) return;
  told = quality;
  bars(quality.models);
  $("quality").hidden = false;
  chart();
  alarm(quality.drift);
}

function bars(models) {
  const known = Object.keys(NAMES).filter((name) => typeof models[name]?.["hr@10"] === "number");
  const most = Math.max(...known.map((name) => models[name]["hr@10"]), 0.001);
  $("f-quality").replaceChildren(...known.filter((name) => name !== "decayed_popularity").map((name) => {
    const rate = models[name]["hr@10"];
    return make("div", { class: name === "default" ? "own" : "other" },
      make("span", {}, NAMES[name]), bar(rate / most), make("span", { class: "value" }, percent(rate)));
  }));
}

const draws = (tag, attributes, ...children) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};

function chart() {
  const slice = $("slice").value;
  const { tested = [], rates = {} } = told.history ?? {};
  const curves = rates[slice] ?? {};
  const now = told.slices[slice];
  const named = CURVES.filter((name) => curves[name]?.some((rate) => rate !== null));
  const highest = Math.max(...named.flatMap((name) => curves[name]));
  const top = TOPS.find((rate) => rate >= highest) ?? 1;
  const first = tested[0], last = tested.at(-1);
  const x = (at) => LEFT + ((at - first) / Math.max(1, last - first)) * (WIDE - LEFT);
  const y = (rate) => (1 - rate / top) * (HIGH - BOTTOM - 6) + 6;
  const label = (at, high, text, anchor) => draws("text", { x: at, y: high, "text-anchor": anchor }, text);
  const svg = draws("svg", { class: "curves", viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": spoken(now) });
  for (const rate of [0, top / 2, top]) {
    svg.append(draws("line", { x1: LEFT, x2: WIDE, y1: y(rate), y2: y(rate) }), label(LEFT - 5, y(rate) + 4, `${Math.round(rate * 100)}%`, "end"));
  }
  const drop = told.drift.last;
  if (drop && drop.began > first && drop.began < last) {
    svg.append(draws("line", { class: "drop", x1: x(drop.began), x2: x(drop.began), y1: 0, y2: HIGH - BOTTOM }));
  }
  for (const name of named) svg.append(draws("path", { class: name, d: path(tested.map(x), curves[name].map((rate) => rate === null ? null : y(rate))) }));
  if (tested.length > 1) svg.append(label(LEFT, HIGH - 2, `${count(first)} tested`, "start"), label(WIDE, HIGH - 2, count(last), "end"));
  const keys = CURVES.toReversed().map((name) => make("li", { class: name }, make("i"), `${NAMES[name]} ${shown(now["hr@10"][name])}`));
  $("curves").replaceChildren(...(named.length && tested.length > 1 ? [svg] : []), make("ul", { class: "keys" }, ...keys));
  $("curves-told").textContent = now.window
    ? `over the last ${count(now.window)} of ${count(now.tested)} events tested before they were learned`
    : "none tested yet";
}

const shown = (rate) => (typeof rate === "number" ? percent(rate) : "–");
const spoken = (now) => `Hit rate over time. Now: ${CURVES.map((name) => `${NAMES[name]} ${shown(now["hr@10"][name])}`).join(", ")}`;

function path(across, down) {
  let pen = "M";
  return across.map((x, at) => {
    if (down[at] === null) { pen = "M"; return ""; }
    const step = `${pen}${x.toFixed(1)} ${down[at].toFixed(1)}`;
    pen = "L";
    return step;
  }).join("");
}

function alarm(drift) {
  const drop = drift.last;
  $("drift").hidden = !drop;
  $("drift").classList.toggle("on", drift.alarm);
  if (!drop) return;
  const ago = count(told.tested - drop.began);
  const fell = `it fell from ${percent(drop.before)} to ${percent(drop.after)} ${ago} tested events ago`;
  $("drift").textContent = drift.alarm ? `Drift: ${fell}` : `No drift now; ${fell}`;
}

$("slice").addEventListener("change", () => told && chart());
