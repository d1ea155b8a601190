// Commands and reads as any client of the system sends them: to an instance (passed on by the catalog), and to the catalog.

import { problemSentence } from "./parts.js";
import { t } from "./texts.js";

/** What an instance answered with a status that is no success; `message` is for people. */
export class Refusal extends Error {
  constructor(status, told) {
    super(problemSentence(told, status));
    this.status = status;
  }
}

/**
 * Sends a command to `instance` and gives {order, token, trace, began, ended}, the times of `performance.now()`;
 * `trace` is where its trace can be looked at, null where there is no trace store.
 * Raises `Refusal`; a TypeError, as `fetch` does, when there is no answer.
 */
export async function command(instance, path, { content = null, key = null } = {}) {
  const began = performance.now();
  const answer = await fetch(`/instances/${encodeURIComponent(instance)}${path}`, {
    method: "POST",
    headers: { ...(content && { "Content-Type": "application/json" }), ...(key && { "Idempotency-Key": key }) },
    body: content,
  });
  const ended = performance.now();
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refusal(answer.status, told);
  return { order: told, token: answer.headers.get("Consistency-Token") ?? "", trace: answer.headers.get("Trace-Url"), began, ended };
}

/** One order as the catalog shows it: {began, ended, status, order}, `order` null unless it is there; status 0 for no answer. */
export async function readOrder(order_id, { token = null, wait_s = 0 } = {}) {
  const began = performance.now();
  const headers = token ? { "Consistency-Token": token, Prefer: `wait=${wait_s}` } : {};
  try {
    const answer = await fetch(`/orders/${encodeURIComponent(order_id)}`, { headers, cache: "no-store" });
    const ended = performance.now();
    return { began, ended, status: answer.status, order: answer.ok ? await answer.json() : null };
  } catch {
    return { began, ended: performance.now(), status: 0, order: null };
  }
}

export const inWords = (error) => (error instanceof TypeError ? t("order.noAnswer") : error.message);
