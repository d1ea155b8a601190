// The auditor's verdict: every row and record compared, after an audit or after a run of random faults.

import { h } from "./dom.js";
import { clock, count } from "./format.js";
import { t } from "./texts.js";

/** Draws what `results` has of the last audit or schedule, whichever came last; what has not changed stays. */
export function drawVerdict(place, results) {
  const [name, verdict] = ["audit", "schedule"].map((each) => [each, results[each]]).filter(([, each]) => each)
    .sort(([, a], [, b]) => b.at_ms - a.at_ms)[0] ?? ["", null];
  const lines = verdict ? linesOf(name, verdict) : [];
  const content = JSON.stringify(lines.map(([, words]) => words));
  if (place.dataset.drawn === content) return;
  place.dataset.drawn = content;
  place.replaceChildren(...lines.map(([tone, words]) => h("p", { class: tone }, words)));
}

/** Pairs of a tone and a sentence. */
function linesOf(name, verdict) {
  const at = clock(verdict.at_ms);
  if (verdict.stopped) return [["", t("judged.stopped", { at })]];
  if (verdict.error) return [["bad", t("judged.error", { at, error: verdict.error })]];
  const rows = Object.values(verdict.counts).reduce((sum, each) => sum + each, 0);
  const head = t(verdict.clean ? "judged.clean" : "judged.violations", { at, asked: count(verdict.asked), rows: count(rows) });
  const run = name === "schedule" ? [["", t("judged.run", { seed: verdict.seed, n: verdict.struck, struck: count(verdict.struck), operations: count(verdict.operations) })]] : [];
  const findings = verdict.findings.map((each) =>
    ["bad", t("judged.finding", { invariant: each.invariant, meaning: each.meaning, n: each.count, count: count(each.count), sample: each.samples[0].join(": ") })]);
  return [[verdict.clean ? "good" : "bad", head], ...run, ...findings, ...(verdict.violations ?? []).map((each) => ["bad", each])];
}
