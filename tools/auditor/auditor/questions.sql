-- Each question answers with one row (subject, detail) per violation; no row means the invariant holds.
-- Heading: [INVARIANT] name: what a row of the answer means.  Invariants as in the design: ACK, VER, SUM, ACCT, STOCK, LIVE.
-- `genuine` are the records of a topic but for those that cannot be read, that all its readers set aside, or that were planted.
-- differing(a, b) names the fields in which two bodies differ.

-- [SUM] read-missing: a row of a write database is not in the read database
SELECT w.topic || ' ' || w.key, w.place || ' has version ' || w.version
FROM state w
WHERE w.side = 'write'
  AND NOT EXISTS (SELECT 1 FROM state r WHERE r.side = 'read' AND r.topic = w.topic AND r.key = w.key);

-- [SUM] read-extra: a row of the read database is in no write database
SELECT r.topic || ' ' || r.key, 'version ' || r.version
FROM state r
WHERE r.side = 'read'
  AND NOT EXISTS (SELECT 1 FROM state w WHERE w.side = 'write' AND w.topic = r.topic AND w.key = r.key);

-- [VER] read-older: the read database holds an older version than the write database
SELECT w.topic || ' ' || w.key, w.place || ' has version ' || w.version || ', read has ' || r.version
FROM state w JOIN state r ON r.side = 'read' AND r.topic = w.topic AND r.key = w.key
WHERE w.side = 'write' AND r.version < w.version;

-- [VER] read-newer: the read database holds a version its write database never committed or has lost
SELECT w.topic || ' ' || w.key, w.place || ' has version ' || w.version || ', read has ' || r.version
FROM state w JOIN state r ON r.side = 'read' AND r.topic = w.topic AND r.key = w.key
WHERE w.side = 'write' AND r.version > w.version;

-- [SUM] read-different: the same version reads differently on the two sides
SELECT w.topic || ' ' || w.key, 'version ' || w.version || ': ' || differing(w.body, r.body)
FROM state w JOIN state r ON r.side = 'read' AND r.topic = w.topic AND r.key = w.key
WHERE w.side = 'write' AND r.version = w.version AND r.body <> w.body;

-- [SUM] state-doubled: one side holds an aggregate more than once
SELECT topic || ' ' || key, count(*) || ' rows in ' || group_concat(place, ', ')
FROM state GROUP BY side, topic, key HAVING count(*) > 1;

-- [ACK] event-missing: a written row whose version has no outbox row: the change can never be published
SELECT w.topic || ' ' || w.key, w.place || ' has version ' || w.version
FROM state w
WHERE w.side = 'write'
  AND NOT EXISTS (SELECT 1 FROM event e WHERE e.topic = w.topic AND e.key = w.key AND e.version = w.version);

-- [VER] event-ahead: the outbox goes beyond the row it describes
SELECT e.topic || ' ' || e.key, e.instance || ' published version ' || max(e.version) || ', holds ' || coalesce(w.version, 'no row')
FROM event e LEFT JOIN state w ON w.side = 'write' AND w.topic = e.topic AND w.key = e.key
GROUP BY e.topic, e.key HAVING max(e.version) > coalesce(w.version, 0);

-- [VER] event-versions: the outbox versions of an aggregate are not 1, 2, 3 … each once, in the order of the sequence
SELECT topic || ' ' || key, source || ' is number ' || place || ' and says version ' || version
FROM (SELECT *, row_number() OVER (PARTITION BY topic, key ORDER BY instance, sequence) AS place
      FROM event WHERE version IS NOT NULL)
WHERE version <> place;

-- [SUM] event-different: the last outbox row of an aggregate is not its row
SELECT w.topic || ' ' || w.key, 'version ' || w.version || ': ' || differing(w.body, e.body)
FROM state w JOIN event e ON e.topic = w.topic AND e.key = w.key AND e.version = w.version
WHERE w.side = 'write' AND e.body <> w.body;

-- [ACK] topic-missing: an outbox row is not in its topic (nor made redundant there by compaction)
SELECT e.topic || ' ' || e.key, e.source || ' version ' || e.version
FROM event e
WHERE NOT EXISTS (SELECT 1 FROM record r WHERE r.source = e.source)
  AND NOT EXISTS (SELECT 1 FROM set_aside a WHERE a.instance = e.instance AND a.sequence = e.sequence)
  AND NOT EXISTS (
    SELECT 1 FROM record r JOIN holed h ON h.topic = r.topic AND h.partition = r.partition
    WHERE r.topic = e.topic AND r.key = e.key AND r.version > e.version);

-- [ACCT] event-set-aside: a relay has set aside a row of its outbox: nobody gets it until its topic is there
SELECT a.topic || ' ' || coalesce(e.key, '?'), a.instance || ':' || a.sequence || ': ' || a.reason
FROM set_aside a LEFT JOIN event e ON e.instance = a.instance AND e.sequence = a.sequence;

-- [ACK] topic-unknown: a record comes from no outbox row: something refused or rolled back was published, or its row was lost
SELECT r.topic || '/' || r.partition || ' @' || r.position, coalesce(r.key, '?') || ' from ' || coalesce(r.source, 'nowhere')
FROM genuine r
WHERE NOT EXISTS (SELECT 1 FROM event e WHERE e.source = r.source);

-- [SUM] topic-different: a record is not what its outbox row says
SELECT r.topic || '/' || r.partition || ' @' || r.position,
       r.key || ' from ' || r.source || ' for ' || e.topic || ' ' || e.key || ': ' || differing(e.body, r.body)
FROM record r JOIN event e ON e.source = r.source
WHERE r.fault IS NULL AND (r.body <> e.body OR r.topic <> e.topic OR r.key <> e.key OR r.version <> e.version);

-- [VER] topic-order: a version appears for the first time behind a newer one (repeats of what was there are harmless)
SELECT topic || '/' || partition || ' @' || position, key || ' version ' || version || ' behind ' || newest
FROM (
    SELECT *, max(version) OVER (PARTITION BY topic, key ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS newest
    FROM (SELECT topic, partition, key, version, min(position) AS position
          FROM genuine r
          WHERE NOT EXISTS (SELECT 1 FROM holed h WHERE h.topic = r.topic AND h.partition = r.partition)
          GROUP BY topic, partition, key, version))
WHERE version < newest;

-- [VER] topic-last: the last record of a key is not its newest version: what compaction keeps would be old
SELECT r.topic || ' ' || r.key, 'last record @' || r.position || ' is version ' || r.version || ', the newest is ' || k.newest
FROM (SELECT topic, key, max(position) AS last, max(version) AS newest FROM genuine GROUP BY topic, key) k
JOIN genuine r ON r.topic = k.topic AND r.key = k.key AND r.position = k.last
WHERE r.version < k.newest;

-- [VER] topic-scattered: the records of one key are in several partitions, where nothing orders them
SELECT topic || ' ' || key, 'in partitions ' || group_concat(DISTINCT partition)
FROM genuine GROUP BY topic, key HAVING count(DISTINCT partition) > 1;

-- [SUM] topic-read: the newest record of a key is not the read database's row
SELECT r.topic || ' ' || r.key, 'topic has version ' || r.version || ', read has ' || coalesce(s.version, 'no row')
FROM (SELECT topic, key, max(version) AS newest FROM genuine GROUP BY topic, key) k
JOIN genuine r ON r.topic = k.topic AND r.key = k.key AND r.version = k.newest
LEFT JOIN state s ON s.side = 'read' AND s.topic = r.topic AND s.key = r.key
WHERE s.key IS NULL OR s.body <> r.body
GROUP BY r.topic, r.key;

-- [ACCT] topic-unreadable: a record cannot be read and some reader of its topic did not put it into its dead letters
SELECT r.topic || '/' || r.partition || ' @' || r.position, c.name || ': ' || r.fault
FROM record r JOIN reader c ON c.topic = r.topic
WHERE r.fault IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM planted p WHERE p.topic = r.topic AND p.partition = r.partition AND p.position = r.position)
  AND NOT EXISTS (SELECT 1 FROM dead_letter d
                  WHERE d.topic = r.topic AND d.partition = r.partition AND d.position = r.position AND d.reader = c.name);

-- [ACK] history-missing: an event of the topic is not in the history (nor in the dead letters)
SELECT r.topic || ' ' || r.key, 'version ' || r.version || ' @' || min(r.position)
FROM record r JOIN reader c ON c.topic = r.topic AND c.keeps = 'history'
WHERE r.fault IS NULL
  AND NOT EXISTS (SELECT 1 FROM planted p WHERE p.topic = r.topic AND p.partition = r.partition AND p.position = r.position)
  AND NOT EXISTS (SELECT 1 FROM history h WHERE h.topic = r.topic AND h.key = r.key AND h.version = r.version)
  AND NOT EXISTS (SELECT 1 FROM dead_letter d
                  WHERE d.topic = r.topic AND d.partition = r.partition AND d.position = r.position AND d.reader = c.name)
GROUP BY r.topic, r.key, r.version;

-- [SUM] history-extra: the history holds an event the topic does not have
SELECT h.topic || ' ' || h.key, 'version ' || h.version
FROM history h
WHERE NOT EXISTS (SELECT 1 FROM record r WHERE r.topic = h.topic AND r.key = h.key AND r.version = h.version);

-- [SUM] history-doubled: the history holds an event more than once
SELECT topic || ' ' || key, 'version ' || version || ', ' || count(*) || ' rows'
FROM history GROUP BY topic, key, version HAVING count(*) > 1;

-- [SUM] history-different: a row of the history is not what the topic says
SELECT h.topic || ' ' || h.key, 'version ' || h.version || ': ' || differing(r.body, h.body)
FROM history h JOIN record r ON r.topic = h.topic AND r.key = h.key AND r.version = h.version
WHERE r.fault IS NULL AND r.body <> h.body
GROUP BY h.topic, h.key, h.version;

-- [LIVE] offset-behind: a reader has not reached the end of a partition
SELECT c.name || ' ' || l.topic || '/' || l.partition, 'next is ' || coalesce(p.next, 'unset') || ', the end is ' || l."end"
FROM reader c JOIN log l ON l.topic = c.topic
LEFT JOIN progress p ON p.reader = c.name AND p.topic = l.topic AND p.partition = l.partition
WHERE l."end" > 0 AND coalesce(p.next, 0) < l."end";

-- [ACCT] offset-ahead: a reader claims records the topic does not have
SELECT p.reader || ' ' || p.topic || '/' || p.partition, 'next is ' || p.next || ', the end is ' || coalesce(l."end", 'unknown')
FROM progress p LEFT JOIN log l ON l.topic = p.topic AND l.partition = p.partition
WHERE p.next > coalesce(l."end", 0);

-- [ACCT] offset-lost: a connector passed a record which is neither applied, nor superseded by a newer version, nor a dead letter
SELECT r.topic || '/' || r.partition || ' @' || r.position, c.name || ' passed ' || r.key || ' version ' || r.version
FROM record r
JOIN reader c ON c.topic = r.topic AND c.keeps = 'state'
JOIN progress p ON p.reader = c.name AND p.topic = r.topic AND p.partition = r.partition AND r.position < p.next
LEFT JOIN state s ON s.side = 'read' AND s.topic = r.topic AND s.key = r.key
WHERE r.fault IS NULL AND coalesce(s.version, 0) < r.version
  AND NOT EXISTS (SELECT 1 FROM planted o WHERE o.topic = r.topic AND o.partition = r.partition AND o.position = r.position)
  AND NOT EXISTS (SELECT 1 FROM dead_letter d
                  WHERE d.topic = r.topic AND d.partition = r.partition AND d.position = r.position AND d.reader = c.name);

-- [ACCT] dead-letter-unknown: a dead letter of an offset its topic does not have
SELECT d.reader || ' ' || d.topic || '/' || d.partition || ' @' || d.position, d.reason
FROM dead_letter d
WHERE NOT EXISTS (SELECT 1 FROM record r WHERE r.topic = d.topic AND r.partition = d.partition AND r.position = d.position)
  AND NOT EXISTS (SELECT 1 FROM holed h WHERE h.topic = d.topic AND h.partition = d.partition);

-- [ACCT] dead-letter-doubled: an offset is in a reader's dead letters more than once
SELECT reader || ' ' || topic || '/' || partition || ' @' || position, count(*) || ' times'
FROM dead_letter GROUP BY reader, topic, partition, position HAVING count(*) > 1;

-- [ACCT] dead-letter-genuine: a reader set aside a record that an instance has published: nobody applies it any more
SELECT d.reader || ' ' || d.topic || '/' || d.partition || ' @' || d.position, r.source || ' ' || r.key || ': ' || d.reason
FROM dead_letter d
JOIN record r ON r.topic = d.topic AND r.partition = d.partition AND r.position = d.position
JOIN event e ON e.source = r.source AND e.topic = r.topic AND e.key = r.key AND e.body = r.body;

-- [SUM] projection-different: a projection's row is missing, too much or not what the rows add up to
SELECT name || ' ' || key, CASE
    WHEN shown IS NULL THEN 'missing; the rows add up to ' || computed
    WHEN computed IS NULL THEN 'too much: ' || shown
    ELSE differing(computed, shown) END
FROM (
    SELECT e.name, e.key, e.body AS computed, p.body AS shown
    FROM expected_projection e LEFT JOIN projection p ON p.name = e.name AND p.key = e.key
    WHERE e.required OR p.key IS NOT NULL
    UNION ALL
    SELECT p.name, p.key, NULL, p.body
    FROM projection p WHERE NOT EXISTS (SELECT 1 FROM expected_projection e WHERE e.name = p.name AND e.key = p.key))
WHERE shown IS NOT computed;

-- [SUM] replica-different: an instance's copy of a product is missing, too much or not the product's definition
SELECT i.name || ' ' || s.key, CASE WHEN r.key IS NULL THEN 'missing' ELSE differing(s.body, r.body) END
FROM offered s JOIN reader i ON i.keeps = 'replica'
LEFT JOIN replica r ON r.instance = i.name AND r.key = s.key
WHERE r.body IS NOT s.body
UNION ALL
SELECT instance || ' ' || key, 'too much: ' || body
FROM replica r WHERE NOT EXISTS (SELECT 1 FROM offered s WHERE s.key = r.key);

-- [STOCK] stock-negative: a stock fell below zero
SELECT key, instance || ':' || sequence || ' leaves ' || available || ' available, ' || reserved || ' reserved'
FROM stock_step WHERE available < 0 OR reserved < 0;

-- [STOCK] stock-leap: an event changed a stock in a way its type does not allow
SELECT key, instance || ':' || sequence || ' ' || type || ' moves ' || moved_available || ' available, ' || moved_reserved || ' reserved'
FROM stock_step
WHERE NOT CASE type
    WHEN 'product.registered.v1' THEN version = 1 AND reserved = 0
    WHEN 'product.restocked.v1' THEN moved_available > 0 AND moved_reserved = 0
    WHEN 'product.repriced.v1' THEN moved_available = 0 AND moved_reserved = 0
    WHEN 'product.stock-reserved.v1' THEN moved_available < 0 AND moved_reserved = -moved_available
    WHEN 'product.stock-released.v1' THEN moved_available > 0 AND moved_reserved = -moved_available
    WHEN 'product.stock-shipped.v1' THEN moved_available = 0 AND moved_reserved < 0
    ELSE 0 END;

-- [STOCK] stock-sum: what a product has left and what its orders took is not what came in
SELECT s.key, 'in ' || s.came_in || ', available ' || s.available || ', reserved ' || s.reserved
       || '; orders: shipped ' || coalesce(o.shipped, 0) || ', confirmed ' || coalesce(o.confirmed, 0) || ', pending ' || coalesce(o.pending, 0)
FROM stock s LEFT JOIN ordered o ON o.key = s.key
WHERE s.came_in <> s.available + s.reserved + coalesce(o.shipped, 0)
   OR s.reserved < coalesce(o.confirmed, 0)
   OR s.reserved > coalesce(o.confirmed, 0) + coalesce(o.pending, 0);

-- [ACK] command-lost: an acknowledged order is not in the read database
SELECT 'command ' || c.number, c.order_id
FROM command c
WHERE c.outcome = 'ok'
  AND NOT EXISTS (SELECT 1 FROM state s WHERE s.side = 'read' AND s.topic = 'orders' AND s.key = c.order_id);

-- [ACK] command-altered: an acknowledged order is not what was ordered
SELECT 'command ' || c.number, c.order_id || ': ordered by ' || c.user_id || ' ' || c.lines || ', stored for ' || o.user_id || ' ' || o.lines
FROM command c JOIN placed o ON o.key = c.order_id
WHERE c.outcome = 'ok' AND (o.user_id <> c.user_id OR o.lines <> c.lines);

-- [ACK] command-doubled: two acknowledged commands were answered with the same order
SELECT 'order ' || order_id, count(*) || ' commands'
FROM command WHERE outcome = 'ok' GROUP BY order_id HAVING count(*) > 1;

-- [ACK] command-ghost: a user of the load has more orders of one content than were acknowledged or left unknown
SELECT 'user ' || o.user_id, o.orders || ' orders of ' || o.lines || ', commands: ' || coalesce(c.ok, 0) || ' ok, ' || coalesce(c.unknown, 0) || ' unknown'
FROM (SELECT user_id, lines, count(*) AS orders FROM placed GROUP BY user_id, lines) o
LEFT JOIN (SELECT user_id, lines, sum(outcome = 'ok') AS ok, sum(outcome = 'unknown') AS unknown
           FROM command GROUP BY user_id, lines) c ON c.user_id = o.user_id AND c.lines = o.lines
WHERE o.user_id IN (SELECT user_id FROM command)
  AND o.orders > coalesce(c.ok, 0) + coalesce(c.unknown, 0);
