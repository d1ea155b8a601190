// A visitor's own writes and reads as a history: one write, and reads of it without and with its Consistency-Token, every
// one of them a request of its own. A read that was sent after the write had been answered and does not show it is stale.

import { command, inWords, readOrder } from "./commands.js";
import { $, h } from "./dom.js";
import { age, count } from "./format.js";
import { judged, saw } from "./reads.js";
import { inEveryLanguage, rich, t } from "./texts.js";
import { drawTimeline } from "./timeline.js";

const WAIT_S = 10;
const FIRST_PAUSE_MS = 4;
const LONGEST_PAUSE_MS = 1000;
const AFTERWARDS = new Set(["PENDING", "CONFIRMED"]); // statuses in which an order can still be cancelled

const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

export function showHistory(model) {
  let run = null; // {write, reads}: of the last write
  let busy = false;
  const tally = { plain: 0, stale: 0, token: 0, tokenStale: 0 };

  const draw = () => {
    $("history-verdict").replaceChildren(...(run && !busy ? findings(run, tally) : []));
    drawTimeline($("history"), run);
    drawButtons();
  };

  const drawButtons = () => {
    $("history-place").disabled = busy;
    $("history-cancel").disabled = busy || !run || !AFTERWARDS.has((model.orders.get(run.order_id) ?? run.write.order).status);
  };

  const add = (kind, read) => {
    run.reads.push(judged(run.write, kind, read));
    draw();
  };

  /** Without the token, again and again until the write is seen: what a client does that knows no better. */
  const readPlainly = async () => {
    const until = performance.now() + WAIT_S * 1000;
    for (let wait = FIRST_PAUSE_MS; ; wait = Math.min(2 * wait, LONGEST_PAUSE_MS)) {
      add("plain", await readOrder(run.order_id));
      if (run.reads.some((each) => each.kind === "plain" && each.version >= run.write.version) || performance.now() > until) return;
      await pause(wait);
    }
  };

  const readByToken = async () => add("token", await readOrder(run.order_id, { token: run.write.token, wait_s: WAIT_S }));

  const go = async (write) => {
    busy = true;
    $("history-error").hidden = true;
    try {
      const { order, token, began, ended } = await write();
      run = { order_id: order.order_id, instance: order.instance, write: { order, token, began, ended, version: order.version }, reads: [] };
      const reading = Promise.all([readPlainly(), readByToken()]); // sent before anything is drawn: at once is at once
      draw();
      await reading;
      countIn(tally, run.reads);
      model.dispatchEvent(new Event("placed"));
    } catch (error) {
      $("history-error").hidden = false;
      $("history-error").textContent = inWords(error);
    } finally {
      busy = false;
      draw();
    }
  };

  $("history-place").addEventListener("click", () => {
    const { instance, content, mistake } = model.draft();
    $("history-error").hidden = !mistake;
    $("history-error").textContent = mistake ? t(mistake) : "";
    if (!mistake) go(() => command(instance, "/orders", { content, key: crypto.randomUUID() }));
  });
  $("history-cancel").addEventListener("click", () => {
    const { instance, order_id } = run;
    go(() => command(instance, `/orders/${encodeURIComponent(order_id)}/cancel`, { key: crypto.randomUUID() }));
  });
  model.addEventListener("order", ({ detail }) => { if (run?.order_id === detail.order.order_id) drawButtons(); });
  inEveryLanguage(draw);
}

function countIn(tally, reads) {
  for (const { kind, verdict } of reads) {
    tally[kind] += 1;
    if (verdict === "stale") tally[kind === "plain" ? "stale" : "tokenStale"] += 1;
  }
}

function findings({ write, reads }, tally) {
  const plain = reads.filter((each) => each.kind === "plain");
  const stale = plain.filter((each) => each.verdict === "stale");
  const first = stale[0] ?? plain[0];
  const after = first ? age(first.began - write.ended) : "";
  const lines = [stale.length
    ? rich("history.staleReads", { n: stale.length, count: count(stale.length), after, saw: saw(stale[0]), version: write.version })
    : rich("history.lucky", { after })];
  if (!plain.some((each) => each.verdict === "fresh")) lines.push(rich("history.neverSeen"));
  const byToken = reads.find((each) => each.kind === "token");
  const time = age(byToken.ended - byToken.began);
  const keys = { fresh: "history.tokenFresh", refused: "history.tokenRefused" };
  lines.push(rich(keys[byToken.verdict] ?? "history.tokenStale", { version: write.version, time, status: byToken.status }));
  lines.push(rich("history.tally", Object.fromEntries(Object.entries(tally).map(([name, number]) => [name, count(number)]))));
  return lines.map((line, number) => h("p", { class: number === lines.length - 1 ? "tally" : "" }, line));
}
