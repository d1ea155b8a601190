// One write and its reads, drawn as they began and ended: a lane for the write, one for each kind of read.

import { h } from "./dom.js";
import { age } from "./format.js";
import { saw } from "./reads.js";
import { t } from "./texts.js";

const MARKS = { fresh: "✓", stale: "✗", refused: "–" };
const TICKS = 5;

/** Draws `run` ({write, reads}, or null while nothing was written) into `place`. */
export function drawTimeline(place, run) {
  if (!run) {
    place.replaceChildren(h("p", { class: "nothing" }, t("history.nothing")));
    return;
  }
  const open = place.querySelector("details")?.open ?? false;
  const events = eventsOf(run);
  place.replaceChildren(chart(events), table(events, open));
}

/** The write and its reads, oldest first, in milliseconds since the write began. */
function eventsOf({ write, reads }) {
  const since = (time) => time - write.began;
  const of = (each) => ({ kind: each.kind, verdict: each.verdict, began: since(each.began), ended: since(each.ended), saw: saw(each),
    label: each.version ? t("history.sawShort", { version: each.version }) : "" });
  const written = { kind: "write", verdict: "", began: 0, ended: since(write.ended), saw: t("history.wrote", { version: write.version }),
    label: t("history.sawShort", { version: write.version }) };
  return [written, ...reads.map(of).sort((a, b) => a.began - b.began)];
}

function chart(events) {
  const end = Math.max(...events.map((each) => each.ended));
  const share = (ms) => `${(100 * ms) / end}%`;
  const bar = (each) => h("span", { class: `bar ${each.kind} ${each.verdict}`, title: `${t(`history.${each.kind}`)}: ${each.saw}`,
    style: { left: share(each.began), width: share(each.ended - each.began) } }, `${MARKS[each.verdict] ?? ""} ${each.label}`.trim());
  const lanes = ["write", "plain", "token"].map((kind) => h("div", { class: "timelane" }, h("span", { class: "name" }, t(`history.${kind}`)),
    h("span", { class: "track" }, events.filter((each) => each.kind === kind).map(bar),
      h("span", { class: "answered", style: { left: share(events[0].ended) } }))));
  const ticks = Array.from({ length: TICKS }, (_, number) => (end * number) / (TICKS - 1));
  return h("div", { class: "timeline", role: "img", "aria-label": t("history.chart") }, lanes,
    h("div", { class: "timelane axis" }, h("span", { class: "name" }), h("span", { class: "track" }, ticks.map((ms) => h("span", { class: "tick", style: { left: share(ms) } }, age(ms))))));
}

function table(events, open) {
  const heads = ["what", "began", "ended", "saw", "verdict"].map((each) => h("th", { scope: "col" }, t(`history.column.${each}`)));
  const rows = events.map((each) => h("tr", { class: each.verdict }, h("th", { scope: "row" }, t(`history.${each.kind}`)),
    [each.began, each.ended].map((ms) => h("td", {}, age(ms))), h("td", {}, each.saw),
    h("td", {}, each.verdict ? `${MARKS[each.verdict]} ${t(`history.${each.verdict}`)}` : "")));
  return h("details", { open }, h("summary", {}, t("history.table")),
    h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, heads)), h("tbody", {}, rows))));
}
