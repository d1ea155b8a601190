-- What the sink shows of itself in the target database, and what it lets others do: version 1.
--
-- The sink makes the views and functions (`sink-connector init`, or a task that may); its tables behind them are its own.
-- A view may get further columns at its end. Whatever else changes is a view or function of the next number, and this one
-- stays until nobody reads it.
--
-- Plain SQL, so that readers are tested against nothing but this: the views are tables here, the functions do nothing.

CREATE SCHEMA sink;

-- The next offset of each partition that a connector has read, committed with the rows it wrote. To be read by whoever may
-- read the rows. `connector` is its name, `topic` the topic's name in Kafka.
CREATE TABLE sink.offsets_v1 (
    connector   text,
    topic       text,
    partition   integer,
    next_offset bigint,     -- everything before it is applied, a duplicate or a dead letter; 0 or more
    epoch       bigint      -- rises whenever a task claims the partition
);

-- The records that could not be written. To be read by whoever may read the rows; headers are not shown.
CREATE TABLE sink.dead_letters_v1 (
    id          bigint,     -- rises; the order in which they were stored
    connector   text,
    topic       text,
    partition   integer,
    "offset"    bigint,
    "timestamp" timestamptz,    -- the record's own; null where it has none
    key         bytea,      -- as it was in Kafka, like `value`
    value       bytea,
    stage       text,       -- where it failed, as Kafka Connect calls the stages: VALUE_CONVERTER, TASK_PUT …
    error_class text,
    error       text,
    parked_at   timestamptz
);

-- For whoever owns the tables. Connectors are named; one without anything noted is no error.

-- Until the transaction ends the connectors commit nothing; answers their next offsets. Waits for a batch that is committing.
CREATE FUNCTION sink.hold_v1(connectors text[])
RETURNS TABLE (connector text, topic text, partition integer, next_offset bigint)
LANGUAGE sql AS $$ SELECT NULL::text, NULL::text, NULL::integer, NULL::bigint $$;

-- Deletes the connectors' offsets and dead letters; a task of theirs that still runs is refused from then on.
CREATE FUNCTION sink.forget_v1(connectors text[]) RETURNS void LANGUAGE sql AS '';

-- Side by side: offsets and dead letters of `givers` become those of `takers`, whose own dead letters go; a task of a taker
-- that still runs is refused from then on.
CREATE FUNCTION sink.take_over_v1(takers text[], givers text[]) RETURNS void LANGUAGE sql AS '';
