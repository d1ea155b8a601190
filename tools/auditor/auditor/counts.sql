-- How much each side held.
SELECT place || ' ' || topic, count(*) FROM state GROUP BY side, place, topic
UNION ALL SELECT instance || ' outbox', count(*) FROM event GROUP BY instance
UNION ALL SELECT 'topic ' || topic, count(*) FROM record GROUP BY topic
UNION ALL SELECT 'repeats in ' || topic, count(*) - count(DISTINCT source) FROM record WHERE source IS NOT NULL GROUP BY topic
UNION ALL SELECT 'read order_history', count(*) FROM history
UNION ALL SELECT 'read ' || name, count(*) FROM projection GROUP BY name
UNION ALL SELECT 'dead letters', count(*) FROM dead_letter
UNION ALL SELECT 'set aside by ' || reader, count(*) FROM dead_letter GROUP BY reader
UNION ALL SELECT instance || ' relay set aside', count(*) FROM set_aside GROUP BY instance
UNION ALL SELECT 'planted', count(*) FROM planted HAVING count(*) > 0
UNION ALL SELECT 'commands ' || outcome, count(*) FROM command GROUP BY outcome;
