// A line chart over the last two minutes, as SVG. Small enough to own: two lines, three grid lines, one sentence.

import { h, s } from "./dom.js";
import { count } from "./format.js";
import { t } from "./texts.js";

const HEIGHT = 170;
const LEFT = 38;
const BOTTOM = 20;
const SECONDS = 120;

/** Round upwards to 1, 2 or 5 times a power of ten: the top of the scale. */
function niceTop(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 2, 5, 10].map((step) => step * power).find((top) => top >= value);
}

/** Draws `lines` ({name, tone, value(second)}) of `seconds` into `place`; `sentence` says the same in words, `nothing` what
 * stands there while there is nothing to draw. */
export function drawChart(place, { lines, seconds, sentence, nothing }) {
  if (!lines.some((line) => seconds.some((second) => line.value(second)))) {
    place.replaceChildren(h("p", { class: "nothing" }, nothing));
    return;
  }
  const width = Math.max(220, place.clientWidth);
  const values = lines.flatMap((line) => seconds.map(line.value)).filter((value) => value !== null);
  const top = niceTop(Math.max(4, ...values));
  const x = (index) => LEFT + ((index + SECONDS - seconds.length) / (SECONDS - 1)) * (width - LEFT);
  const y = (value) => (HEIGHT - BOTTOM) * (1 - value / top) + 6;
  const svg = s("svg", { viewBox: `0 0 ${width} ${HEIGHT + 6}`, role: "img", "aria-label": sentence });
  for (const share of [0, 0.5, 1]) {
    svg.append(
      s("line", { class: "grid", x1: LEFT, x2: width, y1: y(top * share), y2: y(top * share) }),
      s("text", { class: "axis", x: LEFT - 8, y: y(top * share) + 4, "text-anchor": "end" }, count(top * share)),
    );
  }
  svg.append(
    s("text", { class: "axis", x: LEFT, y: HEIGHT + 4 }, t("chart.ago")),
    s("text", { class: "axis", x: width, y: HEIGHT + 4, "text-anchor": "end" }, t("chart.now")),
  );
  lines.forEach((line, number) => {
    const group = s("g", { class: line.tone });
    for (const run of runs(seconds, line.value)) {
      const points = run.map(([index, value]) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`);
      if (number === 0 && run.length > 1) {
        group.append(s("polygon", { class: "area", points: [`${x(run[0][0])},${y(0)}`, ...points, `${x(run.at(-1)[0])},${y(0)}`].join(" ") }));
      }
      if (run.length === 1) group.append(...stem(x(run[0][0]), y(run[0][1]), y(0)));
      else group.append(s("polyline", { class: number ? "line dash" : "line", points: points.join(" ") }));
    }
    svg.append(group);
  });
  const key = h("p", { class: "key", "aria-hidden": "true" },
    lines.map((line, number) => h("span", { class: `${line.tone}${number ? " dash" : ""}` }, line.name)));
  place.replaceChildren(svg, key);
}

/** A second on its own: a point that stands on the axis. */
function stem(x, top, bottom) {
  return [s("line", { class: "line", x1: x, x2: x, y1: bottom, y2: top }), s("circle", { class: "point", cx: x, cy: top, r: 3 })];
}

/** Stretches without a gap: a second in which nothing was measured is no zero. */
function* runs(seconds, value) {
  let run = [];
  for (const [index, second] of seconds.entries()) {
    if (value(second) !== null) { run.push([index, value(second)]); continue; }
    if (run.length) yield run;
    run = [];
  }
  if (run.length) yield run;
}
