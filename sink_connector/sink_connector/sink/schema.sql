-- What the connector keeps in the target database besides the rows. Every statement may be run again.

-- name: create_schema
CREATE SCHEMA IF NOT EXISTS sink;

-- name: create_offsets
-- The offset each partition is to be read from next. A writer may move it only with the epoch it claimed last.
CREATE TABLE IF NOT EXISTS sink.offsets (
    connector   text    NOT NULL,
    topic       text    NOT NULL,
    partition   integer NOT NULL,
    next_offset bigint  NOT NULL,
    epoch       bigint  NOT NULL,
    topic_id    text    NOT NULL,
    PRIMARY KEY (connector, topic, partition)
) WITH (fillfactor = 50);

-- name: create_dead_letters
-- Records that could not be delivered, with the bytes they came as.
CREATE TABLE IF NOT EXISTS sink.dead_letters (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connector   text        NOT NULL,
    topic       text        NOT NULL,
    partition   integer     NOT NULL,
    "offset"    bigint      NOT NULL,
    "timestamp" timestamptz,
    key         bytea,
    value       bytea,
    headers     jsonb       NOT NULL,
    stage       text        NOT NULL,
    error_class text        NOT NULL,
    error       text        NOT NULL,
    parked_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (connector, topic, partition, "offset")
);

-- name: create_dead_letters_by_key
-- Who waits for a certain record asks whether it is a dead letter. A hash takes keys of any length.
DROP INDEX IF EXISTS sink.dead_letters_by_key;
CREATE INDEX IF NOT EXISTS dead_letters_by_key_hash ON sink.dead_letters USING hash (key);

-- name: is_ready
SELECT to_regclass('sink.offsets') IS NOT NULL AND to_regclass('sink.dead_letters_by_key_hash') IS NOT NULL;
