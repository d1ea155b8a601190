// Step by step: the control pauses what comes next, so that an order waits at each leg until the visitor lets it go on.

import { ask } from "./control.js";
import { $, h } from "./dom.js";
import { hold, press } from "./playground.js";
import { inEveryLanguage, t } from "./texts.js";

const LEGS = { outbox: "commit", kafka: "kafka", sink: "take", visible: "apply" }; // where it is held → the leg that shows what lies there

/** Puts the walk below the form's order and keeps it; once, where there is a playground. */
export function showWalk(model) {
  $("walk-view").replaceWith($("walk-view").content.cloneNode(true));
  const legs = new Map(Object.keys(LEGS).map((held) => [held, h("button", { type: "button", onclick: () => model.inspect(model.mine ?? model.newestOrder(), LEGS[held]) })]));
  $("walk-legs").replaceChildren(...[...legs].map(([held, button]) => h("li", { "data-held": held }, button)));
  let refused = "";
  let walked = false; // whether one has ended here

  const act = async (asked) => {
    refused = await ask(model, asked);
    draw();
  };

  const draw = () => {
    const { work, walk, results } = model.playground ?? { work: null, walk: null, results: {} };
    const walking = work?.name === "walk";
    walked ||= walking;
    const at = walking ? walk?.at ?? null : null;
    for (const [held, button] of legs) {
      button.textContent = t(`walk.leg.${held}`);
      if (held === at) button.setAttribute("aria-current", "step"); else button.removeAttribute("aria-current");
    }
    const error = !walking && results.walk?.error;
    $("walk-said").textContent = refused || error || (walking ? t(at ? `walk.held.${at}` : "walk.moving") : walked ? t("walk.done") : "");
    hold($("walk-begin"), work !== null || !model.playground);
    hold($("walk-next"), !at);
    hold($("walk-end"), !walking);
  };

  press($("walk-begin"), () => act({ do: "walk" }));
  press($("walk-next"), () => act({ do: "walk-on" }));
  press($("walk-end"), () => act({ do: "end" }));
  model.addEventListener("playground", draw);
  inEveryLanguage(draw);
}
