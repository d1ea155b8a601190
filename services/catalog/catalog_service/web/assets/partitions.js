// The lanes of the topics: who leads each partition, and what of it the read database does not have yet.

import { $, h, oncePerFrame } from "./dom.js";
import { count } from "./format.js";
import { brokerName } from "./parts.js";
import { inEveryLanguage, t } from "./texts.js";

const MOST_MARKS = 24;
const MOVED_MS = 5000; // so long a lane that has another reader is marked

export function showPartitions(model) {
  const ends = new Map(); // "topic/partition" → where it ended when it was last drawn
  const by = new Map(); // "connector topic/partition" → the worker that read it when it was last drawn

  const draw = () => {
    const { report } = model;
    if (!report) return;
    const place = $("partitions");
    if (report.parts.some((part) => part.kind === "database" && part.state !== "up")) place.replaceChildren(h("p", {}, t("partitions.noDatabase")));
    else if (!report.connectors.length) place.replaceChildren(h("p", {}, t("partitions.notBegun")));
    else place.replaceChildren(...lanesOf(report, model.playground).map(([topic, lanes]) => table(topic, lanes, report, { ends, by })));
  };
  model.addEventListener("report", oncePerFrame(draw));
  inEveryLanguage(draw);
}

/**
 * Topics with their lanes: each what Kafka says of the partition, and the lag of every connector that reads it.
 * Where there is a playground, its control says which worker reads it for the connector.
 */
function lanesOf({ connectors }, playground) {
  const workers = new Map(playground?.readers.map((each) => [`${each.connector} ${each.topic}/${each.partition}`, each]));
  const topics = new Map();
  for (const { connector, topic, partitions } of connectors) {
    const lanes = topics.get(topic) ?? new Map();
    topics.set(topic, lanes);
    for (const { partition, leader, end_offset: end, lag } of partitions) {
      const lane = lanes.get(partition) ?? { partition, leader, end, readers: [] };
      lanes.set(partition, lane);
      lane.readers.push({ connector, lag, by: workers.get(`${connector} ${topic}/${partition}`) ?? null });
    }
  }
  return [...topics].map(([topic, lanes]) => [topic, [...lanes.values()].sort((a, b) => a.partition - b.partition)]);
}

function table(topic, lanes, report, seen) {
  const heads = ["partition", "leader", "lane", "end"].map((each) => h("th", { scope: "col" }, t(`partitions.${each}`)));
  return h("table", { class: "lanes" }, h("caption", {}, t("partitions.topic", { topic })), h("thead", {}, h("tr", {}, heads)),
    h("tbody", {}, lanes.map((lane) => row(topic, lane, report, seen))));
}

function row(topic, { partition, leader, end, readers }, report, { ends, by }) {
  const place = `${topic}/${partition}`;
  const lit = ends.has(place) && end > ends.get(place);
  ends.set(place, end ?? ends.get(place));
  return h("tr", { class: lit ? "lit" : "", "data-partition": place },
    h("th", { scope: "row" }, `p${partition}`),
    h("td", {}, leaderChip(leader, report)),
    h("td", { class: "lane" }, readers.map((reader) => marks(reader, place, by))),
    h("td", { class: "end", title: lit ? t("partitions.lit") : null }, end === null ? t("partitions.unknown") : count(end)));
}

function leaderChip(leader, { parts }) {
  if (leader === null) return h("span", { class: "leader none" }, t("partitions.noLeader"));
  const broker = parts.find((part) => part.kind === "broker" && part.name === `broker ${leader}`);
  return h("span", { class: `leader ${broker?.state ?? ""}`, "data-leader": leader }, brokerName(leader));
}

/** A mark for each record that waits for this connector, and their number; many are cut short. */
function marks({ connector, lag, by }, place, seen) {
  const worker = workerChip(by, `${connector} ${place}`, seen);
  if (lag === null) return h("span", { class: "reader" }, `${connector} ${t("partitions.unknown")}`, worker);
  const words = lag ? t("partitions.waiting", { n: lag, connector, count: count(lag) }) : t("partitions.none");
  return h("span", { class: lag ? "reader behind" : "reader", title: `${connector}: ${words}` },
    h("span", { class: "marks", "aria-hidden": "true" }, Array.from({ length: Math.min(lag, MOST_MARKS) }, () => h("i", {}))),
    lag ? words : h("span", { class: "quietly" }, connector, " ", "0"), worker);
}

/** The worker that reads it for the connector, marked while it is new there. */
function workerChip(by, lane, seen) {
  if (!by) return null;
  const moved = seen.has(lane) && seen.get(lane).worker !== by.worker;
  if (!seen.has(lane) || moved) seen.set(lane, { worker: by.worker, at: moved ? Date.now() : 0 });
  const fresh = Date.now() - seen.get(lane).at < MOVED_MS;
  return h("span", { class: fresh ? "by moved" : "by", "data-worker": by.worker, title: t("partitions.by", { worker: by.worker, task: by.task }) }, by.worker);
}
