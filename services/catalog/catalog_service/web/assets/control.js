// The playground's control, behind the catalog: how its switches stand, and throwing them. Most systems have none.

import { problemSentence } from "./parts.js";
import { t } from "./texts.js";

const ADDRESS = "/playground";
const EVERY_MS = 1000;
const PATIENCE_MS = 8000;

/** How the switches stand; null where there are none, or the control does not answer. */
export async function currentPlayground() {
  try {
    const answer = await fetch(ADDRESS, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
    const told = answer.ok ? await answer.json() : null;
    return told?.open ? told : null;
  } catch {
    return null;
  }
}

/** Asks again every second while the page is seen, and tells the model; null while the control does not answer. */
export function followPlayground(model) {
  const look = async () => {
    if (!document.hidden) model.played(await currentPlayground());
    setTimeout(look, EVERY_MS);
  };
  setTimeout(look, EVERY_MS);
}

/** Throws a switch. Gives what went wrong, for people; nothing when it was done or begun. */
export async function ask(model, asked) {
  try {
    const answer = await fetch(ADDRESS, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(asked) });
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) return problemSentence(told, answer.status);
    model.played(told);
    return "";
  } catch {
    return t("play.noAnswer");
  }
}
