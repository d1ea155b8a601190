// What the page knows. Plain data and who wants to hear of it; no element is touched here.

const SECONDS = 120;
const MAX_ORDERS = 500;

const median = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

export class Model extends EventTarget {
  instances = [];
  orders = new Map(); // order_id → order
  products = new Map(); // product_id → product
  latencies = new Map(); // "order_id:version" → milliseconds per leg, kept for a while
  placedOn = new Map(); // instance → orders seen since the page was opened
  most = new Map(); // product_id → the most stock ever seen, the full width of its bar
  mine = null; // the order that was last placed here
  draft = null; // gives what the form holds: {instance, content, mistake}
  looksInside = true; // whether the visitor may see what an order has left behind: that is the staff's
  report = null;
  playground = null; // how the switches stand; null where there are none, or while their control does not answer
  connected = false;
  catalogAnswers = true; // while not connected: whether it is the catalog that is missing
  seconds = []; // one {at, count, p50, p99} per second, oldest first
  #second = [];

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  snapshot({ orders, products }) {
    this.orders = new Map(orders.map((order) => [order.order_id, order]));
    for (const product of products) this.#keepProduct(product);
    this.#tell("snapshot");
    this.#tell("orders");
    this.#tell("products");
  }

  /** An order that was asked for: what a query shows is visible, whether the stream has told of it or not. */
  found(order) {
    const known = this.orders.get(order.order_id);
    if (known && known.version >= order.version) return;
    this.orders.set(order.order_id, order);
    this.#tell("orders");
  }

  order({ kind, journey, order }) {
    this.#keepLatency(`${order.order_id}:${order.version}`, journey);
    const known = this.orders.get(order.order_id);
    if (known && known.version >= order.version) { this.#tell("orders"); return; }
    this.orders.delete(order.order_id);
    this.orders.set(order.order_id, order);
    while (this.orders.size > MAX_ORDERS) this.orders.delete(this.orders.keys().next().value);
    if (kind === "order.placed.v1") this.placedOn.set(order.instance, (this.placedOn.get(order.instance) ?? 0) + 1);
    this.#tell("order", { kind, journey, order });
    this.#tell("orders");
  }

  product({ kind, journey, product }) {
    const known = this.products.get(product.product_id);
    if (known && known.version >= product.version) return;
    this.#keepProduct(product);
    this.#keepLatency(`${product.product_id}:${product.version}`, journey);
    this.#tell("product", { kind, journey, product });
    this.#tell("products");
  }

  /** The order of which the stream told last. */
  newestOrder() {
    return [...this.orders.values()].reduce((newest, order) => (newest && newest.updated_at > order.updated_at ? newest : order), null);
  }

  /** Somebody wants to see what `leg` has left behind of `order` ({order_id, instance}, null while there is none). */
  inspect(order, leg) {
    this.#tell("inspect", { order, leg });
  }

  /** Somebody came by a link to the view `name`. */
  open(name, values) {
    this.#tell("opened", { name, values });
  }

  told(report) {
    const before = this.report;
    this.report = report;
    const instances = report.parts.filter((part) => part.kind === "order").map((part) => part.name);
    const changed = instances.join() !== this.instances.join();
    this.instances = instances;
    this.#closeSecond(report.at_ms);
    if (changed) this.#tell("instances");
    this.#tell("report", { before, report });
  }

  /** How the playground's switches stand now. */
  played(playground) {
    const before = this.playground;
    this.playground = playground;
    this.#tell("playground", { before, playground });
  }

  /** Which instances there are, for a visitor to whom no report tells it. */
  know(instances) {
    this.instances = instances;
    this.#tell("instances");
  }

  setConnected(connected, catalogAnswers) {
    if (connected === this.connected && catalogAnswers === this.catalogAnswers) return;
    this.connected = connected;
    this.catalogAnswers = catalogAnswers;
    this.#tell("connected");
  }

  #keepProduct(product) {
    this.products.set(product.product_id, product);
    const all = product.stock_available + product.stock_reserved;
    this.most.set(product.product_id, Math.max(all, this.most.get(product.product_id) ?? 1));
  }

  #keepLatency(key, journey) {
    if (!journey) return;
    this.latencies.set(key, journey);
    if (this.latencies.size > MAX_ORDERS) this.latencies.delete(this.latencies.keys().next().value);
    this.#second.push(journey.total);
  }

  #closeSecond(at) {
    const times = this.#second.sort((a, b) => a - b);
    this.#second = [];
    this.seconds.push({ at, count: times.length, p50: median(times, 0.5) ?? null, p99: median(times, 0.99) ?? null });
    if (this.seconds.length > SECONDS) this.seconds.shift();
  }
}
