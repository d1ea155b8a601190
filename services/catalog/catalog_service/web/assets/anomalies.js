// Wrong designs beside the right ones: which one is chosen, then both go through the same mishap, as it happens.

import { ask } from "./control.js";
import { $, h } from "./dom.js";
import { hold, press } from "./playground.js";
import { inEveryLanguage, t } from "./texts.js";

/** Keeps the anomalies of the playground's view; once, after the view was put on the page. */
export function showAnomalies(model) {
  const chosen = $("play-anomaly");
  const said = $("play-anomaly-said");
  let refused = "";

  const draw = () => {
    const state = model.playground;
    said.textContent = refused || (state?.results.anomaly?.error ?? "");
    if (!state) return;
    if (chosen.length === 0) chosen.append(...state.anomalies.map((name) => h("option", { value: name })));
    for (const option of chosen.options) option.textContent = t(`anomaly.${option.value}`);
    $("play-anomaly-mishap").textContent = t("anomaly.mishap", { mishap: t(`anomaly.${chosen.value}.mishap`) });
    hold($("play-anomaly-run"), state.work !== null);
    drawDesigns($("play-designs"), state.anomaly);
  };

  press($("play-anomaly-run"), async () => {
    refused = await ask(model, { do: "anomaly", name: chosen.value });
    draw();
  });
  chosen.addEventListener("change", draw);
  model.addEventListener("playground", draw);
  inEveryLanguage(draw);
}

/** Both designs, as far as they have come; what has not changed stays, with what a reader has selected in it. */
function drawDesigns(place, anomaly) {
  const designs = anomaly?.designs.map((design) => ({ ...design, title: t(`anomaly.${design.is_wrong ? "wrong" : "right"}`),
    says: t(`anomaly.${anomaly.name}.${design.is_wrong ? "wrong" : "right"}`), clean: t("anomaly.clean") })) ?? [];
  const content = JSON.stringify(designs);
  if (place.dataset.drawn === content) return;
  place.dataset.drawn = content;
  place.replaceChildren(...designs.map(drawDesign));
}

function drawDesign({ is_wrong: isWrong, title, says, lines, caught, clean }) {
  const verdict = caught === null ? [] : caught.length
    ? caught.map((each) => h("p", { class: "bad", lang: "en" }, each)) : [h("p", { class: "good" }, clean)];
  return h("li", { "data-design": isWrong ? "wrong" : "right" }, h("p", {}, h("strong", {}, title), " ", says),
    h("pre", { lang: "en", tabindex: "0" }, lines.join("\n")), h("div", { class: "verdicts" }, ...verdict));
}
