// Dead letters: what could not be written, why, and how it is written again.

import { ask } from "./control.js";
import { $, h } from "./dom.js";
import { count, moment } from "./format.js";
import { knownText, rich, t } from "./texts.js";

let refused = ""; // why the last replay was not begun

/** Draws the report's dead letters; what has not changed stays, and keeps the focus. */
export function drawLetters(model) {
  const { report, playground } = model;
  const place = $("letters");
  const away = report.parts.some((part) => part.kind === "database" && part.state !== "up");
  const content = JSON.stringify([away, report.dead_letters, report.parked, playground && [playground.work !== null, playground.results.replay], refused, t("letters.none")]);
  if (place.dataset.drawn === content) return;
  place.dataset.drawn = content;
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.keep : null;
  place.replaceChildren(...(away ? [h("p", {}, t("letters.noDatabase"))] : listed(model)));
  if (focused) place.querySelector(`[data-keep="${focused}"]`)?.focus();
}

function listed(model) {
  const { report: { dead_letters: total, parked }, playground } = model;
  const said = playground ? [h("p", { role: "status" }, refused || replayed(playground.results.replay))] : [];
  if (!total) return [h("p", {}, t("letters.none")), ...said];
  const connectors = [...new Set(parked.map((each) => each.connector))];
  const how = playground ? connectors.map((connector) => replayButton(model, { connector }, t("letters.replayAll", { connector })))
    : connectors.map((connector) => h("p", {}, rich("letters.command", { connector: h("code", {}, `./demo dead-letters replay ${connector}`) })));
  return [h("p", {}, t("letters.total", { n: total, count: count(total) })), ...how, ...said,
    h("ul", {}, parked.map((each) => letter(each, playground ? replayButton(model, placeOf(each), t("letters.replay")) : null)))];
}

const placeOf = ({ connector, topic, partition, offset }) => ({ connector, topic, partition, offset });

function replayButton(model, place, words) {
  const idle = model.playground.work === null;
  const again = async () => {
    if (!idle) return;
    refused = await ask(model, { do: "replay", ...place });
    drawLetters(model);
  };
  const label = "offset" in place ? t("letters.replayOne", place) : null;
  return h("button", { type: "button", "data-keep": Object.values(place).join("/"), "aria-disabled": String(!idle), "aria-label": label, onclick: again }, words);
}

/** What the last replay led to. */
function replayed(result) {
  if (!result) return "";
  if (result.error) return result.error;
  const stays = result.stays?.length ?? 0;
  const written = t("letters.replayed", { n: result.delivered, count: count(result.delivered) });
  return stays ? `${written} ${t("letters.stay", { n: stays, count: count(stays), reason: result.stays[0] })}` : written;
}

/** A dead letter, of the report or of an order's trace. Its error is what the sink or the database has said, in their words. */
export function letter(each, action = null) {
  const stage = knownText(`stage.${each.stage}`, each.stage);
  return h("li", {}, h("p", {}, h("strong", {}, t("letters.place", each))), h("p", { class: "reason", lang: "en" }, each.error),
    h("p", { class: "meta" }, t("letters.meta", { connector: each.connector, stage, time: moment(each.parked_at) })), action);
}
