// Placing an order: to one instance, passed on by the catalog; then its way, leg by leg, and the proof by token.

import { $, age, ask, colourOf, euros, h, isOfALoadTest, oncePerFrame } from "./dom.js";

const WAIT_S = 10;
const LEGS = [
  ["relay", "handed to Kafka by the relay"],
  ["kafka", "in Kafka, on a majority of brokers"],
  ["take", "read by the sink"],
  ["apply", "visible in the one picture"],
];

export function showOrdering(model) {
  const form = $("order-form");
  let chosen = null;
  let mine = null; // {order, instance, answered, read}
  let attempt = null; // {content, key}: the same order sent again has the same key

  const drawInstances = () => {
    chosen ??= model.instances[0];
    $("order-instances").replaceChildren(...model.instances.map((instance) =>
      h("label", { style: { "--own": colourOf(instance, model.instances) } },
        h("input", { type: "radio", name: "instance", value: instance, checked: instance === chosen }),
        h("span", { class: "chip", "aria-hidden": "true" }), instance)));
  };

  const drawProducts = () => {
    const select = $("order-product");
    const known = new Map([...select.options].map((option) => [option.value, option]));
    for (const product of model.products.values()) {
      if (isOfALoadTest(product)) continue;
      const label = `${product.name} · ${euros(product.unit_price_cents)}${product.stock_available ? "" : " · sold out"}`;
      const option = known.get(product.product_id);
      if (!option) select.append(h("option", { value: product.product_id }, label));
      else if (option.textContent !== label) option.textContent = label;
    }
  };

  /** The steps: what is known, and no more. A leg's time is known when its change was seen live. */
  const steps = ({ order, instance, answered, read }) => {
    const made = model.latencies.get(`${order.order_id}:1`);
    const style = { "--own": colourOf(instance, model.instances) };
    const step = (done, words, time) => h("li", { class: done ? "done" : "", style }, tick(done), words, h("span", { class: "ms" }, time));
    const first = step(true, `committed by ${instance}, answered`, age(answered));
    if (!made) {
      const visible = read !== undefined || model.orders.has(order.order_id);
      return [first, visible ? step(true, "visible in the one picture", "") : step(false, "on its way: relay, Kafka, sink, read database", "…")];
    }
    return [first, ...LEGS.filter(([leg]) => made[leg] !== null).map(([leg, words]) => {
      const item = step(true, words, made[leg] < 1 ? age(made[leg]) : `+${age(made[leg])}`);
      if (made.total) item.append(h("span", { class: "bar", style: { width: `${Math.max(1, (100 * made[leg]) / made.total)}%` } }));
      return item;
    })];
  };

  const summary = ({ order, read }) => {
    const made = model.latencies.get(`${order.order_id}:1`);
    const now = model.orders.get(order.order_id) ?? order;
    if (!made && read === undefined && !model.orders.has(order.order_id)) return "";
    return [
      made ? `Visible ${made.total >= 5000 ? age(made.total) : `${made.total} ms`} after the commit.` : "Visible in the one picture.",
      read === undefined ? "" : `Asked with its token, the query side showed it in ${age(read)}.`,
      `Now ${now.status.toLowerCase()}${now.reason ? `: ${now.reason}` : ""}.`,
    ].filter(Boolean).join(" ");
  };

  const drawJourney = () => {
    if (!mine) { $("journey").replaceChildren(); return; }
    const sum = summary(mine);
    $("journey").replaceChildren(h("p", { class: "id" }, mine.order.order_id), h("ol", {}, steps(mine)), sum ? h("p", { class: "sum" }, sum) : "");
  };

  const fail = (message) => {
    $("order-error").hidden = false;
    $("order-error").textContent = message;
  };
  const clearError = () => { $("order-error").hidden = true; };

  const send = async () => {
    const began = performance.now();
    const content = JSON.stringify({ user_id: form.user.value.trim(), lines: [{ product_id: form.product.value, quantity: form.quantity.valueAsNumber }] });
    if (attempt?.content !== chosen + content) attempt = { content: chosen + content, key: crypto.randomUUID() };
    const instance = chosen;
    const answer = await fetch(`/instances/${encodeURIComponent(instance)}/orders`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Idempotency-Key": attempt.key },
      body: content,
    });
    const answered = performance.now() - began;
    const told = await answer.json().catch(() => ({}));
    if (answer.status < 500) attempt = null; // decided: the next one is another order
    if (!answer.ok) throw new Error(inWords(told, answer.status));
    model.mine = told.order_id;
    mine = { order: told, instance, answered };
    drawJourney();
    model.dispatchEvent(new Event("placed"));
    await prove(told, answer.headers.get("Consistency-Token") ?? "");
  };

  const prove = async (order, token) => {
    const asked = performance.now();
    const seen = await ask(`/orders/${encodeURIComponent(order.order_id)}`, { "Consistency-Token": token, Prefer: `wait=${WAIT_S}` });
    if (seen.missing || mine?.order !== order) return;
    mine.read = performance.now() - asked;
    model.found(seen.value);
    model.dispatchEvent(new Event("placed"));
  };

  /** After a pause in the stream: what became visible meanwhile is not told again. */
  const lookAgain = async () => {
    if (!model.connected || !mine || model.latencies.has(`${mine.order.order_id}:1`)) return;
    const seen = await ask(`/orders/${encodeURIComponent(mine.order.order_id)}`);
    if (!seen.missing) model.found(seen.value);
  };

  const changed = () => {
    clearError();
    model.dispatchEvent(new CustomEvent("chosen", { detail: { instance: chosen, user: form.user.value.trim() } }));
  };
  form.addEventListener("change", () => { chosen = new FormData(form).get("instance") ?? chosen; changed(); });
  form.addEventListener("input", changed);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clearError();
    const wrong = mistake(form);
    if (wrong) { fail(wrong); return; }
    $("order-send").disabled = true;
    mine = null;
    drawJourney();
    try {
      await send();
    } catch (error) {
      fail(error instanceof TypeError ? "The catalog does not answer. You can try again: the order will not be placed twice." : error.message);
    } finally {
      $("order-send").disabled = false;
    }
  });

  model.addEventListener("instances", () => { drawInstances(); changed(); });
  model.addEventListener("products", oncePerFrame(drawProducts));
  model.addEventListener("orders", oncePerFrame(drawJourney));
  model.addEventListener("connected", () => { if (model.connected) clearError(); });
  model.addEventListener("snapshot", lookAgain);
}

/** What is wrong with the form, in words; nothing if it can be sent. */
function mistake(form) {
  const quantity = form.quantity.valueAsNumber;
  if (!form.user.value.trim()) return "Please enter your name.";
  if (!form.product.value) return "Please choose a product.";
  if (!Number.isInteger(quantity) || quantity < 1 || quantity > 1000) return "Please enter a quantity from 1 to 1,000.";
  return "";
}

/** A problem document as a sentence. */
function inWords({ title, detail, errors }, status) {
  const details = errors?.length ? [...new Set(errors.map((each) => each.detail))].join("; ") : detail;
  return [title ?? `The answer was ${status}`, details].filter(Boolean).join(": ");
}

const tick = (done) => h("span", { class: "tick", "aria-hidden": "true" }, done ? "✓" : "○");
