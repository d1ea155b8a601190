-- Instead of the write databases: the newest version of each key that its topic holds and its reader did not park.
INSERT INTO state (side, place, topic, key, version, body)
SELECT 'write', 'topic', topic, key, max(version), body  -- SQLite takes the body from the row that has the max()
FROM record r
WHERE fault IS NULL
  AND NOT EXISTS (SELECT 1 FROM dead_letter d WHERE d.topic = r.topic AND d.partition = r.partition AND d.position = r.position)
GROUP BY topic, key;
