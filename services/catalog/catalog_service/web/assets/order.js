// Placing an order: to one instance, through the catalog's own door; then its way, leg by leg, and the proof by token.

import { $, colourOf, euros, h, oncePerFrame } from "./dom.js";

const WAIT_S = 10;
const LEGS = [
  ["relay", "handed to Kafka by the relay"],
  ["kafka", "in Kafka, on a majority of brokers"],
  ["take", "taken by the sink"],
  ["apply", "visible in the one picture"],
];

export function showOrdering(model) {
  const form = $("order-form");
  let chosen = null;
  let mine = null; // {order, instance, answered, token, read}

  const drawInstances = () => {
    chosen ??= model.instances[0];
    $("order-instances").replaceChildren(...model.instances.map((instance) =>
      h("label", { style: { "--own": colourOf(instance, model.instances) } },
        h("input", { type: "radio", name: "instance", value: instance, checked: instance === chosen }),
        h("span", { class: "chip", "aria-hidden": "true" }), instance)));
  };

  const drawProducts = () => {
    const select = $("order-product");
    const known = new Set([...select.options].map((option) => option.value));
    for (const product of model.products.values()) {
      const label = `${product.name} · ${euros(product.unit_price_cents)}`;
      if (known.has(product.product_id)) {
        const option = [...select.options].find((each) => each.value === product.product_id);
        if (option.textContent !== label) option.textContent = label;
      } else select.append(h("option", { value: product.product_id }, label));
    }
  };

  const drawJourney = () => {
    if (!mine) return;
    const { order, instance, answered, read } = mine;
    const made = model.journeys.get(`${order.order_id}:1`);
    const own = { "--own": colourOf(instance, model.instances) };
    const steps = [h("li", { class: "done" }, tick(true), `committed by ${instance}, answered`, ms(answered))];
    for (const [leg, words] of LEGS) {
      const took = made?.[leg];
      if (leg === "take" && (made ? took === null : !model.report?.legs.take)) continue;
      steps.push(h("li", { class: made ? "done" : "", style: own }, tick(Boolean(made)), words, made ? ms(took, "+") : h("span", {}, "…"),
        made && made.total ? h("span", { class: "bar", style: { width: `${Math.max(1, (100 * took) / made.total)}%` } }) : null));
    }
    const state = model.orders.get(order.order_id)?.status ?? order.status;
    $("journey").replaceChildren(
      h("p", { class: "id" }, order.order_id), h("ol", {}, steps),
      made ? h("p", { class: "sum" }, `Visible ${made.total} ms after the commit.`,
        read === undefined ? "" : ` Asked with its token, the query side showed it in ${Math.round(read)} ms.`, ` Now ${state.toLowerCase()}.`) : "");
  };

  const fail = (message) => {
    $("order-error").hidden = false;
    $("order-error").textContent = message;
  };

  const send = async () => {
    const began = performance.now();
    const body = { user_id: form.user.value.trim(), lines: [{ product_id: form.product.value, quantity: form.quantity.valueAsNumber }] };
    const answer = await fetch(`/instances/${encodeURIComponent(chosen)}/orders`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() },
      body: JSON.stringify(body),
    });
    const answered = performance.now() - began;
    const told = await answer.json();
    if (!answer.ok) throw new Error([told.title, told.detail, ...(told.errors ?? []).map((each) => each.detail)].filter(Boolean).join(" – "));
    model.mine = told.order_id;
    mine = { order: told, instance: chosen, answered };
    drawJourney();
    const asked = performance.now();
    const seen = await fetch(`/orders/${encodeURIComponent(told.order_id)}`, {
      headers: { "Consistency-Token": answer.headers.get("Consistency-Token") ?? "", Prefer: `wait=${WAIT_S}` },
    });
    if (seen.ok && mine?.order === told) mine.read = performance.now() - asked;
    drawJourney();
    model.dispatchEvent(new Event("placed"));
  };

  form.addEventListener("change", () => {
    chosen = new FormData(form).get("instance") ?? chosen;
    model.dispatchEvent(new CustomEvent("chosen", { detail: { instance: chosen, user: form.user.value.trim() } }));
  });
  form.user.addEventListener("input", () =>
    model.dispatchEvent(new CustomEvent("chosen", { detail: { instance: chosen, user: form.user.value.trim() } })));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    $("order-error").hidden = true;
    $("order-send").disabled = true;
    try {
      await send();
    } catch (error) {
      fail(error instanceof TypeError ? "The catalog does not answer." : error.message);
    } finally {
      $("order-send").disabled = false;
    }
  });

  model.addEventListener("instances", () => {
    drawInstances();
    model.dispatchEvent(new CustomEvent("chosen", { detail: { instance: chosen, user: form.user.value.trim() } }));
  });
  model.addEventListener("products", oncePerFrame(drawProducts));
  model.addEventListener("orders", oncePerFrame(drawJourney));
}

const tick = (done) => h("span", { class: "tick", "aria-hidden": "true" }, done ? "✓" : "○");
const ms = (took, sign = "") => h("span", { class: "ms" }, `${sign}${Math.round(took)} ms`);
