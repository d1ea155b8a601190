// What happened, in plain words: how a report differs from those before it.

import { $, h } from "./dom.js";
import { age, clock, count } from "./format.js";
import { partName, said } from "./parts.js";
import { inEveryLanguage, t } from "./texts.js";

const KEPT = 40;
const STUCK_MS = 3000;
const CAUGHT_UP_MS = 500;

export function showEvents(model) {
  const place = $("happened");
  const told = []; // {at, tone, say}, the newest first: `say` gives the words, in whichever language is asked for

  const row = ({ at, tone, say }) => h("li", { class: tone }, h("time", {}, clock(at)), h("span", {}, say()));
  const tell = (say, tone = "") => {
    told.unshift({ at: Date.now(), tone, say });
    place.prepend(row(told[0]));
    if (told.length > KEPT) { told.pop(); place.lastElementChild.remove(); }
  };
  inEveryLanguage(() => place.replaceChildren(...told.map(row)));

  model.addEventListener("connected", () => {
    if (model.connected) tell(() => t("event.connected"), "good");
    else tell(() => t(model.catalogAnswers ? "event.interrupted" : "event.catalogAway"), "bad");
  });
  let controller = null; // of the brokers; between two of them there is none for a moment
  const readers = new Map(); // "connector topic/partition" → the worker that was last said to read it
  model.addEventListener("playground", ({ detail: { playground } }) => {
    const moved = playground ? movedReaders(readers, playground) : 0;
    if (moved) tell(() => t("event.readers", { n: moved, count: count(moved) }));
  });
  let behind = 0; // how far the picture fell behind since it was last up to date
  const leaders = new Map(); // "topic/partition" → the broker that was last said to lead it
  model.addEventListener("report", ({ detail: { before, report } }) => {
    if (before) for (const [say, tone] of changes(before, report)) tell(say, tone);
    const elected = controllerOf(report) ?? controller;
    if (controller && elected.name !== controller.name) tell(() => t("event.elected", { broker: partName(elected) }), "good");
    controller = elected;
    const moved = movedLeaders(leaders, report);
    if (moved) tell(() => t("event.leaders", { n: moved, count: count(moved) }));
    if (before && report.dead_letters > before.dead_letters) tell(() => t("event.deadLetter"), "bad");
    if (report.lag_ms >= STUCK_MS) {
      const { lag } = report;
      if (!behind) tell(() => t(standstill(lag)), "bad");
      behind = Math.max(behind, report.lag_ms);
    } else if (behind && report.lag_ms < CAUGHT_UP_MS) {
      const most = behind;
      tell(() => t("event.caughtUp", { age: age(most) }), "good");
      behind = 0;
    }
  });
}

const controllerOf = ({ parts }) => parts.find((part) => part.detail.startsWith("controller")) ?? null;

/** How many partitions have another leader than was last known; `known` learns of it. */
function movedLeaders(known, { connectors = [] }) {
  let moved = 0;
  for (const { topic, partitions } of connectors) {
    for (const { partition, leader } of partitions) {
      const place = `${topic}/${partition}`;
      if (leader === null || known.get(place) === leader) continue;
      if (known.has(place)) moved += 1;
      known.set(place, leader);
    }
  }
  return moved;
}

/** How many partitions another worker reads than was last known; `known` learns of it. */
function movedReaders(known, { readers }) {
  let moved = 0;
  for (const { connector, topic, partition, worker } of readers) {
    const lane = `${connector} ${topic}/${partition}`;
    if (known.has(lane) && known.get(lane) !== worker) moved += 1;
    known.set(lane, worker);
  }
  return moved;
}

/** Where changes wait: `lag` counts the records that Kafka has and the read database has not; null when nobody can tell. */
function standstill(lag) {
  return lag === 0 ? "event.noNews" : lag === null ? "event.unknown" : "event.standstill";
}

/** What to say of the parts that changed their state, each sentence once: pairs of what gives the words, and their tone. */
function changes(before, report) {
  const noBroker = report.parts.every((part) => part.kind !== "broker" || part.state === "down");
  const found = new Map();
  for (const part of report.parts) {
    const was = before.parts.find((each) => each.name === part.name);
    if (!was || was.state === part.state) continue;
    const down = { order: "event.orderDown", broker: noBroker ? "event.noBroker" : "event.brokerDown", sink: "event.sinkDown",
      connector: "event.connectorDown", database: "event.databaseDown" };
    const key = part.state === "up" ? "event.back" : part.state === "down" ? down[part.kind] : "event.degraded";
    const say = () => t(key, { name: partName(part), detail: said(part.detail) });
    found.set(say(), [say, part.state === "up" ? "good" : "bad"]);
  }
  return found.values();
}
