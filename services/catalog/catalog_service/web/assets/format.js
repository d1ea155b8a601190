// Numbers, money and times as the page's language writes them.

import { language, t } from "./texts.js";

const LOCALES = { en: "en-GB", ko: "ko-KR" };
const kept = new Map();

/** One formatter of Intl for each language and purpose: making one costs more than using it. */
function formatter(purpose, make) {
  const key = `${language()} ${purpose}`;
  if (!kept.has(key)) kept.set(key, make(LOCALES[language()]));
  return kept.get(key);
}

export const count = (number) => formatter("count", (locale) => new Intl.NumberFormat(locale)).format(number);

export const euros = (cents) =>
  formatter("money", (locale) => new Intl.NumberFormat(locale, { style: "currency", currency: "EUR" })).format(cents / 100);

const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
export const clock = (time) => formatter("clock", (locale) => new Intl.DateTimeFormat(locale, CLOCK)).format(new Date(time));

export const moment = (time) =>
  formatter("moment", (locale) => new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" })).format(new Date(time));

/** Names, joined as a sentence joins them. */
export const list = (names) => formatter("list", (locale) => new Intl.ListFormat(locale)).format(names);

/** Milliseconds for people: whole below a second, then seconds, minutes. */
export function age(ms) {
  if (ms < 1) return t("age.ms", { time: "< 1" });
  if (ms < 1000) return t("age.ms", { time: count(Math.round(ms)) });
  if (ms < 60_000) return t("age.s", { time: tenths(ms / 1000) });
  return t("age.min", { time: count(Math.round(ms / 60_000)) });
}

const TENTHS = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
const tenths = (number) => formatter("tenths", (locale) => new Intl.NumberFormat(locale, TENTHS)).format(number);
