// The one connection of the page: /stream, with its reports. It reconnects by itself and continues where it stopped.
// While there is none, GET /sync tells which part is missing: the catalog itself, or one that it needs for the stream.

const EVENTS = ["snapshot", "order", "product", "report"];
const SILENCE_MS = 5000; // a report comes every second: five seconds without one are a dead connection

/** Calls `on[event](data)` for each event, and `on.connected(yes, catalogAnswers)` when the connection comes and goes. */
export function openStream(on) {
  let last = "";
  let pause = 500;

  const connect = () => {
    const query = new URLSearchParams({ reports: "true" });
    if (last) query.set("last_event_id", last);
    const source = new EventSource(`/stream?${query}`);
    let silence = 0;
    let ended = false;
    const alive = () => {
      clearTimeout(silence);
      silence = setTimeout(again, SILENCE_MS);
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
      const report = await currentReport();
      on.connected(false, report !== null);
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

/** What the catalog says of all parts; null when it does not answer. */
async function currentReport() {
  try {
    const answer = await fetch("/sync", { signal: AbortSignal.timeout(4000) });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}
