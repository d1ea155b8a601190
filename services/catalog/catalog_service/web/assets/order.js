// Placing an order: to one instance, passed on by the catalog; then its way, leg by leg, and the proof by token.

import { command, inWords, readOrder, Refusal } from "./commands.js";
import { $, colourOf, h, isOfALoadTest, oncePerFrame } from "./dom.js";
import { euros } from "./format.js";
import { drawJourney } from "./journey.js";
import { inEveryLanguage, t } from "./texts.js";

const WAIT_S = 10;
const MOST = 1000;

export function showOrdering(model) {
  const form = $("order-form");
  let chosen = null;
  let mine = null; // {order, instance, trace, answered, read}
  let attempt = null; // {content, key}: the same order sent again has the same key
  let mistake = ""; // the text that says what is wrong with the form

  const draw = () => drawJourney($("journey"), model, mine);

  const drawInstances = () => {
    if (!model.instances.includes(chosen)) chosen = model.instances[0];
    $("order-instances").replaceChildren(...model.instances.map((instance) =>
      h("label", { style: { "--own": colourOf(instance, model.instances) } },
        h("input", { type: "radio", name: "instance", value: instance, checked: instance === chosen }),
        h("span", { class: "chip", "aria-hidden": "true" }), instance)));
  };

  const fail = (message) => {
    $("order-error").hidden = false;
    $("order-error").textContent = message;
  };
  const clearError = () => { mistake = ""; $("order-error").hidden = true; };

  const send = async () => {
    const instance = chosen;
    const content = contentOf(form);
    if (attempt?.content !== instance + content) attempt = { content: instance + content, key: crypto.randomUUID() };
    const { order, token, trace, began, ended } = await command(instance, "/orders", { content, key: attempt.key }).catch((error) => {
      if (error instanceof Refusal && error.status < 500) attempt = null;
      throw error;
    });
    attempt = null; // decided: the next one is another order
    model.mine = order;
    mine = { order, instance, trace, answered: ended - began };
    draw();
    model.dispatchEvent(new Event("placed"));
    await prove(order, token);
  };

  const prove = async (order, token) => {
    const { began, ended, order: seen } = await readOrder(order.order_id, { token, wait_s: WAIT_S });
    if (!seen || mine?.order !== order) return;
    mine.read = ended - began;
    model.found(seen);
    model.dispatchEvent(new Event("placed"));
  };

  /** After a pause in the stream: what became visible meanwhile is not told again. */
  const lookAgain = async () => {
    if (!model.connected || !mine || model.latencies.has(`${mine.order.order_id}:1`)) return;
    const { order: seen } = await readOrder(mine.order.order_id);
    if (seen) model.found(seen);
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
    mistake = mistakeOf(form);
    if (mistake) { fail(t(mistake)); return; }
    $("order-send").disabled = true;
    mine = null;
    draw();
    try {
      await send();
    } catch (error) {
      fail(inWords(error));
    } finally {
      $("order-send").disabled = false;
    }
  });
  model.draft = () => ({ instance: chosen, content: contentOf(form), mistake: mistakeOf(form) });

  model.addEventListener("opened", ({ detail: { values } }) => {
    if (values.user && !form.user.readOnly) form.user.value = values.user.slice(0, form.user.maxLength);
    chosen = values.instance ?? chosen;
    if (!model.instances.length) return;
    drawInstances();
    changed();
  });
  model.addEventListener("instances", () => { drawInstances(); changed(); });
  model.addEventListener("products", oncePerFrame(() => drawProducts(model)));
  model.addEventListener("orders", oncePerFrame(draw));
  model.addEventListener("connected", () => { if (model.connected) clearError(); });
  model.addEventListener("snapshot", lookAgain);
  inEveryLanguage(() => {
    draw();
    drawProducts(model);
    if (mistake) fail(t(mistake));
  });
}

function drawProducts(model) {
  const select = $("order-product");
  const known = new Map([...select.options].map((option) => [option.value, option]));
  for (const product of model.products.values()) {
    if (isOfALoadTest(product)) continue;
    const label = t(product.stock_available ? "order.option" : "order.optionSoldOut", { name: product.name, price: euros(product.unit_price_cents) });
    const option = known.get(product.product_id);
    if (!option) select.append(h("option", { value: product.product_id }, label));
    else if (option.textContent !== label) option.textContent = label;
  }
}

/** The form as the body of the command. */
function contentOf(form) {
  return JSON.stringify({ user_id: form.user.value.trim(), lines: [{ product_id: form.product.value, quantity: form.quantity.valueAsNumber }] });
}

/** The text that says what is wrong with the form; nothing if it can be sent. */
function mistakeOf(form) {
  const quantity = form.quantity.valueAsNumber;
  if (!form.user.value.trim()) return "order.noUser";
  if (!form.product.value) return "order.noProduct";
  if (!Number.isInteger(quantity) || quantity < 1 || quantity > MOST) return "order.badQuantity";
  return "";
}
