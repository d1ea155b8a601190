// What the services say of the system's parts and of orders, in the page's language.

import { list } from "./format.js";
import { knownText, language, t } from "./texts.js";

/** `broker 2`, `order-1`, `read database`: names of instances and connectors are the same in every language. */
export function partName({ kind, name }) {
  if (kind === "broker" && name.startsWith("broker ")) return brokerName(name.slice("broker ".length));
  if (kind === "database" || kind === "sink") return t(`part.${kind}`);
  return name;
}

export const brokerName = (node) => t("part.broker", { node });

/** A part by the launcher's name of it. */
export function partLabel(name) {
  if (name.startsWith("kafka-")) return brokerName(name.slice("kafka-".length));
  return name === "postgres" ? t("part.database") : name === "sink" ? t("part.sink") : name;
}

/** `order-1 → Kafka`, `brokers → broker 2`: a link by its two ends. */
export function linkLabel(name) {
  const [client, server] = name.split(":");
  return t("net.link", { client: client === "kafka" ? t("net.brokers") : partLabel(client), server: server === "kafka" ? t("kafka.title") : partLabel(server) });
}

/** What a fault hits: a part or a link. */
export const placeLabel = (name) => (name.includes(":") ? linkLabel(name) : partLabel(name));

/**
 * A part's detail; of a connector it may be several states. What is not known here stays as the service said it in English;
 * elsewhere it is what the instance lacks (`kafka: …; outbox: …`), or that something is wrong with it.
 */
export function said(detail) {
  const words = detail.split(", ").map((each) => knownText(`said.${each}`, null));
  if (!words.includes(null)) return list(words);
  if (language() === "en") return detail;
  const lacks = detail.split("; ").map((each) => knownText(`lack.${each.split(/[: ]/)[0]}`, null));
  return lacks.includes(null) ? t("said.trouble") : list([...new Set(lacks)]);
}

export const statusName = (status) => knownText(`status.${status}`, status.toLowerCase());

const OUT_OF_STOCK = "out of stock: ";

/** Why an order is as it is, with products by their names. */
export function reasonName(reason, products) {
  if (!reason.startsWith(OUT_OF_STOCK)) return knownText(`reason.${reason}`, reason);
  const missing = reason.slice(OUT_OF_STOCK.length).split(", ");
  return t("reason.outOfStock", { products: list(missing.map((id) => products.get(id)?.name ?? id)) });
}

/**
 * A problem document as a sentence. Details are English: elsewhere the type says what it is, and what is named stays, the
 * fields and parameters that are wrong; of a type that is not known here the service's own words are all there is.
 */
export function problemSentence({ type = "", title, detail, errors }, status) {
  const known = knownText(`problem.${type.replace("/problems/", "")}`, null);
  const heading = known ?? title ?? t("problem.status", { status });
  const names = (errors ?? []).map((each) => each.pointer ?? each.parameter ?? each.header).filter(Boolean);
  const said = errors?.length ? list([...new Set(errors.map((each) => each.detail))]) : detail;
  const details = known && language() !== "en" ? list([...new Set(names)]) : said;
  return details ? t("problem.sentence", { title: heading, detail: details }) : heading;
}
