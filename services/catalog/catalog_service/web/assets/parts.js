// What the services say of the system's parts and of orders, in the page's language.

import { list } from "./format.js";
import { knownText, t } from "./texts.js";

/** `broker 2`, `order-1`, `read database`: names of instances and connectors are the same in every language. */
export function partName({ kind, name }) {
  if (kind === "broker" && name.startsWith("broker ")) return brokerName(name.slice("broker ".length));
  if (kind === "database" || kind === "sink") return t(`part.${kind}`);
  return name;
}

export const brokerName = (node) => t("part.broker", { node });

/** A part's detail; of a connector it may be several states. What is not known here stays as the service said it. */
export function said(detail) {
  const words = detail.split(", ").map((each) => knownText(`said.${each}`, null));
  return words.includes(null) ? detail : list(words);
}

export const statusName = (status) => knownText(`status.${status}`, status.toLowerCase());

const OUT_OF_STOCK = "out of stock: ";

/** Why an order is as it is, with products by their names. */
export function reasonName(reason, products) {
  if (!reason.startsWith(OUT_OF_STOCK)) return knownText(`reason.${reason}`, reason);
  const missing = reason.slice(OUT_OF_STOCK.length).split(", ");
  return t("reason.outOfStock", { products: list(missing.map((id) => products.get(id)?.name ?? id)) });
}

/** A problem document as a sentence. */
export function problemSentence({ type = "", title, detail, errors }, status) {
  const heading = knownText(`problem.${type.replace("/problems/", "")}`, title ?? t("problem.status", { status }));
  const details = errors?.length ? list([...new Set(errors.map((each) => each.detail))]) : detail;
  return details ? t("problem.sentence", { title: heading, detail: details }) : heading;
}
