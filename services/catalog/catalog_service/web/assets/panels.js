// The figures: freshness, charts, stock, dead letters.

import { drawChart } from "./charts.js";
import { $, colourOf, h, isOfALoadTest, oncePerFrame } from "./dom.js";
import { age, count } from "./format.js";
import { drawLetters } from "./letters.js";
import { inEveryLanguage, t } from "./texts.js";

const FEW = 3;
const LARGEST_BAR = 1000; // a bar of a larger stock would never be seen to move
const MOST_PRODUCTS = 40;

export function showPanels(model) {
  const freshness = () => {
    const [state, words] = freshnessOf(model);
    $("fresh-dot").className = `dot ${state}`;
    $("fresh-text").textContent = words;
  };
  const stock = () => drawStock(model);
  const reported = () => {
    freshness();
    if (!model.report) return;
    drawCharts(model);
    letters();
  };
  const letters = () => { if (model.report) drawLetters(model); };
  model.addEventListener("report", oncePerFrame(reported));
  model.addEventListener("connected", oncePerFrame(freshness));
  model.addEventListener("playground", oncePerFrame(letters));
  model.addEventListener("products", oncePerFrame(stock));
  model.addEventListener("instances", oncePerFrame(stock));
  inEveryLanguage(() => { reported(); stock(); });
}

function freshnessOf({ report, connected, catalogAnswers }) {
  if (!connected && !catalogAnswers) return ["down", t("fresh.reconnecting")];
  if (!report) return ["degraded", t("fresh.connecting")];
  if (report.parts.some((part) => part.kind === "database" && part.state !== "up")) return ["down", t("fresh.noDatabase")];
  if (!connected) return ["degraded", t("fresh.reconnecting")];
  if (!report.lag_ms) return ["up", t("fresh.upToDate")];
  return [report.lag_ms < 1000 ? "up" : report.lag_ms < 10_000 ? "degraded" : "down", t("fresh.behind", { age: age(report.lag_ms) })];
}

function drawCharts({ seconds, report }) {
  const last = seconds.at(-1);
  const { total } = report.legs;
  $("latency-figure").textContent = total ? age(total.p50) : "–";
  $("latency-unit").textContent = t(total ? "latency.median" : "leg.none");
  $("rate-figure").textContent = count(last.count);
  drawChart($("latency-chart"), {
    seconds,
    lines: [{ name: t("latency.medianLine"), tone: "latency", value: (each) => each.p50 }, { name: t("latency.tailLine"), tone: "tail", value: (each) => each.p99 }],
    sentence: total ? t("latency.sentence", { p50: age(total.p50), p99: age(total.p99) }) : t("latency.noSentence"),
    nothing: t("latency.nothing"),
  });
  drawChart($("rate-chart"), {
    seconds,
    lines: [{ name: t("rate.line"), tone: "rate", value: (each) => each.count }],
    sentence: t("rate.sentence", { n: last.count, count: count(last.count) }),
    nothing: t("rate.nothing"),
  });
}

function drawStock(model) {
  const products = [...model.products.values()].filter((product) => !isOfALoadTest(product))
    .sort((a, b) => a.stock_available - b.stock_available).slice(0, MOST_PRODUCTS);
  $("stock").replaceChildren(...products.map((product) => {
    const { stock_available: available, stock_reserved: reserved, instance } = product;
    const share = (amount) => ({ width: `${(100 * amount) / model.most.get(product.product_id)}%` });
    const left = available === 0 ? t("stock.soldOut") : available <= FEW ? t("stock.few", { count: available }) : count(available);
    return h("li", { style: { "--own": colourOf(instance, model.instances) }, "data-product": product.product_id },
      h("span", { class: "name" }, h("span", { class: "chip", title: instance }), product.name),
      h("span", { class: available <= FEW ? "count few" : "count" }, left),
      model.most.get(product.product_id) > LARGEST_BAR ? null : h("span", { class: "track" }, h("span", { class: "left", style: share(available) }), h("span", { class: "held", style: share(reserved) })),
      h("span", { class: "note" }, t("stock.note", { instance, count: count(reserved) })));
  }));
}
