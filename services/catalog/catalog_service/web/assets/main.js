// The page: one model, fed by one stream, shown by several panels that know nothing of each other.

import { showFlow } from "./flow.js";
import { showHappened } from "./happened.js";
import { Model } from "./model.js";
import { showOrdering } from "./order.js";
import { showPanels } from "./panels.js";
import { openStream } from "./stream.js";
import { showTheme } from "./theme.js";
import { showViews } from "./views.js";

const model = new Model();
showTheme();
showFlow(model);
showPanels(model);
showViews(model);
showOrdering(model);
showHappened(model);
openStream({
  snapshot: (data) => model.snapshot(data),
  order: (data) => model.order(data),
  product: (data) => model.product(data),
  report: (data) => model.told(data),
  connected: (yes, catalogAnswers) => model.setConnected(yes, catalogAnswers),
});
