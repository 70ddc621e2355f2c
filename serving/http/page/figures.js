// The live figures at the top, the rising and the newest items.

import * as quality from "/page/quality.js";
import { $, count, duration, make, titled } from "/page/words.js";

const STEPS = ["arrived", "encoded", "indexed", "first_recommended"];
const SAID = ["announced", "encoded", "findable", "recommended"];
let before = null;

const put = (id, text) => { $(id).textContent = text; };

export function draw(status) {
  put("f-applied", count(status.applied));
  const rate = status.events_per_s ?? measured(status.applied);
  put("f-rate", rate === null ? "" : `${count(rate)} per second`);
  put("f-lag", status.lag === undefined ? "–" : count(status.lag));
  const dead = status.set_aside ?? Object.values(status.dead_letters ?? {}).reduce((sum, each) => sum + each, 0);
  put("f-dead", `records · ${count(dead)} set aside`);
  put("f-fresh", within(status.event_to_state?.p50_ms));
  put("f-fresh-99", ninetyNine(status.event_to_state));
  put("f-search", within(status.item_to_searchable?.p50_ms));
  put("f-search-99", ninetyNine(status.item_to_searchable));
  put("f-index", count(status.index_size ?? status.items));
  put("f-users", status.users === undefined ? "items" : `items · ${count(status.users)} users`);
  quality.draw(status.quality);
  newest(status.newest ?? []);
}

const within = (ms) => (ms === undefined || ms === null ? "–" : `≤ ${duration(ms)}`);
const ninetyNine = (spread) => (spread?.p99_ms ? `99 of 100 in ${duration(spread.p99_ms)}` : "");

function measured(applied) {
  const now = performance.now();
  const rate = before && applied >= before.applied ? ((applied - before.applied) * 1000) / (now - before.at) : null;
  before = { applied, at: now };
  return rate;
}

function newest(items) {
  $("newest").replaceChildren(...(items.length ? items.slice(0, 5).map(one) : [make("li", { class: "none" }, "none yet")]));
}

function one(item) {
  const life = item.life ?? {};
  const name = item.title ?? item.item_id;
  const age = life.arrived ? `${duration(Math.max(0, Date.now() - life.arrived))} ago` : "";
  const steps = STEPS.map((step, at) => {
    const done = Boolean(life[step]);
    const next = Boolean(life[STEPS[at + 1]]);
    const after = done && at && life.arrived ? `+${duration(Math.max(0, life[step] - life.arrived))}` : "";
    return make("span", { class: `${done ? "done" : ""} ${next ? "reached" : ""}` }, SAID[at], make("br"), done ? after || "✓" : "…");
  });
  return make("li", {}, make("div", { class: "clip" }, titled("span", name), " ", make("span", { class: "age" }, age)),
    make("div", { class: "life" }, ...steps));
}

export function rising(items) {
  const rows = items.map((item, at) => make("li", {}, make("span", { class: "rank" }, String(at + 1)),
    titled("span", item.title ?? item.item_id, { class: "clip" })));
  $("rising").replaceChildren(...(rows.length ? rows : [make("li", { class: "none" }, "nothing yet")]));
}
