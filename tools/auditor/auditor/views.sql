-- What the questions are asked of, beyond the facts themselves. Made as tables, once, after the load.

-- Partitions from which compaction has taken records (only `products` may be compacted: orders are kept for ever).
CREATE TABLE holed AS
SELECT l.topic, l.partition FROM log l
WHERE l.topic = 'products'
  AND l."end" > (SELECT count(*) FROM record r WHERE r.topic = l.topic AND r.partition = l.partition);

-- Records that count for nothing: planted by a test, or set aside by every reader of their topic.
CREATE TABLE void AS
SELECT topic, partition, position FROM planted
UNION
SELECT d.topic, d.partition, d.position FROM dead_letter d JOIN reader c ON c.topic = d.topic AND c.name = d.reader
GROUP BY d.topic, d.partition, d.position
HAVING count(DISTINCT d.reader) = (SELECT count(*) FROM reader a WHERE a.topic = d.topic);
CREATE UNIQUE INDEX void_position ON void (topic, partition, position);

CREATE VIEW genuine AS
SELECT * FROM record r
WHERE fault IS NULL
  AND NOT EXISTS (SELECT 1 FROM void v WHERE v.topic = r.topic AND v.partition = r.partition AND v.position = r.position);

-- Lines of the orders in the read database. Whatever stands there is read: what is no list has none, what is no object counts not.
CREATE TABLE item AS
SELECT s.key AS order_id, l.key AS place, l.value AS body
FROM state s, json_each(CASE json_type(s.body, '$.lines') WHEN 'array' THEN json_extract(s.body, '$.lines') ELSE '[]' END) l
WHERE s.side = 'read' AND s.topic = 'orders' AND l.type = 'object';
CREATE INDEX item_order ON item (order_id, place);

-- Orders as they stand in the read database, with the lines a client ordered.
CREATE TABLE placed AS
SELECT s.key, json_extract(s.body, '$.user_id') AS user_id,
       EXISTS (SELECT 1 FROM counted c WHERE c.key = s.key) AS counts,
       json_extract(s.body, '$.placed_at') AS placed_at, json_extract(s.body, '$.total_cents') AS total_cents,
       (SELECT json_group_array(json_array(json_extract(l.body, '$.product_id'), json_extract(l.body, '$.quantity')))
        FROM (SELECT body FROM item i WHERE i.order_id = s.key ORDER BY place) l) AS lines
FROM state s WHERE s.side = 'read' AND s.topic = 'orders';
CREATE INDEX placed_key ON placed (key);
CREATE INDEX placed_user ON placed (user_id, lines);

CREATE TABLE line AS
SELECT s.key AS order_id, json_extract(s.body, '$.status') AS status,
       EXISTS (SELECT 1 FROM counted c WHERE c.key = s.key) AS counts, json_extract(l.body, '$.product_id') AS product_id,
       json_extract(l.body, '$.quantity') AS quantity, json_extract(l.body, '$.unit_price_cents') AS unit_price_cents
FROM state s JOIN item l ON l.order_id = s.key WHERE s.side = 'read' AND s.topic = 'orders';

-- What the orders took of each product.
CREATE TABLE ordered AS
SELECT product_id AS key,
       sum_exact(CASE status WHEN 'SHIPPED' THEN quantity ELSE 0 END) AS shipped,
       sum_exact(CASE status WHEN 'CONFIRMED' THEN quantity ELSE 0 END) AS confirmed,
       sum_exact(CASE status WHEN 'PENDING' THEN quantity ELSE 0 END) AS pending
FROM line GROUP BY product_id;

-- Every event of a product with how far it moved the stock.
CREATE TABLE stock_step AS
SELECT *, available - lag(available, 1, 0) OVER w AS moved_available, reserved - lag(reserved, 1, 0) OVER w AS moved_reserved
FROM (SELECT key, instance, sequence, type, version,
             json_extract(body, '$.stock_available') AS available, json_extract(body, '$.stock_reserved') AS reserved
      FROM event WHERE topic = 'products')
WINDOW w AS (PARTITION BY key ORDER BY version);

-- SQLite takes the bare columns of a group from the row that has the max().
CREATE TABLE stock AS
SELECT key, available, reserved, max(version) AS version,
       sum_exact(CASE WHEN type IN ('product.registered.v1', 'product.restocked.v1') THEN moved_available END) AS came_in
FROM stock_step GROUP BY key;

-- What an instance's copy of a product should say.
CREATE TABLE offered AS
SELECT key, json_object('instance', json_extract(body, '$.instance'), 'name', json_extract(body, '$.name'),
                        'product_id', key, 'unit_price_cents', json_extract(body, '$.unit_price_cents')) AS body
FROM state WHERE side = 'write' AND topic = 'products';
CREATE INDEX offered_key ON offered (key);
CREATE INDEX replica_key ON replica (key, instance);
