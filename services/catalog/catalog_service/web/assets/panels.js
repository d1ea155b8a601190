// The figures: charts, stock, lag per partition, dead letters.

import { $, age, colourOf, count, h, isOfALoadTest, oncePerFrame } from "./dom.js";
import { drawChart } from "./charts.js";

export function showPanels(model) {
  const freshness = () => {
    const { report, connected, catalogAnswers } = model;
    const database = report?.parts.find((part) => part.kind === "database");
    const [state, words] =
      !connected && !catalogAnswers ? ["down", "reconnecting …"]
      : !report ? ["degraded", "connecting …"]
      : database.state !== "up" ? ["down", "read database unavailable"]
      : !connected ? ["degraded", "reconnecting …"]
      : report.lag_ms ? [report.lag_ms < 1000 ? "up" : report.lag_ms < 10_000 ? "degraded" : "down", `up to ${age(report.lag_ms)} behind`]
      : ["up", "up to date"];
    $("fresh-dot").className = `dot ${state}`;
    $("fresh-text").textContent = words;
  };

  const charts = () => {
    const { seconds, report } = model;
    const last = seconds.at(-1);
    const total = report.legs.total;
    const [figure, unit] = total ? age(total.p50).match(/^(.*) (\D+)$/).slice(1) : ["–", ""];
    $("latency-figure").textContent = figure;
    $("latency-unit").textContent = unit ? `${unit} median` : "nothing in the last minute";
    $("rate-figure").textContent = count(last.count);
    drawChart($("latency-chart"), {
      seconds, unit: "ms",
      lines: [{ name: "median", tone: "latency", value: (each) => each.p50 }, { name: "99 of 100", tone: "tail", value: (each) => each.p99 }],
      sentence: total ? `Over the last minute the median was ${age(total.p50)}, 99 of 100 took at most ${age(total.p99)}.` : "Nothing was measured in the last minute.",
      nothing: "Place an order: the time until it is visible will be drawn here.",
    });
    drawChart($("rate-chart"), {
      seconds, unit: "",
      lines: [{ name: "changes became visible", tone: "rate", value: (each) => each.count }],
      sentence: `${last.count} changes became visible in the last second.`,
      nothing: "Nothing has changed for two minutes.",
    });
  };

  const stock = () => {
    const products = [...model.products.values()].filter((product) => !isOfALoadTest(product)).sort((a, b) => a.stock_available - b.stock_available).slice(0, 40);
    $("stock").replaceChildren(...products.map((product) => {
      const most = model.most.get(product.product_id);
      const few = product.stock_available <= 3;
      const share = (amount) => ({ width: `${(100 * amount) / most}%` });
      return h("li", { style: { "--own": colourOf(product.instance, model.instances) }, "data-product": product.product_id },
        h("span", { class: "name" }, h("span", { class: "chip", title: product.instance }), product.name),
        h("span", { class: few ? "count few" : "count" }, product.stock_available === 0 ? "sold out" : few ? `only ${product.stock_available} left` : count(product.stock_available)),
        h("span", { class: "track" }, h("span", { class: "left", style: share(product.stock_available) }), h("span", { class: "held", style: share(product.stock_reserved) })),
        h("span", { class: "note" }, `${product.instance} · ${count(product.stock_reserved)} reserved`));
    }));
  };

  const lag = () => {
    const { connectors, dead_letters: letters, parked, parts } = model.report;
    if (parts.some((part) => part.kind === "database" && part.state !== "up")) {
      $("lag").replaceChildren(h("p", {}, "The read database is unavailable: it holds these positions."));
      $("letters").replaceChildren(h("p", {}, "The read database holds them, too."));
      return;
    }
    const widest = Math.max(0, ...connectors.map((each) => each.partitions.length));
    const rows = connectors.map((each) => h("tr", {}, h("th", { scope: "row" }, each.connector),
      each.partitions.map((partition) => h("td", {},
        h("span", { class: partition.lag ? "cell behind" : "cell", title: `partition ${partition.partition}: next ${partition.next_offset}, end ${partition.end_offset ?? "?"}` },
          partition.lag === null ? "?" : count(partition.lag))))));
    $("lag").replaceChildren(connectors.length
      ? h("table", {}, h("caption", { class: "visually-hidden" }, "Lag in records by connector and partition"),
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "connector"), Array.from({ length: widest }, (_, number) => h("th", { scope: "col" }, `p${number}`)))),
        h("tbody", {}, rows))
      : h("p", {}, "The sink has not written anything yet."));
    $("letters").replaceChildren(letters
      ? h("ul", {}, h("p", {}, `${count(letters)} in all`), parked.map((each) =>
        h("li", {}, `${each.topic}/${each.partition} at ${each.offset}: ${each.error}`)))
      : h("p", {}, "None: every record was applied."));
  };

  const reported = oncePerFrame(() => { freshness(); charts(); lag(); });
  model.addEventListener("report", reported);
  model.addEventListener("connected", oncePerFrame(freshness));
  model.addEventListener("products", oncePerFrame(stock));
  model.addEventListener("instances", oncePerFrame(stock));
}
