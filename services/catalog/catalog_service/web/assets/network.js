// The links between the parts, which can be broken: what is to happen is chosen once, each link is a switch.

import { ask } from "./control.js";
import { $, h } from "./dom.js";
import { linkLabel } from "./parts.js";
import { hold, press } from "./playground.js";
import { inEveryLanguage, t } from "./texts.js";

/** Keeps the links of the playground's view; once, after the view was put on the page. */
export function showNetwork(model) {
  const chosen = $("play-link-fault");
  const switches = new Map(); // link → its button
  let refused = "";

  const act = async (asked) => {
    refused = await ask(model, asked);
    draw();
  };

  const added = (name) => {
    const button = h("button", { type: "button", "data-link": name });
    press(button, () => act(button.getAttribute("aria-pressed") === "true" ? { do: "heal", name } : { do: "break", link: name, fault: chosen.value }));
    switches.set(name, button);
    $("play-links").append(h("li", {}, button, h("span", { class: "said" })));
    return button;
  };

  const draw = () => {
    $("play-links-said").textContent = refused;
    const state = model.playground;
    if (!state) return;
    if (chosen.length === 0) chosen.append(...state.link_faults.map((fault) => h("option", { value: fault })));
    for (const option of chosen.options) option.textContent = t(`net.does.${option.value}`);
    for (const { name, fault } of state.links) {
      const button = switches.get(name) ?? added(name);
      button.textContent = linkLabel(name);
      button.nextSibling.textContent = t(`net.is.${fault ?? "whole"}`);
      button.setAttribute("aria-pressed", fault !== null);
      hold(button, state.work !== null);
    }
  };

  model.addEventListener("playground", draw);
  inEveryLanguage(draw);
}
