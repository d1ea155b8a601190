// The same question to one instance and to the one picture, side by side.

import { $, ask, clock, colourOf, euros, h, oncePerFrame } from "./dom.js";

const SHOWN = 30;

export function showViews(model) {
  let instance = null;
  let user = "";
  let one = { items: [] }; // the instance's answer, or what is `missing`
  let all = { items: [] };
  let asking = false;
  let again = false;

  const row = (order, fresh) => {
    const lines = order.lines.map((line) => `${line.quantity} × ${model.products.get(line.product_id)?.name ?? line.product_id}`);
    const classes = [fresh ? "fresh" : "", order.status === "REJECTED" ? "rejected" : ""].join(" ").trim();
    const state = [order.instance, order.status.toLowerCase(), order.reason].filter(Boolean).join(" · ");
    return h("li", { class: classes, style: { "--own": colourOf(order.instance, model.instances) }, "data-order": order.order_id },
      h("div", { class: "row" }, h("span", { class: "what" }, lines.join(", ")), h("span", {}, euros(order.total_cents))),
      h("div", { class: "row" }, h("span", { class: "what" }, state), h("time", { datetime: order.placed_at }, clock(order.placed_at))));
  };

  const list = (place, orders, nothing) => {
    const before = new Set([...place.children].map((child) => child.dataset.order));
    const rows = orders.slice(0, SHOWN).map((order) => row(order, before.size > 0 && !before.has(order.order_id)));
    place.replaceChildren(...(rows.length ? rows : [h("li", { class: "empty" }, nothing)]));
  };

  const verdict = () => {
    const more = all.items.length === SHOWN ? "+" : "";
    if (one.missing === "catalog" || all.missing === "catalog") return "The catalog does not answer, and this page asks through it. What is shown below is the last answer.";
    if (all.missing) return `${sentence(all)} What is shown below is the last answer.`;
    if (one.missing) return `${instance} is unavailable. The one picture still shows ${all.items.length}${more}.`;
    if (all.items.length === 0) return "Place an order, then another one at a different instance.";
    if (one.items.length < all.items.length) return `${instance} knows ${one.items.length} of them. The one picture shows ${all.items.length}${more}.`;
    return `All of ${user}’s orders so far went to ${instance}. Place one at another instance.`;
  };

  const draw = oncePerFrame(() => {
    $("views-user").textContent = user || "…";
    $("view-one-title").textContent = instance ? `${instance} alone` : "One instance alone";
    $("view-one-asked").textContent = `${instance}: GET /orders?user_id=${user}`;
    $("view-all-asked").textContent = `catalog: GET /orders?user_id=${user}`;
    list($("view-one"), one.items, one.missing ? sentence(one) : `${instance} knows no orders of ${user}.`);
    list($("view-all"), all.items, all.missing ? sentence(all) : `There are no orders of ${user} yet.`);
    $("views-verdict").textContent = verdict();
  });

  const sentence = ({ missing }) => ({
    catalog: "The catalog does not answer.",
    instance: `${instance} does not answer.`,
    database: "The read database is unavailable.",
  })[missing] ?? "The question could not be answered.";

  const askBoth = async () => {
    if (!instance || !user) return;
    if (asking) { again = true; return; }
    asking = true;
    const query = new URLSearchParams({ user_id: user });
    const asked = { instance, user };
    const [told, picture] = await Promise.all([
      ask(`/instances/${encodeURIComponent(instance)}/orders?${query}`),
      ask(`/orders?${query}&limit=${SHOWN}`),
    ]);
    asking = false;
    if (asked.instance === instance && asked.user === user) {
      one = told.missing ? { items: told.missing === "catalog" ? one.items : [], missing: told.missing } : { items: newestFirst(told.value.items ?? told.value) };
      all = picture.missing ? { items: all.items, missing: picture.missing } : { items: picture.value.items };
      draw();
    }
    if (again) { again = false; askBoth(); }
  };

  model.addEventListener("chosen", ({ detail }) => {
    if (detail.instance === instance && detail.user === user) return;
    if (detail.user !== user) { one = { items: [] }; all = { items: [] }; }
    ({ instance, user } = detail);
    askBoth();
  });
  model.addEventListener("placed", askBoth);
  model.addEventListener("order", ({ detail }) => { if (detail.order.user_id === user) askBoth(); });
  model.addEventListener("connected", askBoth);
  model.addEventListener("report", ({ detail: { before, report } }) => {
    const states = (of) => of?.parts.filter((part) => part.name === instance || part.kind === "database").map((part) => part.state).join();
    if (states(before) !== states(report)) askBoth();
  });
}

const newestFirst = (orders) => [...orders].sort((a, b) => b.placed_at.localeCompare(a.placed_at));
