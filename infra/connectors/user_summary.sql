-- A user's orders that count and what they cost: what a batch has added less what it has taken away. A user whose orders all
-- count for nothing has a row all the same.
INSERT INTO user_summary AS s (user_id, orders, spend_cents, last_order_at)
SELECT user_id, sum(added), sum(added * total_cents), max(placed_at)
FROM (
    SELECT user_id, total_cents, placed_at, counts::integer AS added FROM new_orders
    UNION ALL
    SELECT user_id, total_cents, placed_at, -counts::integer FROM old_orders
) AS change
GROUP BY user_id
ORDER BY user_id
ON CONFLICT (user_id) DO UPDATE SET
    orders = s.orders + excluded.orders,
    spend_cents = s.spend_cents + excluded.spend_cents,
    last_order_at = greatest(s.last_order_at, excluded.last_order_at)
