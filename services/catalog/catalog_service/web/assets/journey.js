// An order's way, step by step: what is known, and no more. A leg's time is known when its change was seen live.

import { colourOf, h, linkOut, way } from "./dom.js";
import { age } from "./format.js";
import { reasonName, statusName } from "./parts.js";
import { t } from "./texts.js";

const LEGS = ["relay", "kafka", "take", "apply"];

/** Draws `mine` ({order, instance, trace, answered, read}, or null) into `place`; what has not changed stays, and keeps the focus. */
export function drawJourney(place, model, mine) {
  const steps = mine ? stepsOf(model, mine) : [];
  const sum = mine ? summary(model, mine) : "";
  const content = JSON.stringify([mine?.order.order_id, mine?.instance, steps, sum]);
  if (place.dataset.drawn === content) return;
  place.dataset.drawn = content;
  if (!mine) { place.replaceChildren(); return; }
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.leg : null;
  const style = { "--own": colourOf(mine.instance, model.instances) };
  const items = steps.map(({ leg, done, words, time, share }) => h("li", { class: done ? "done" : "", style },
    h("span", { class: "tick", "aria-hidden": "true" }, done ? "✓" : "○"),
    way(model.looksInside, { "data-leg": leg }, words, () => model.inspect(mine.order, leg)),
    h("span", { class: "ms" }, time),
    share ? h("span", { class: "bar", style: { width: `${share}%` } }) : null));
  place.replaceChildren(h("p", { class: "id" }, mine.order.order_id), h("ol", {}, items), sum ? h("p", { class: "sum" }, sum) : "",
    mine.trace && model.looksInside ? h("p", {}, linkOut(mine.trace, t("journey.trace"))) : "");
  if (focused) place.querySelector(`[data-leg="${focused}"]`)?.focus();
}

function stepsOf(model, { order, instance, answered, read }) {
  const made = model.latencies.get(`${order.order_id}:1`);
  const first = { leg: "commit", done: true, words: t("journey.committed", { instance }), time: age(answered) };
  if (made) {
    return [first, ...LEGS.filter((leg) => made[leg] !== null).map((leg) => ({
      leg, done: true, words: t(`journey.${leg}`), time: made[leg] < 1 ? age(made[leg]) : `+${age(made[leg])}`,
      share: made.total ? Math.max(1, (100 * made[leg]) / made.total) : 0,
    }))];
  }
  const visible = read !== undefined || model.orders.has(order.order_id);
  return [first, visible ? { leg: "apply", done: true, words: t("journey.apply"), time: "" }
    : { leg: "kafka", done: false, words: t("journey.onItsWay"), time: "…" }];
}

function summary(model, { order, read }) {
  const made = model.latencies.get(`${order.order_id}:1`);
  const now = model.orders.get(order.order_id) ?? order;
  if (!made && read === undefined && !model.orders.has(order.order_id)) return "";
  const status = statusName(now.status);
  return [
    made ? t("journey.visibleIn", { time: age(made.total) }) : t("journey.visible"),
    read === undefined ? "" : t("journey.byToken", { time: age(read) }),
    now.reason ? t("journey.nowBecause", { status, reason: reasonName(now.reason, model.products) }) : t("journey.now", { status }),
  ].filter(Boolean).join(" ");
}
