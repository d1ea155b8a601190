-- What the chain of transforms makes of an order, and the order again as it was sent, for the same questions as ever.
CREATE TABLE changed_orders (
    order_id  text PRIMARY KEY,
    customer  text NOT NULL,
    status    text NOT NULL,
    lines     jsonb NOT NULL,
    amount    bigint NOT NULL,
    version   bigint NOT NULL,
    placed_at text NOT NULL,
    origin    text NOT NULL
);
CREATE VIEW orders AS
SELECT xmin, order_id, customer AS user_id, status, lines, amount AS total_cents, version,
       placed_at::timestamp AT TIME ZONE 'UTC' AS placed_at
FROM changed_orders
WHERE origin = 'shop';
