// The flow: a card for each part, lines between them, and every change as a dot that travels the whole way.

import { $, colourOf, h, oncePerFrame } from "./dom.js";
import { age, count } from "./format.js";
import { partName, said } from "./parts.js";
import { inEveryLanguage, t } from "./texts.js";

const TRAVEL_MS = 2200; // a few milliseconds in truth: shown in slow motion
const MAX_DOTS = 60;
const LEGS = ["relay", "kafka", "take", "apply", "total"];
const still = matchMedia("(prefers-reduced-motion: reduce)");

export function showFlow(model) {
  const canvas = $("flow-lines");
  const pen = canvas.getContext("2d");
  const cards = new Map(); // instance → its card
  const legs = legButtons((leg) => model.inspect(model.mine ?? model.newestOrder(), leg));
  const dots = [];
  let ways = new Map(); // instance → the curves of its whole way
  let running = false;

  const drawCards = () => {
    for (const instance of model.instances) {
      if (cards.has(instance)) continue;
      const card = h("article", { class: "node instance", style: { "--own": colourOf(instance, model.instances) } },
        h("h3", {}, h("span", { class: "dot" }), instance, h("span", { class: "own" })), h("p", { class: "said" }));
      cards.set(instance, card);
      $("flow-instances").append(card);
    }
    measure();
  };

  const drawStates = () => {
    const { report } = model;
    drawYou();
    if (!report) return;
    for (const part of report.parts) {
      const card = cards.get(part.name);
      if (!card) continue;
      setState(card, part.state);
      const placed = model.placedOn.get(part.name) ?? 0;
      card.querySelector(".own").textContent = t("flow.ownDatabase");
      card.querySelector(".said").textContent =
        part.state === "up" ? t("flow.orders", { n: placed, count: count(placed) }) : said(part.detail);
    }
    drawKafka(report);
    drawSink(report);
    drawDatabase(report);
    drawLegs(report, legs);
  };

  const drawYou = () => {
    const state = model.connected ? "up" : "degraded";
    const words = t(model.connected ? "you.reads" : model.catalogAnswers ? "you.waits" : "you.away");
    $("node-you").replaceChildren(h("h3", {}, h("span", { class: `dot ${state}` }), t("you.title")), h("p", {}, words));
  };

  const place = (element) => {
    const frame = $("flow").getBoundingClientRect();
    const box = element.getBoundingClientRect();
    return { left: box.left - frame.left, right: box.right - frame.left, top: box.top - frame.top, bottom: box.bottom - frame.top,
      x: (box.left + box.right) / 2 - frame.left, y: (box.top + box.bottom) / 2 - frame.top };
  };

  const measure = () => {
    const frame = $("flow").getBoundingClientRect();
    const sharp = devicePixelRatio || 1;
    canvas.width = frame.width * sharp;
    canvas.height = frame.height * sharp;
    pen.setTransform(sharp, 0, 0, sharp, 0, 0);
    const stops = ["node-kafka", "node-sink", "node-database", "node-you"].map((id) => place($(id)));
    const curve = (from, to) => {
      const beside = to.left >= from.right; // else below it: on a phone they stand in rows
      const [ax, ay, bx, by] = beside ? [from.right, from.y, to.left, to.y] : [from.x, from.bottom, to.x, to.top];
      const bend = beside ? (bx - ax) / 2 : (by - ay) / 2;
      return beside ? [ax, ay, ax + bend, ay, bx - bend, by, bx, by] : [ax, ay, ax, ay + bend, bx, by - bend, bx, by];
    };
    const shared = stops.slice(1).map((stop, index) => curve(stops[index], stop));
    ways = new Map([...cards].map(([instance, card]) => [instance, [curve(place(card), stops[0]), ...shared]]));
    paint();
  };

  const paint = () => {
    pen.clearRect(0, 0, canvas.width, canvas.height);
    const { color } = getComputedStyle(canvas);
    pen.lineWidth = 2;
    pen.setLineDash([]);
    let first = true;
    for (const [instance, way] of ways) {
      const down = cards.get(instance).classList.contains("down");
      pen.strokeStyle = color;
      pen.globalAlpha = 0.5;
      for (const [number, curve] of way.entries()) {
        if (number && !first) continue;
        pen.setLineDash(number === 0 && down ? [3, 7] : []);
        pen.beginPath();
        pen.moveTo(curve[0], curve[1]);
        pen.bezierCurveTo(...curve.slice(2));
        pen.stroke();
      }
      first = false;
    }
    pen.globalAlpha = 1;
    const now = performance.now();
    for (const dot of dots) {
      const part = Math.max(0, (now - dot.began) / TRAVEL_MS) * 4;
      const curve = ways.get(dot.instance)?.[Math.min(3, Math.floor(part))];
      if (!curve) continue;
      const [x, y] = at(curve, ease(part % 1));
      pen.fillStyle = dot.colour;
      pen.beginPath();
      pen.arc(x, y, dot.own ? 9 : 5, 0, 7);
      pen.fill();
      if (dot.own) { pen.globalAlpha = 0.25; pen.beginPath(); pen.arc(x, y, 16, 0, 7); pen.fill(); pen.globalAlpha = 1; }
    }
  };

  const tick = () => {
    const now = performance.now();
    while (dots.length && now - dots[0].began > TRAVEL_MS) dots.shift();
    paint();
    running = dots.length > 0;
    if (running) requestAnimationFrame(tick);
  };

  const travel = (instance, own) => {
    const card = cards.get(instance);
    if (!card) return;
    light(card, instance);
    if (still.matches || document.hidden || dots.length >= MAX_DOTS) return;
    const colour = getComputedStyle(card).borderLeftColor;
    dots.push({ instance, colour, own, began: performance.now() });
    if (!running) { running = true; requestAnimationFrame(tick); }
  };

  const light = (card, instance) => {
    card.style.setProperty("--lit", colourOf(instance, model.instances));
    card.classList.add("lit");
    clearTimeout(card.unlight);
    card.unlight = setTimeout(() => card.classList.remove("lit"), 600);
  };

  const soon = oncePerFrame(drawStates);
  model.addEventListener("instances", drawCards);
  model.addEventListener("report", soon);
  model.addEventListener("connected", soon);
  model.addEventListener("order", ({ detail }) => { if (detail.journey) travel(detail.order.instance, detail.order.order_id === model.mine?.order_id); });
  model.addEventListener("product", ({ detail }) => { if (detail.journey) travel(detail.product.instance, false); });
  new ResizeObserver(oncePerFrame(measure)).observe($("flow"));
  inEveryLanguage(drawStates);
}

function setState(card, state) {
  card.classList.toggle("down", state === "down");
  card.querySelector(".dot").className = `dot ${state}`;
}

function worst(parts) {
  return ["down", "degraded"].find((state) => parts.some((part) => part.state === state)) ?? "up";
}

function drawKafka({ parts }) {
  const brokers = parts.filter((part) => part.kind === "broker");
  const state = brokers.every((broker) => broker.state === "down") ? "down" : worst(brokers) === "up" ? "up" : "degraded";
  const node = $("node-kafka");
  node.classList.toggle("down", state === "down");
  node.replaceChildren(
    h("h3", {}, h("span", { class: `dot ${state}` }), t("kafka.title")),
    h("ul", { class: "brokers" }, brokers.map((broker) =>
      h("li", { class: `broker ${broker.state}` }, h("span", { class: `dot ${broker.state}` }), h("span", { class: "name" }, partName(broker)),
        broker.detail.startsWith("controller") ? h("span", { class: "role" }, t("kafka.controller"))
          : broker.state === "down" ? h("span", { class: "visually-hidden" }, ` ${t("kafka.down")}`) : null))));
}

function drawSink({ parts, lag }) {
  const worker = parts.filter((part) => part.kind === "sink" || part.kind === "connector");
  const trouble = worker.find((part) => part.state !== "up");
  const state = worst(worker);
  const node = $("node-sink");
  node.classList.toggle("down", state === "down");
  node.replaceChildren(
    h("h3", {}, h("span", { class: `dot ${state}` }), t("sink.title")),
    h("p", { class: "big" }, lag === null ? "?" : count(lag)),
    h("p", {}, t("sink.waiting", { n: lag ?? 0 })));
  if (trouble) node.append(h("p", {}, t("sink.trouble", { name: partName(trouble), detail: said(trouble.detail) })));
}

function drawDatabase({ parts, connectors, lag_ms }) {
  const part = parts.find((each) => each.kind === "database");
  // The positions of the connectors that write the two tables: how many changes they have applied, whoever has watched.
  const applied = connectors.filter((each) => each.connector === each.topic).flatMap((each) => each.partitions)
    .reduce((sum, partition) => sum + partition.next_offset, 0);
  const node = $("node-database");
  node.classList.toggle("down", part.state === "down");
  const words = part.state !== "up" ? said(part.detail) : lag_ms ? t("database.behind", { age: age(lag_ms) }) : t("fresh.upToDate");
  node.replaceChildren(
    h("h3", {}, h("span", { class: `dot ${part.state}` }), t("database.title")),
    h("p", { class: "big" }, part.state === "up" ? count(applied) : "?"),
    h("p", {}, t("database.applied")), h("p", {}, words));
}

/** A button for each leg, made once: it keeps the focus while its figures change. */
function legButtons(open) {
  const buttons = new Map(LEGS.map((leg) => [leg, h("button", { type: "button", onclick: () => open(leg) }, h("span", {}), h("strong", {}, "–"))]));
  $("legs").replaceChildren(...LEGS.map((leg) => h("li", { class: leg }, buttons.get(leg))));
  return buttons;
}

function drawLegs({ legs: figures }, buttons) {
  const together = !figures.take && figures.apply; // the sink did not say when it took them
  $("legs").style.setProperty("--legs", together ? LEGS.length - 1 : LEGS.length);
  for (const [leg, button] of buttons) {
    const found = figures[leg];
    button.parentElement.hidden = leg === "take" && together;
    button.firstElementChild.textContent = t(leg === "apply" && together ? "leg.both" : `leg.${leg}`);
    button.lastElementChild.textContent = found ? age(found.p50) : "–";
    button.title = found ? t("leg.tails", { n: found.count, p95: age(found.p95), p99: age(found.p99), count: count(found.count) }) : t("leg.none");
  }
}

function at([ax, ay, bx, by, cx, cy, dx, dy], t) {
  const u = 1 - t;
  const [p, q, r, v] = [u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t];
  return [p * ax + q * bx + r * cx + v * dx, p * ay + q * by + r * cy + v * dy];
}

const ease = (t) => t * t * (3 - 2 * t);
