-- The auditor's scratch database: every side of the system as plain facts, so that each invariant is one SQL question.
-- `topic` is the topic's name without prefix (orders, products) and stands for the sort of aggregate everywhere.
-- `body` is canonical JSON (keys sorted, times as milliseconds since 1970), so equal states are equal texts.

CREATE TABLE state (        -- an aggregate's row as a side holds it now
    side TEXT NOT NULL,     -- 'write' or 'read'
    place TEXT NOT NULL,    -- the database it was read from: order-1, …, read
    topic TEXT NOT NULL,
    key TEXT NOT NULL,
    version INTEGER NOT NULL,
    body TEXT NOT NULL
);

CREATE TABLE event (        -- a row of an instance's outbox, which is its event log
    instance TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    topic TEXT NOT NULL,
    key TEXT NOT NULL,
    version INTEGER,        -- none in a message between instances
    type TEXT NOT NULL,
    body TEXT NOT NULL,
    source TEXT NOT NULL GENERATED ALWAYS AS (instance || ':' || sequence) STORED
);

CREATE TABLE record (       -- a record of a topic; what cannot be read has a `fault` and no body
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    position INTEGER NOT NULL,
    source TEXT,            -- ce_id: <instance>:<outbox sequence>
    key TEXT,
    version INTEGER,
    body TEXT,
    fault TEXT
);

CREATE TABLE log (          -- a partition as it was when its reading began
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    first INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    PRIMARY KEY (topic, partition)
) WITHOUT ROWID;

CREATE TABLE history (      -- a row of the read database's order_history
    topic TEXT NOT NULL,
    key TEXT NOT NULL,
    version INTEGER NOT NULL,
    body TEXT NOT NULL
);

CREATE TABLE projection (   -- a row of a projection in the read database
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL
);

CREATE TABLE counted (      -- an order of which the read database says that it counts in sums
    key TEXT NOT NULL
);

CREATE TABLE replica (      -- an instance's own copy of a product's definition
    instance TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL
);

CREATE TABLE reader (       -- who is meant to read which topic: a connector of the sink or an order instance
    name TEXT NOT NULL,
    topic TEXT NOT NULL,
    keeps TEXT NOT NULL     -- 'state' (a row per key), 'history' (a row per event), 'replica' or 'inbox'
);

CREATE TABLE progress (     -- how far a reader says it is, stored with what it read
    reader TEXT NOT NULL,
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    next INTEGER NOT NULL
);

CREATE TABLE dead_letter (  -- a record a reader set aside
    reader TEXT NOT NULL,
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    position INTEGER NOT NULL,
    reason TEXT NOT NULL
);

CREATE TABLE set_aside (    -- a row of an outbox that its relay does not publish for the time being
    instance TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    topic TEXT NOT NULL,
    reason TEXT NOT NULL
);

CREATE TABLE planted (      -- a record that a test has put into a topic: nobody has published it, and nothing may come of it
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    position INTEGER NOT NULL
);

CREATE TABLE command (      -- a line of a load's journal
    number INTEGER NOT NULL,
    outcome TEXT NOT NULL,  -- 'ok', 'failed' or 'unknown'
    order_id TEXT,
    user_id TEXT NOT NULL,
    lines TEXT NOT NULL     -- canonical JSON of [[product_id, quantity], …]
);
