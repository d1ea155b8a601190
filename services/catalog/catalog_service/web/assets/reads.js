// What a read makes of a write that had been answered before it was sent: it shows it, or it is stale.

import { statusName } from "./parts.js";
import { t } from "./texts.js";

/** A read of `readOrder` with what it saw; `version` is 0 where there was no order, null without an answer. */
export function judged(write, kind, read) {
  const version = read.order ? read.order.version : read.status === 404 ? 0 : null;
  const verdict = version === null ? "refused" : version >= write.version ? "fresh" : "stale";
  return { ...read, kind, version, verdict };
}

/** What it saw, in words. */
export function saw({ version, status, order }) {
  if (version === null) return t("history.sawError", { status });
  return version === 0 ? t("history.sawNothing") : t("history.saw", { version, status: statusName(order.status) });
}
