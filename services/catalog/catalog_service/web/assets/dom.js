// Small builders. Text always becomes text nodes: nothing that comes over the wire is ever parsed as markup.

/** An element with properties and children; `class`, `data-…`, `aria-…` and the like are set as attributes. */
export function h(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same in SVG. */
export function s(name, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "style") for (const [name, text] of Object.entries(value)) element.style.setProperty(name, text);
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** A link to a page of another system, which opens beside this one and is not told where the visitor came from. */
export const linkOut = (address, text) => h("a", { href: address, target: "_blank", rel: "noreferrer" }, text);

export const $ = (id) => document.getElementById(id);

/** The colour of an instance: by its place among all of them. */
export function colourOf(instance, instances) {
  return `var(--i${Math.max(0, instances.indexOf(instance)) % 4})`;
}

/** Words that lead into the system: a button for who `may` look there, and nothing to press for others. */
export function way(may, attributes, words, lead) {
  return may ? h("button", { type: "button", onclick: lead, ...attributes }, words) : h("span", { class: attributes.class }, words);
}

/** Asks and gives `{value}`, or `{missing, status}`: which part did not answer (catalog, instance, database), or "answer". */
export async function ask(address, headers = {}) {
  try {
    const answer = await fetch(address, { headers });
    const told = await answer.json().catch(() => ({}));
    if (answer.ok) return { value: told };
    const parts = { "/problems/instance-away": "instance", "/problems/read-database-away": "database" };
    return { missing: parts[told.type] ?? "answer", status: answer.status };
  } catch {
    return { missing: "catalog", status: 0 };
  }
}

const OF_TESTS = ["load-", "chaos-"];

/** Products of `./demo load` and `./demo chaos` are called so; a visitor has no use for them. */
export const isOfALoadTest = (product) => OF_TESTS.some((beginning) => product.product_id.startsWith(beginning));

/** Run `draw` once before the next frame, however often it is asked for; a hidden page draws when it is seen again. */
export function oncePerFrame(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; draw(); });
  };
}
