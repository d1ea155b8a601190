// What the page says, in the visitor's language: every text stands in `texts/en.json` and `texts/ko.json`, nowhere else.
// In a text `{name}` is a value, `*…*` is stressed, `…` in backticks is typed. A text that depends on a number `n` has a
// form for each of the language's plurals. In Korean `{name|은는}` is the value with the particle that its ending takes.

import en from "./texts/en.json" with { type: "json" };
import ko from "./texts/ko.json" with { type: "json" };
import { $, h } from "./dom.js";

const TABLES = { en, ko };
const KEPT_AS = "language";
const PIECES = /(\*[^*]+\*|`[^`]+`|\{[^}]+\})/;
const changed = new EventTarget();
let current = preferred();

/** The language of the page: what was chosen here, else the first of the browser's that the page speaks, else English. */
function preferred() {
  const wanted = [localStorage.getItem(KEPT_AS), ...navigator.languages].filter(Boolean);
  return wanted.map((tag) => tag.split("-")[0].toLowerCase()).find((tag) => tag in TABLES) ?? "en";
}

export const language = () => current;

/** The text of `key` with its values. Raises for a key that no table has. */
export function t(key, values = {}) {
  return rich(key, values).map((piece) => piece.textContent ?? piece).join("");
}

/** The same as nodes and strings, for `append`: stressed and typed parts are elements, and a value may be one. */
export function rich(key, values = {}) {
  return text(key, values).split(PIECES).filter(Boolean).map((piece) => {
    if (piece.startsWith("*")) return h("em", {}, piece.slice(1, -1));
    if (piece.startsWith("`")) return h("code", {}, piece.slice(1, -1));
    if (!piece.startsWith("{")) return piece;
    const [name, particle] = piece.slice(1, -1).split("|");
    return particle ? withParticle(String(values[name]), particle) : values[name] instanceof Node ? values[name] : String(values[name]);
  });
}

/** The text of a key that is made of data, or `otherwise`: not all that the services say is known here. */
export function knownText(key, otherwise) {
  return key in TABLES[current] ? t(key) : otherwise;
}

function text(key, { n }) {
  const found = TABLES[current][key];
  if (found === undefined) throw new Error(`no text ${key}`);
  return typeof found === "string" ? found : found[new Intl.PluralRules(current).select(n)] ?? found.other;
}

const DIGIT_ENDINGS = ["ㅇ", "ㄹ", "", "ㅁ", "", "", "ㄱ", "ㄹ", "ㄹ", ""]; // 영 일 이 삼 사 오 육 칠 팔 구
const PARTICLES = { 은는: ["은", "는"], 이가: ["이", "가"], 을를: ["을", "를"], 으로: ["으로", "로"] };

/** `order-1은`, `order-2는`, `order-1로`: by whether the last sound is a consonant, and which. */
function withParticle(value, particle) {
  const [closed, open] = PARTICLES[particle];
  const ending = endingOf(value.at(-1) ?? "");
  const asOpen = ending === "" || (particle === "으로" && ending === "ㄹ");
  return `${value}${ending === undefined ? `${closed}(${open})` : asOpen ? open : closed}`;
}

/** The consonant a letter ends with, "" for none; undefined for one that is read differently by everybody. */
function endingOf(letter) {
  if (/[0-9]/.test(letter)) return DIGIT_ENDINGS[Number(letter)];
  if (!/[가-힣]/.test(letter)) return undefined;
  const ending = (letter.codePointAt(0) - 0xac00) % 28;
  return ending === 0 ? "" : ending === 8 ? "ㄹ" : "ㅇ"; // which one it is matters for ㄹ only
}

/** Calls `draw` now and whenever the language changes. */
export function inEveryLanguage(draw) {
  changed.addEventListener("change", draw);
  draw();
}

/** Fills what is marked in the document. */
export function fillTexts() {
  document.documentElement.lang = current;
  document.title = t("page.title");
  for (const each of document.querySelectorAll("[data-text]")) each.replaceChildren(...rich(each.dataset.text));
  for (const each of document.querySelectorAll("[data-label]")) each.setAttribute("aria-label", t(each.dataset.label));
  for (const each of document.querySelectorAll("[data-content]")) each.setAttribute("content", t(each.dataset.content));
}

/** Fills what is marked in the document, and lets the visitor switch. */
export function showLanguage() {
  const other = () => Object.keys(TABLES).find((each) => each !== current);
  inEveryLanguage(() => {
    fillTexts();
    $("language").lang = other();
    $("language").textContent = TABLES[other()]["language.name"];
  });
  $("language").addEventListener("click", () => {
    current = other();
    localStorage.setItem(KEPT_AS, current);
    changed.dispatchEvent(new Event("change"));
  });
}
