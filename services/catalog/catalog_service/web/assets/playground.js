// The playground: a switch for each fault, spare sink workers, random faults by a seed, and the auditor's verdict.
// What is shown is what the control says of the system, whoever has changed it.

import { ask } from "./control.js";
import { $, h } from "./dom.js";
import { clock, count } from "./format.js";
import { partLabel, placeLabel } from "./parts.js";
import { inEveryLanguage, t } from "./texts.js";
import { drawVerdict } from "./verdict.js";

const LASTING = { stop: "stopped", pause: "paused" }; // what a part is while the switch is on

/** Puts the view on the page and keeps it; once, where there is a playground. */
export function showPlayground(model) {
  $("playground-view").replaceWith($("playground-view").content.cloneNode(true));
  const rows = new Map(); // part → its row
  const faults = new Map(); // fault of the whole stack → its button
  let refused = "";

  const act = async (asked) => {
    refused = await ask(model, asked);
    draw();
  };
  const work = (asked) => () => act(asked());

  const draw = () => {
    const state = model.playground;
    $("play-said").textContent = refused || saidOf(state);
    $("play-said").classList.toggle("refused", refused !== "");
    for (const each of document.querySelectorAll("[data-plays]")) hold(each, !state || each.dataset.plays !== playOf(state));
    if (!state) return;
    drawParts(state, rows, act);
    drawFaults(state, faults, act);
    drawWorkers(state);
    drawSchedule(state);
    drawVerdict($("play-verdict"), state.results);
  };

  const schedule = () => ({ do: "schedule", seed: $("play-seed").valueAsNumber || 0, minutes: $("play-minutes").valueAsNumber || 1 });
  const buttons = { "play-heal": () => ({ do: "heal-all" }), "play-audit": () => ({ do: "audit" }), "play-add": () => ({ do: "add-worker" }),
    "play-remove": () => ({ do: "remove-worker" }), "play-end": () => ({ do: "end" }) };
  for (const [id, asked] of Object.entries(buttons)) press($(id), work(asked));
  $("play-random").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!isHeld($("play-start"))) act(schedule());
  });
  model.addEventListener("playground", draw);
  inEveryLanguage(draw);
}

/** Which buttons may be pressed now: those of a stack at rest, or those that end what is going on. */
const playOf = ({ work }) => (work === null ? "idle" : "busy");

/** A button that cannot be pressed now keeps the focus and says so. */
export function hold(button, yes) {
  button.setAttribute("aria-disabled", yes);
}
const isHeld = (button) => button.getAttribute("aria-disabled") === "true";

export function press(button, done) {
  button.addEventListener("click", () => { if (!isHeld(button)) done(); });
}

function saidOf(state) {
  if (!state) return t("play.noAnswer");
  if (state.work) return t("play.working", { work: t(`play.work.${state.work.name}`), since: clock(state.work.began_ms) });
  const away = state.parts.filter((part) => part.state !== "ready").length + state.faults.filter((fault) => fault.on).length + state.links.filter((link) => link.fault).length;
  return away ? t("play.broken", { n: away, count: count(away) }) : t("play.whole");
}

function drawParts(state, rows, act) {
  for (const [name, row] of rows) if (!state.parts.some((part) => part.name === name)) { row.item.remove(); rows.delete(name); }
  for (const part of state.parts) {
    if (!rows.has(part.name)) rows.set(part.name, partRow(part, act));
    const row = rows.get(part.name);
    const after = state.parts.slice(0, state.parts.indexOf(part)).at(-1);
    if (after ? rows.get(after.name).item.nextSibling !== row.item : $("play-parts").firstChild !== row.item) {
      if (after) rows.get(after.name).item.after(row.item); else $("play-parts").prepend(row.item);
    }
    row.update(part, state.work !== null);
  }
}

/** One part with its switches, made once: they keep the focus while its state changes. */
function partRow({ name, verbs }, act) {
  let on = false;
  const label = h("span", { class: "name" });
  const said = h("span", { class: "said" });
  const dot = h("span", { class: "dot" });
  const switches = new Map(verbs.map((verb) => [verb, h("button", { type: "button" })]));
  for (const [verb, button] of switches) {
    press(button, () => act(button.getAttribute("aria-pressed") === "true" ? { do: "heal", name } : { do: verb, part: name }));
  }
  const group = h("span", { class: "toolbar", role: "group" }, [...switches.values()]);
  const update = ({ state }, busy) => {
    on = state === "ready";
    dot.className = `dot ${on ? "up" : state in { stopped: 1, failed: 1 } ? "down" : "degraded"}`;
    label.textContent = partLabel(name);
    said.textContent = t(`play.state.${state}`);
    group.setAttribute("aria-label", partLabel(name));
    for (const [verb, button] of switches) {
      const pressed = state === LASTING[verb];
      button.textContent = t(`play.verb.${verb}`);
      if (verb in LASTING) button.setAttribute("aria-pressed", pressed);
      hold(button, busy || !(on || pressed));
    }
  };
  return { item: h("li", { "data-part": name }, h("span", { class: "who" }, dot, label, said), group), update };
}

function drawFaults(state, buttons, act) {
  for (const { name, lasting, on } of state.faults) {
    if (!buttons.has(name)) {
      const button = h("button", { type: "button", "data-fault": name });
      press(button, () => act(button.getAttribute("aria-pressed") === "true" ? { do: "heal", name } : { do: "fault", name }));
      buttons.set(name, button);
      $("play-faults").append(h("li", {}, button, h("span", { class: "said" })));
    }
    const button = buttons.get(name);
    button.textContent = t(`play.fault.${name}`);
    button.nextSibling.textContent = t(`play.says.${name}`);
    if (lasting) button.setAttribute("aria-pressed", on);
    hold(button, state.work !== null);
  }
}

function drawWorkers({ workers, work, results }) {
  $("play-workers").textContent = t("play.workers", { n: workers.running.length, count: count(workers.running.length), names: workers.running.join(", ") });
  hold($("play-add"), work !== null || workers.running.length >= workers.most);
  hold($("play-remove"), work !== null || workers.running.length <= 1);
  const failed = [results["add-worker"], results["remove-worker"]].filter((each) => each?.error).sort((a, b) => b.at_ms - a.at_ms)[0];
  $("play-workers-said").textContent = failed?.error ?? "";
}

function drawSchedule({ schedule, at_ms: now, failed }) {
  const at = schedule ? (now - schedule.began_ms) / 1000 : 0;
  const items = schedule?.faults.map((fault) => {
    const stage = at < fault.at_s ? "ahead" : at < fault.at_s + fault.lasts_s ? "now" : "past";
    return h("li", { class: stage, "aria-current": stage === "now" ? "step" : null }, t("play.scheduled", { second: count(Math.round(fault.at_s)),
      fault: t(`play.kind.${fault.kind.split("-")[0]}`), part: placeLabel(fault.part || "postgres") }));
  }) ?? [];
  $("play-schedule").replaceChildren(...items);
  $("play-failed").replaceChildren(...failed.map((line) => h("li", {}, t("play.notDone", { line }))));
}
