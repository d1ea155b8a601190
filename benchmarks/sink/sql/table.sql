-- The read table of every contestant, made before it starts; nobody creates or alters it.
CREATE TABLE orders (
    order_id    text PRIMARY KEY,
    user_id     text NOT NULL,
    status      text NOT NULL,
    lines       jsonb NOT NULL,
    total_cents bigint NOT NULL,
    version     bigint NOT NULL,
    placed_at   timestamptz NOT NULL
);
