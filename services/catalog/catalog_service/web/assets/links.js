// A link to each view: `#/answers?user=ada&instance=order-2`, `#/trace?order=order-2-01J…&leg=kafka`.

import { h } from "./dom.js";
import { inEveryLanguage, t } from "./texts.js";

const ROUTE = /^#\/([a-z]+)(?:\?(.*))?$/;
const still = matchMedia("(prefers-reduced-motion: reduce)");

export function showLinks(model) {
  const links = new Map();
  for (const section of document.querySelectorAll("[data-view]")) {
    const link = h("a", { class: "link", href: hash(section.dataset.view) }, "#");
    section.querySelector("h2").after(link);
    links.set(section.dataset.view, link);
  }
  const open = () => {
    const [, name, query] = ROUTE.exec(location.hash) ?? [];
    const section = name && document.querySelector(`[data-view="${name}"]`);
    if (!section) return;
    model.open(name, Object.fromEntries(new URLSearchParams(query)));
    show(section);
  };

  model.addEventListener("chosen", ({ detail: { instance, user } }) => {
    links.get("answers").href = hash("answers", { user, instance });
  });
  model.addEventListener("inspect", ({ detail: { order, leg } }) => {
    if (order) {
      links.get("trace").href = hash("trace", { order: order.order_id, leg });
      history.replaceState(null, "", links.get("trace").href);
    }
    show(document.querySelector('[data-view="trace"]'));
  });
  addEventListener("hashchange", open);
  inEveryLanguage(() => {
    for (const [view, link] of links) {
      const title = document.querySelector(`[data-view="${view}"] h2 [data-text]`).textContent;
      link.setAttribute("aria-label", t("page.link", { title }));
    }
  });
  open();
}

function hash(view, values = {}) {
  const query = new URLSearchParams(values).toString();
  return `#/${view}${query && `?${query}`}`;
}

/** To the view, and its heading is where the keyboard goes on from. */
function show(section) {
  const heading = section.querySelector("h2");
  heading.tabIndex = -1;
  section.scrollIntoView({ behavior: still.matches ? "auto" : "smooth", block: "start" });
  heading.focus({ preventScroll: true });
}
