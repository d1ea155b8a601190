// The same question to one instance and to the one picture, side by side.

import { $, ask, colourOf, h, oncePerFrame, way } from "./dom.js";
import { clock, count, euros } from "./format.js";
import { reasonName, statusName } from "./parts.js";
import { inEveryLanguage, rich, t } from "./texts.js";

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
    const what = lines.join(", ");
    const classes = [fresh ? "fresh" : "", order.status === "REJECTED" ? "rejected" : ""].join(" ").trim();
    const state = [order.instance, statusName(order.status), order.reason && reasonName(order.reason, model.products)].filter(Boolean).join(" · ");
    return h("li", { class: classes, style: { "--own": colourOf(order.instance, model.instances) }, "data-order": order.order_id },
      h("div", { class: "row" },
        way(model.looksInside, { class: "what", "aria-label": t("views.open", { what }) }, what, () => model.inspect(order, "total")),
        h("span", {}, euros(order.total_cents))),
      h("div", { class: "row" }, h("span", { class: "what" }, state), h("time", { datetime: order.placed_at }, clock(order.placed_at))));
  };

  const list = (place, orders, nothing) => {
    const before = new Set([...place.children].map((child) => child.dataset.order));
    const focused = place.contains(document.activeElement) ? document.activeElement.closest("[data-order]")?.dataset.order : null;
    const rows = orders.slice(0, SHOWN).map((order) => row(order, before.size > 0 && !before.has(order.order_id)));
    place.replaceChildren(...(rows.length ? rows : [h("li", { class: "empty" }, nothing)]));
    if (focused) rows.find((each) => each.dataset.order === focused)?.querySelector("button")?.focus();
  };

  const verdict = () => {
    const more = `${count(all.items.length)}${all.items.length === SHOWN ? "+" : ""}`;
    if (one.missing === "catalog" || all.missing === "catalog") return t("verdict.catalogAway");
    if (all.missing) return t("verdict.last", { why: sentence(all) });
    if (one.missing) return t("verdict.oneAway", { instance, all: more });
    if (all.items.length === 0) return t("verdict.start");
    if (one.items.length < all.items.length) return t("verdict.fewer", { instance, one: count(one.items.length), all: more });
    return t("verdict.same", { user, instance });
  };

  const draw = () => {
    $("views-question").replaceChildren(...rich("views.question", { user: h("strong", { id: "views-user" }, user || "…") }));
    $("view-one-title").textContent = instance ? t("views.oneTitle", { instance }) : t("views.oneTitleAny");
    if (!instance) return;
    $("view-one-asked").textContent = `${instance}: GET /orders?user_id=${user}`;
    $("view-all-asked").textContent = `catalog: GET /orders?user_id=${user}`;
    list($("view-one"), one.items, one.missing ? sentence(one) : t("views.noneOne", { instance, user }));
    list($("view-all"), all.items, all.missing ? sentence(all) : t("views.noneAll", { user }));
    $("views-verdict").textContent = verdict();
  };
  const drawSoon = oncePerFrame(draw);

  const sentence = ({ missing }) => t(`missing.${missing}`, { instance });

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
      drawSoon();
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
  model.addEventListener("playground", ({ detail: { before, playground } }) => { // what is replayed, the stream does not tell again
    if (playground && playground.results.replay?.at_ms !== before?.results.replay?.at_ms) askBoth();
  });
  model.addEventListener("report", ({ detail: { before, report } }) => {
    const states = (of) => of?.parts.filter((part) => part.name === instance || part.kind === "database").map((part) => part.state).join();
    if (states(before) !== states(report)) askBoth();
  });
  inEveryLanguage(draw);
}

const newestFirst = (orders) => [...orders].sort((a, b) => b.placed_at.localeCompare(a.placed_at));
