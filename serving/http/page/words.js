// Small things that every part of the page uses: elements, numbers, titles.

export const $ = (id) => document.getElementById(id);

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// Chinese characters have other shapes in Chinese than in Japanese fonts: say which language a title is in.
const HAN = /\p{Script=Han}/u;
const KANA = /[\p{Script=Hiragana}\p{Script=Katakana}]/u;
export const language = (text) => (KANA.test(text) ? "ja" : HAN.test(text) ? "zh-Hans" : null);

export function titled(tag, text, attributes = {}) {
  return make(tag, { lang: language(text), title: text, ...attributes }, text);
}

const whole = new Intl.NumberFormat("en");
export const count = (number) => (number === undefined || number === null ? "–" : whole.format(Math.round(number)));
export const percent = (share) => `${(share * 100).toFixed(1)} %`;

export function duration(ms) {
  if (ms === undefined || ms === null) return "–";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  if (ms < 5_400_000) return `${Math.round(ms / 60_000)} min`;
  return ms < 172_800_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} days`;
}

export const bar = (share) => {
  const fill = make("div", { class: "fill" });
  fill.style.width = `${Math.max(2, Math.min(100, share * 100))}%`;
  return make("div", { class: "track", "aria-hidden": "true" }, fill);
};

const PARTS = {
  covisit: "chosen together", content: "alike in content", popularity: "popular", trending: "rising", newest: "new",
  mf: "taste factors", sequence: "what follows", text: "your words", profile: "your profile", explore: "exploring",
};
export const part = (name) => PARTS[name] ?? name.replaceAll("_", " ");
