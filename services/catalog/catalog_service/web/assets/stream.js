// The one connection of the page: /stream, with its reports. Reconnects by itself and goes on where it stopped.

const EVENTS = ["snapshot", "order", "product", "report"];

/** Calls `on[event](data)` for each event, and `on.connected(true | false)` when the connection comes and goes. */
export function openStream(on) {
  let last = "";
  let pause = 500;

  const connect = () => {
    const query = new URLSearchParams({ reports: "true" });
    if (last) query.set("last_event_id", last);
    const source = new EventSource(`/stream?${query}`);
    let silence = 0;
    const alive = () => {
      clearTimeout(silence);
      silence = setTimeout(again, 5000); // a report comes every second: five without one are a dead connection
    };
    const again = () => {
      clearTimeout(silence);
      source.close();
      on.connected(false);
      setTimeout(connect, pause);
      pause = Math.min(pause * 2, 5000);
    };
    for (const name of EVENTS) {
      source.addEventListener(name, (event) => {
        alive();
        last = event.lastEventId || last;
        on[name](JSON.parse(event.data));
      });
    }
    source.addEventListener("open", () => { pause = 500; alive(); on.connected(true); });
    source.addEventListener("cut-off", again);
    source.addEventListener("error", again);
  };
  connect();
}
