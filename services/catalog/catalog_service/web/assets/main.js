// The page: one model, fed by one stream, shown by several panels that know nothing of each other.

import { showAnomalies } from "./anomalies.js";
import { currentPlayground, followPlayground } from "./control.js";
import { showEvents } from "./events.js";
import { showFlow } from "./flow.js";
import { showHistory } from "./history.js";
import { Model } from "./model.js";
import { showNetwork } from "./network.js";
import { showOrdering } from "./order.js";
import { showPanels } from "./panels.js";
import { showPartitions } from "./partitions.js";
import { showPlayground } from "./playground.js";
import { showLinks } from "./links.js";
import { currentSession, ownName, showSession } from "./session.js";
import { openStream } from "./stream.js";
import { fillTexts, showLanguage } from "./texts.js";
import { showTheme } from "./theme.js";
import { showTrace } from "./trace.js";
import { showViews } from "./views.js";
import { showWalk } from "./walk.js";

const model = new Model();
showLanguage();
showTheme();
showFlow(model);
showPanels(model);
showPartitions(model);
showViews(model);
showHistory(model);
showTrace(model);
showOrdering(model);
showEvents(model);

const playground = await currentPlayground();
if (playground) {
  showPlayground(model);
  showNetwork(model);
  showAnomalies(model);
  showWalk(model);
  fillTexts();
  model.played(playground);
  followPlayground(model);
}
showLinks(model);

const session = await currentSession();
showSession(session);
if (!session.required || session.user) {
  const name = ownName(session);
  if (name) {
    model.looksInside = false;
    model.know(await (await fetch("/instances")).json()); // reports, which name them, are for the staff
  }
  openStream({
    snapshot: (data) => model.snapshot(data),
    order: (data) => model.order(data),
    product: (data) => model.product(data),
    report: (data) => model.told(data),
    connected: (yes, catalogAnswers) => model.setConnected(yes, catalogAnswers),
    signedOut: () => location.reload(),
  }, name);
}
