// The same question to one instance and to the one picture, side by side.

import { $, clock, colourOf, euros, h, oncePerFrame } from "./dom.js";

const SHOWN = 30;

export function showViews(model) {
  let instance = null;
  let user = "";
  let one = null; // the instance's answer; null while it does not answer
  let all = [];
  let asking = false;
  let again = false;

  const row = (order, fresh) => {
    const lines = order.lines.map((line) => `${line.quantity} × ${model.products.get(line.product_id)?.name ?? line.product_id}`);
    return h("li", { class: fresh ? "fresh" : "", style: { "--own": colourOf(order.instance, model.instances) }, "data-order": order.order_id },
      h("div", { class: "row" }, h("span", { class: "what" }, lines.join(", ")), h("span", {}, euros(order.total_cents))),
      h("div", { class: "row" }, h("span", {}, `${order.instance} · ${order.status.toLowerCase()}`), h("time", { datetime: order.placed_at }, clock(order.placed_at))));
  };

  const list = (place, orders, nothing) => {
    const before = new Set([...place.children].map((child) => child.dataset.order));
    const rows = orders.slice(0, SHOWN).map((order) => row(order, before.size > 0 && !before.has(order.order_id)));
    place.replaceChildren(...(rows.length ? rows : [h("li", { class: "empty" }, nothing)]));
  };

  const draw = oncePerFrame(() => {
    $("views-user").textContent = user || "…";
    $("view-one-title").textContent = instance ? `${instance} alone` : "One instance alone";
    $("view-one-asked").textContent = `${instance}: GET /orders?user_id=${user}`;
    $("view-all-asked").textContent = `catalog: GET /orders?user_id=${user}`;
    list($("view-one"), one ?? [], one ? `${instance} has never heard of ${user}.` : `${instance} does not answer.`);
    list($("view-all"), all, `Nobody has sold anything to ${user} yet.`);
    const more = all.length === SHOWN ? "+" : "";
    $("views-verdict").textContent =
      one === null ? `${instance} is away. The one picture still shows ${all.length}${more}.`
      : all.length === 0 ? "Place an order, then another one on another instance."
      : one.length < all.length ? `${instance} knows ${one.length} of them. The one picture shows ${all.length}${more}.`
      : `All of ${user}'s orders so far went to ${instance}. Place one elsewhere!`;
  });

  const ask = async () => {
    if (!instance || !user) return;
    if (asking) { again = true; return; }
    asking = true;
    const query = new URLSearchParams({ user_id: user });
    const [told, picture] = await Promise.all([
      answered(`/instances/${encodeURIComponent(instance)}/orders?${query}`),
      answered(`/orders?${query}&limit=${SHOWN}`),
    ]);
    one = told ? newestFirst(told.items ?? told) : null;
    if (picture) all = picture.items;
    draw();
    asking = false;
    if (again) { again = false; ask(); }
  };

  model.addEventListener("chosen", ({ detail }) => {
    if (detail.instance === instance && detail.user === user) return;
    ({ instance, user } = detail);
    ask();
  });
  model.addEventListener("placed", ask);
  model.addEventListener("order", ({ detail }) => { if (detail.order.user_id === user) ask(); });
  model.addEventListener("connected", ask);
  model.addEventListener("report", ({ detail: { before, report } }) => {
    const state = (of) => of?.parts.find((part) => part.name === instance)?.state;
    if (state(before) !== state(report)) ask();
  });
}

const newestFirst = (orders) => [...orders].sort((a, b) => b.placed_at.localeCompare(a.placed_at));

async function answered(address) {
  try {
    const answer = await fetch(address);
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}
