// The one connection of the page: /stream, with its reports. It reconnects by itself and continues where it stopped.
// While there is none, GET /sync tells which part is missing: the catalog itself, or one that it needs for the stream.

const EVENTS = ["snapshot", "order", "product", "report"];
const SILENCE_MS = 5000; // a report comes every second: five seconds without one are a dead connection

/**
 * Calls `on[event](data)` for each event, `on.connected(yes, catalogAnswers)` when the connection comes and goes, and
 * `on.signedOut()` when the visitor's token has ended. With `user` it tells of that user's orders, and there are no reports.
 */
export function openStream(on, user = null) {
  let last = "";
  let pause = 500;

  const connect = () => {
    const query = new URLSearchParams(user ? { user_id: user } : { reports: "true" });
    if (last) query.set("last_event_id", last);
    const source = new EventSource(`/stream?${query}`);
    let silence = 0;
    let ended = false;
    const alive = () => {
      clearTimeout(silence);
      if (!user) silence = setTimeout(again, SILENCE_MS);
    };
    const end = () => {
      clearTimeout(silence);
      source.close();
      const first = !ended;
      ended = true;
      return first;
    };
    const again = async () => {
      if (!end()) return;
      const { status, report } = await currentReport();
      if (status === 401) { on.signedOut(); return; }
      on.connected(false, report !== null || status === 403);
      if (report) on.report(report);
      setTimeout(connect, pause);
      pause = Math.min(pause * 2, 5000);
    };
    for (const name of EVENTS) {
      source.addEventListener(name, (event) => {
        if (ended) return;
        alive();
        last = event.lastEventId || last;
        on[name](JSON.parse(event.data));
      });
    }
    source.addEventListener("open", () => { pause = 500; alive(); on.connected(true, true); });
    source.addEventListener("cut-off", () => { if (end()) connect(); }); // too slow for a moment: nothing is missing
    source.addEventListener("error", again);
  };
  connect();
}

/** What the catalog says of all parts: {status, report}, the report null when it says nothing; status 0 for no answer. */
async function currentReport() {
  try {
    const answer = await fetch("/sync", { signal: AbortSignal.timeout(4000) });
    return { status: answer.status, report: answer.ok ? await answer.json() : null };
  } catch {
    return { status: 0, report: null };
  }
}
