// The list: a card an item, with its score, its sources, its reasons, and buttons that send events.

import * as api from "/page/api.js";
import { $, bar, make, part, titled } from "/page/words.js";

const names = new Map();

export function draw(list, act) {
  const cards = $("list");
  const places = new Map([...cards.children].map((card) => [card.dataset.item, card.getBoundingClientRect().top]));
  const open = new Set([...cards.querySelectorAll("details[open]")].map((each) => each.closest("li").dataset.item));
  const held = document.activeElement?.closest?.(".card") ? document.activeElement.className : null;
  const heldAt = held ? [...cards.children].indexOf(document.activeElement.closest(".card")) : -1;
  for (const item of list.items) names.set(item.item_id, item.title ?? item.item_id);
  cards.replaceChildren(...list.items.map((item, at) => card(item, at, act, open.has(item.item_id))));
  if (places.size) for (const each of cards.children) move(each, places.get(each.dataset.item));
  if (held) cards.children[Math.min(heldAt, cards.children.length - 1)]?.querySelector(`button.${held}`)?.focus();
  $("none").hidden = list.items.length > 0;
  $("none").textContent = "Nothing to recommend yet: no items are known, or all were seen.";
}

function card(item, at, act, open) {
  const name = item.title ?? item.item_id;
  const button = (type, label, look, hint) => make("button", {
    type: "button", class: look, title: hint, "aria-label": `${label}: ${name}`, onclick: () => act(item, type),
  }, label);
  const chips = item.sources.map((source) => make("span", { class: "chip", title: source }, part(source)));
  const summary = make("summary", {}, make("span", { class: "score", title: "score" }, item.score.toFixed(2)), ...chips,
    make("span", { class: "why" }, "why"));
  const details = make("details", {}, summary, reasons(item),
    button("hide", "Never show again", "hide", "sends a hide event"));
  details.open = open;
  details.addEventListener("toggle", () => details.open && learnNames(details), { once: true });
  return make("li", { class: "card", "data-item": item.item_id },
    make("span", { class: "rank", "aria-hidden": "true" }, String(at + 1)), titled("h3", name),
    make("div", { class: "acts" }, button("like", "Like", "like", "sends a like event"),
      button("click", "Click", "click", "sends a click event"), button("dislike", "Skip", "skip", "sends a dislike event")),
    details);
}

function reasons(item) {
  const all = item.reasons ?? [];
  const most = Math.max(...all.map((each) => Math.abs(each.score)), 1e-9);
  return make("ul", { class: "reasons" }, ...all.map((each) => make("li", { class: each.score < 0 ? "minus" : "plus" },
    make("span", { title: each.part }, part(each.part)), bar(Math.abs(each.score) / most),
    make("span", { class: "value" }, each.score.toFixed(3)), because(each.because ?? []))));
}

function because(ids) {
  const said = make("span", { class: "because", "data-ids": JSON.stringify(ids) });
  if (ids.length) tell(said, ids);
  return said;
}

function tell(element, ids) {
  const parts = ids.flatMap((id, at) => [at ? ", " : "because of ", titled("span", names.get(id) ?? id)]);
  element.replaceChildren(...parts);
}

// The history may hold items that no list on this page has shown: their titles are asked for when they are looked at.
async function learnNames(details) {
  for (const each of details.querySelectorAll(".because")) {
    const ids = JSON.parse(each.dataset.ids);
    if (await learn(ids)) tell(each, ids);
  }
}

// Asks for the titles that are not known yet; true if there were any.
export async function learn(ids) {
  const unknown = [...new Set(ids)].filter((id) => !names.has(id));
  await Promise.all(unknown.map(async (id) => names.set(id, await api.item(id).then((item) => item.title ?? id, () => id))));
  return unknown.length > 0;
}

function move(card, from) {
  if (from === undefined) {
    card.classList.add("new");
    card.animate([{ opacity: 0, transform: "translateY(8px)" }, { opacity: 1, transform: "none" }], 320);
    setTimeout(() => card.classList.remove("new"), 2500);
    return;
  }
  const by = from - card.getBoundingClientRect().top;
  if (by && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
    card.animate([{ transform: `translateY(${by}px)` }, { transform: "none" }], { duration: 320, easing: "ease-out" });
  }
}

export const nameOf = (id) => names.get(id) ?? id;
