// What happened, in plain words: the difference between two reports.

import { $, age, clock, h } from "./dom.js";

const KEPT = 40;
const STUCK_MS = 3000;
const INSTANCE_DOWN = (name) => `${name} is down. Its database keeps what it committed; the one picture still shows all of it.`;

export function showHappened(model) {
  const tell = (words, tone = "") => {
    $("happened").prepend(h("li", { class: tone }, h("time", {}, clock(Date.now())), h("span", {}, words)));
    while ($("happened").children.length > KEPT) $("happened").lastElementChild.remove();
  };

  model.addEventListener("connected", () =>
    model.connected ? tell("Connected to the live stream.", "good") : tell("The query service is away. The page reconnects and goes on where it stopped.", "bad"));
  model.addEventListener("report", ({ detail: { before, report } }) => {
    if (!before) return;
    for (const part of report.parts) changes(before.parts.find((each) => each.name === part.name), part, tell);
    const [was, is] = [controller(before), controller(report)];
    if (is && was && is !== was) tell(`The brokers elected a new controller: ${is}.`, "good");
    if (report.dead_letters > before.dead_letters) tell("A record could not be applied and was parked as a dead letter. Its neighbours went on.", "bad");
    if (before.lag_ms < STUCK_MS && report.lag_ms >= STUCK_MS) tell("The picture has stopped moving: changes wait in Kafka, none is lost.", "bad");
    if (before.lag_ms >= STUCK_MS && report.lag_ms === 0) tell(`Caught up. The picture had fallen ${age(before.lag_ms)} behind, and nothing is missing.`, "good");
  });
}

const controller = ({ parts }) => parts.find((part) => part.detail.startsWith("controller"))?.name;

function changes(was, part, tell) {
  if (!was || was.state === part.state) return;
  if (part.state === "up") { tell(`${part.name} is back.`, "good"); return; }
  const words = {
    order: INSTANCE_DOWN(part.name),
    broker: part.name === "kafka" ? "No broker answers. Orders are still accepted; their events wait in the outboxes."
      : `${part.name} is down. The others hold copies of everything: no order waits.`,
    sink: "The sink is down. Orders are accepted and wait in Kafka; the picture stands still until it is back.",
    connector: `The connector ${part.name} does not run: ${part.detail}.`,
    database: "The read database is away. Orders are accepted and wait in Kafka.",
  };
  tell(part.state === "down" ? words[part.kind] : `${part.name}: ${part.detail}`, "bad");
}
