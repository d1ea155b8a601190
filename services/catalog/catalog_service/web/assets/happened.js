// What happened, in plain words: how a report differs from those before it.

import { $, age, clock, h } from "./dom.js";

const KEPT = 40;
const STUCK_MS = 3000;
const CAUGHT_UP_MS = 500;

export function showHappened(model) {
  const tell = (words, tone = "") => {
    $("happened").prepend(h("li", { class: tone }, h("time", {}, clock(Date.now())), h("span", {}, words)));
    while ($("happened").children.length > KEPT) $("happened").lastElementChild.remove();
  };

  model.addEventListener("connected", () => {
    if (model.connected) tell("Connected to the live stream.", "good");
    else if (model.catalogAnswers) tell("The live stream was interrupted. The page reconnects and continues where it stopped.", "bad");
    else tell("The query service is away. The page reconnects and continues where it stopped.", "bad");
  });
  let leader = null; // of the brokers; between two of them there is none for a moment
  let behind = 0; // how far the picture fell behind since it was last up to date
  model.addEventListener("report", ({ detail: { before, report } }) => {
    if (before) for (const [words, tone] of changes(before, report)) tell(words, tone);
    const elected = controller(report) ?? leader;
    if (leader && elected !== leader) tell(`The brokers elected a new controller: ${elected}.`, "good");
    leader = elected;
    if (before && report.dead_letters > before.dead_letters) tell("A record could not be applied and is now a dead letter. Its neighbours were applied.", "bad");
    if (report.lag_ms >= STUCK_MS) {
      if (!behind) tell(standstill(report), "bad");
      behind = Math.max(behind, report.lag_ms);
    } else if (behind && report.lag_ms < CAUGHT_UP_MS) {
      tell(`Caught up. The picture had fallen ${age(behind)} behind, and nothing is missing.`, "good");
      behind = 0;
    }
  });
}

const controller = ({ parts }) => parts.find((part) => part.detail.startsWith("controller"))?.name;

/** Where changes wait: `lag` counts the records that Kafka has and the read database has not; null when nobody can tell. */
function standstill({ lag }) {
  if (lag === 0) return "No news from Kafka: whatever was committed since waits in the outboxes of the instances. None is lost.";
  if (lag === null) return "Nobody can tell at the moment how far the picture is behind. Changes wait in Kafka or in the outboxes, none is lost.";
  return "The picture has stopped moving: changes wait in Kafka, none is lost.";
}

/** What to say of the parts that changed their state: sentence → tone, each sentence once. */
function changes(before, report) {
  const noBroker = report.parts.every((part) => part.kind !== "broker" || part.state === "down");
  const told = new Map();
  for (const part of report.parts) {
    const was = before.parts.find((each) => each.name === part.name);
    if (!was || was.state === part.state) continue;
    const down = {
      order: `${part.name} is down. Its database keeps what it committed; the one picture still shows all of it.`,
      broker: noBroker ? "No broker answers. Orders are still accepted; their events wait in the outboxes."
        : `${part.name} is down. The others hold copies of everything: no order waits.`,
      sink: "The sink is down. Orders are still accepted, and their events wait in Kafka. The picture stands still until it is back.",
      connector: `The connector ${part.name} does not run: ${part.detail}.`,
      database: "The read database is unavailable. Orders are still accepted, and their events wait in Kafka.",
    };
    if (part.state === "up") told.set(`${part.name} is back.`, "good");
    else told.set(part.state === "down" ? down[part.kind] : `${part.name}: ${part.detail}`, "bad");
  }
  return told;
}
