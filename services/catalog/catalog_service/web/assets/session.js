// Who uses the page, where requests need a token. The token is in a cookie that no script can read; `/session` says whose it is.

import { $, h } from "./dom.js";
import { inEveryLanguage, rich, t } from "./texts.js";

/** {required, sign_in, user, staff}. A catalog that does not answer asks for nothing yet. */
export async function currentSession() {
  try {
    const answer = await fetch("/session", { cache: "no-store" });
    return answer.ok ? await answer.json() : { required: false };
  } catch {
    return { required: false };
  }
}

/** The name of a visitor who may see only what is theirs; null for everybody else. */
export const ownName = (session) => (session.required && !session.staff ? session.user : null);

/** Shows who it is and the way in or out; what is not for them is not shown. */
export function showSession(session) {
  if (!session.required) return;
  document.documentElement.dataset.visitor = session.staff ? "staff" : session.user ? "user" : "nobody";
  const name = ownName(session);
  if (name) {
    $("order-user").value = name;
    $("order-user").readOnly = true;
  }
  $("session").hidden = false;
  inEveryLanguage(() => $("session").replaceChildren(...(session.user ? inside(session) : outside(session))));
}

function inside({ user }) {
  const end = h("button", { class: "quiet wide", type: "button", onclick: signOut }, t("session.end"));
  return [h("span", {}, ...rich("session.as", { user: h("strong", {}, user) })), end];
}

function outside({ sign_in: where }) {
  if (!where) return [t("session.none")];
  return [h("span", {}, t("session.ask")), h("a", { class: "primary", href: where }, t("session.begin"))];
}

async function signOut() {
  await fetch("/session", { method: "DELETE" });
  location.reload();
}
