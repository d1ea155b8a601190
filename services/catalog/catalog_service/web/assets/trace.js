// What one order has left behind along its way, side by side: at its instance, in Kafka, in the read database.

import { $, ask, h, linkOut } from "./dom.js";
import { moment } from "./format.js";
import { letter } from "./letters.js";
import { brokerName } from "./parts.js";
import { inEveryLanguage, rich, t } from "./texts.js";

const SIDES = { commit: "write", relay: "write", kafka: "record", take: "row", apply: "row" };

export function showTrace(model) {
  let shown = null; // {order_id, instance, leg, chosen, state, trace}: `chosen` is the number of the event that is looked at
  let words = () => t("trace.nothing");

  const say = (what) => {
    words = what;
    $("trace-said").textContent = words();
  };

  const draw = () => {
    $("trace-said").textContent = words();
    if (!shown?.state) { $("trace").replaceChildren(); return; }
    const focused = $("trace").contains(document.activeElement) ? document.activeElement.dataset.keep : null;
    $("trace").replaceChildren(heading(), sides(model, shown));
    if (focused) $("trace").querySelector(`[data-keep="${focused}"]`)?.focus();
  };

  const heading = () => {
    const events = (shown.trace.value?.records ?? []).map((record, number) => h("button", { type: "button", "data-keep": `event-${number}`,
      "aria-pressed": String(number === shown.chosen), onclick: () => { shown.chosen = number; draw(); } },
      t("trace.event", { version: payloadOf(record)?.version ?? "?", kind: record.headers.ce_type ?? "?" })));
    return h("div", { class: "toolbar", role: "group", "aria-label": t("trace.events") }, events,
      h("button", { type: "button", "data-keep": "again", onclick: () => look() }, t("trace.again")));
  };

  const look = async () => {
    const asked = shown;
    const [state, trace] = await Promise.all([
      ask(`/instances/${encodeURIComponent(asked.instance)}/orders/${encodeURIComponent(asked.order_id)}`),
      ask(`/orders/${encodeURIComponent(asked.order_id)}/trace`),
    ]);
    if (shown !== asked) return;
    Object.assign(shown, { state, trace });
    words = () => conclusion(asked);
    draw();
  };

  const open = (order_id, leg) => {
    shown = { order_id, instance: order_id.slice(0, order_id.lastIndexOf("-")), leg, chosen: 0, state: null, trace: null };
    say(() => t("trace.loading"));
    look();
  };

  model.addEventListener("inspect", ({ detail: { order, leg } }) => {
    if (order) open(order.order_id, leg);
    else say(() => t("trace.noOrder"));
  });
  model.addEventListener("opened", ({ detail: { name, values } }) => { if (name === "trace" && values.order) open(values.order, values.leg); });
  model.addEventListener("order", ({ detail }) => { if (shown && detail.order.order_id === shown.order_id) look(); });
  inEveryLanguage(draw);
}

/** The line above the three sides. */
function conclusion({ order_id, trace }) {
  if (trace.status === 404) return `${order_id} · ${t("trace.notFound")}`;
  if (trace.missing) return `${order_id} · ${t(`missing.${trace.missing}`)}`;
  return trace.value.complete ? order_id : `${order_id} · ${t("trace.incomplete")}`;
}

function sides(model, shown) {
  const trace = shown.trace.value ?? { records: [], row: null, history: [], dead_letters: [] };
  const record = trace.records[shown.chosen] ?? null;
  const side = (name, children) => h("section", { class: SIDES[shown.leg] === name ? "side chosen" : "side", "data-side": name },
    h("h3", {}, t(`trace.${name}`)), children);
  return h("div", { class: "sides" },
    side("write", writeSide(shown, record)), side("record", recordSide(model, record)), side("row", rowSide(shown, trace, record)));
}

function writeSide({ order_id, instance, state }, record) {
  const [number] = /\d+$/.exec(record?.headers.ce_id ?? "") ?? [];
  return [
    h("p", { class: "asked" }, h("code", {}, `${instance}: GET /orders/${order_id}`)),
    h("h4", {}, t("trace.state", { instance })),
    state.missing ? h("p", {}, t(`missing.${state.missing}`, { instance })) : json(state.value, t("trace.state", { instance })),
    h("p", {}, number ? t("trace.outbox", { number, instance }) : t("trace.outboxWaits", { instance })),
  ];
}

function recordSide(model, record) {
  if (!record) return [h("p", {}, t("trace.noRecord"))];
  const value = parsed(record.value);
  const leader = leaderOf(model.report, record);
  return [
    h("p", { class: "asked" }, h("code", {}, t("trace.place", record))),
    h("p", {}, rich("trace.time", { time: h("time", {}, moment(record.timestamp_ms)) }), leader ? ` · ${t("trace.leader", { broker: leader })}` : ""),
    h("h4", {}, t("trace.key")), json(parsed(record.key)?.payload ?? record.key, t("trace.key")),
    h("h4", {}, t("trace.headers")), json(record.headers, t("trace.headers")),
    record.trace_url ? h("p", {}, linkOut(record.trace_url, t("trace.store"))) : null,
    h("h4", {}, t("trace.value")), json(value?.payload ?? record.value, t("trace.value")),
    value?.schema ? h("details", {}, h("summary", {}, t("trace.schema")), json(value.schema, t("trace.schema"))) : null,
  ];
}

function rowSide({ order_id }, { row, history, dead_letters: letters }, record) {
  const version = payloadOf(record)?.version;
  const readers = record?.readers ?? [];
  return [
    h("p", { class: "asked" }, h("code", {}, `SELECT * FROM orders WHERE order_id = '${order_id}'`)),
    h("h4", {}, t("trace.rowState", { table: "orders" })),
    row ? json(row, t("trace.rowState", { table: "orders" })) : h("p", {}, t("trace.noRow")),
    ...(version ? ofVersion(row, history, version) : []),
    record ? h("ul", {}, readers.map((each) => h("li", {}, t(each.is_past ? "trace.reader" : "trace.readerBefore", { connector: each.connector, offset: each.next_offset })))) : null,
    record && !readers.length ? h("p", {}, t("trace.noReader")) : null,
    letters.length ? h("ul", { class: "letters" }, letters.map((each) => letter(each))) : null,
  ];
}

/** How the rows stand to a record of this version. */
function ofVersion(row, history, version) {
  const name = t("trace.history", { table: "order_history", version });
  const past = history.find((each) => each.version === version);
  const further = !row || row.version === version ? null : row.version < version ? t("trace.older", { row: row.version, version }) : t("trace.newer", { row: row.version });
  return [
    further && h("p", {}, further),
    h("h4", {}, name),
    past ? json(past, name) : h("p", {}, t("trace.noHistory", { version })),
  ];
}

/** JSON as it is read best; it can be scrolled by the keyboard. */
function json(value, name) {
  return h("pre", { tabindex: "0", role: "group", "aria-label": name }, typeof value === "string" ? value : JSON.stringify(value, null, 2));
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const payloadOf = (record) => (record ? parsed(record.value)?.payload ?? null : null);

function leaderOf(report, { topic, partition }) {
  const place = report?.connectors.find((each) => each.topic === topic)?.partitions.find((each) => each.partition === partition);
  return place && place.leader !== null ? brokerName(place.leader) : null;
}
