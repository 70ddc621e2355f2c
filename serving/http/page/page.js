// The page: asks for lists, sends what was chosen, and redraws when the recommender has learned it.

import * as api from "/page/api.js";
import * as cards from "/page/cards.js";
import * as figures from "/page/figures.js";
import { $, count, duration, make, titled } from "/page/words.js";

const PATIENCE_MS = 2000;
const LATELY = 4;
const DONE = { like: "liked", click: "clicked", dislike: "skipped", hide: "hidden" };
const state = { user: "", text: "", known: [], request: null, asked: 0, past: [] };

const visitor = () => `visitor-${crypto.getRandomValues(new Uint32Array(1))[0].toString(36)}`;
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

function say(text, look = "") {
  $("said").textContent = text;
  $("said").className = look;
}

async function ask() {
  const question = { user_id: state.user };
  if (state.text) question.text = state.text;
  const list = await api.recommend(question);
  state.request = list.request_id;
  return list;
}

async function show() {
  const turn = ++state.asked;
  $("for-title").replaceChildren("For ", titled("span", state.user));
  try {
    const list = await ask();
    if (turn !== state.asked) return;
    cards.draw(list, act);
    say(`${count(list.items.length)} items in ${list.took_ms.toFixed(1)} ms`);
  } catch (error) {
    if (turn === state.asked) say(error.message, "bad");
  }
}

// Sends a real event, then asks until the list's position has passed it: the answer includes it from then on.
async function act(item, type) {
  const turn = ++state.asked;
  const began = performance.now();
  for (const button of document.querySelectorAll(`[data-item="${CSS.escape(item.item_id)}"] button`)) button.disabled = true;
  try {
    const event = { user_id: state.user, item_id: item.item_id, type, request_id: state.request };
    const { written: [place] } = await api.send(event);
    say("learning …");
    remember(item.item_id, type);
    let list;
    let learned = false;
    do {
      await pause(list ? 60 : 15);
      list = await ask();
      learned = list.position.interactions[place.partition] > place.offset;
    } while (!learned && performance.now() - began < PATIENCE_MS && turn === state.asked);
    if (turn !== state.asked) return;
    cards.draw(list, act);
    const took = duration(performance.now() - began);
    say(learned ? `${DONE[type]}, and the list changed ${took} later` : "sent; not learned within 2 s", learned ? "good" : "bad");
  } catch (error) {
    say(error.message, "bad");
    for (const button of document.querySelectorAll(".card button")) button.disabled = false;
  }
}

function remember(id, type) {
  state.past.unshift({ item_id: id, type });
  drawPast();
}

function drawPast() {
  const shown = state.past.slice(0, LATELY);
  $("past").hidden = !shown.length;
  $("past").replaceChildren("Lately: ", ...shown.flatMap((each, at) => [
    at ? " · " : "", `${DONE[each.type] ?? each.type} `, titled("span", cards.nameOf(each.item_id ?? "a list")),
  ]));
}

async function choose(user, text = state.text, isNew = false) {
  Object.assign(state, { user, text, past: [] });
  $("user").value = user;
  $("text").value = text;
  history.replaceState(null, "", `#${new URLSearchParams(text ? { user, text } : { user })}`);
  await show();
  if (!isNew) {
    const past = await api.portrait(user).then((told) => told.history.slice(-8).reverse(), () => []);
    await cards.learn(past.slice(0, LATELY).map((each) => each.item_id).filter(Boolean));
    if (state.user === user && !state.past.length) state.past = past;
  }
  drawPast();
}

async function pulse() {
  try {
    const status = await api.status();
    figures.draw(status);
    live("ready", "live");
    state.known = status.known_users ?? [];
    $("someone").hidden = !state.known.length;
    $("known").replaceChildren(...state.known.slice(0, 50).map((id) => make("option", { value: id })));
  } catch (error) {
    live("away", error.message);
  }
}

function live(looks, text) {
  const was = $("live").dataset.state;
  $("live").dataset.state = looks;
  $("live-text").textContent = text;
  if (was === "away" && looks === "ready") show();
}

const rise = () => api.trending($("window").value).then((told) => figures.rising(told.items), () => {});
const every = (ms, task) => setInterval(() => document.hidden || task(), ms);

$("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  choose($("user").value, $("text").value.trim());
});
$("user").addEventListener("change", () => $("user").value && choose($("user").value));
$("fresh").addEventListener("click", () => choose(visitor(), state.text, true));
$("someone").addEventListener("click", () => choose(state.known[Math.floor(Math.random() * state.known.length)], ""));
$("window").addEventListener("change", rise);

const given = new URLSearchParams(location.hash.slice(1));
choose(given.get("user") || visitor(), given.get("text") || "", !given.get("user"));
pulse();
rise();
every(2000, pulse);
every(10_000, rise);
