-- What the roles of the read database may do and how much of it, run in that database as the administrator; may run again.
-- Plain SQL: psql runs it (read.sql), and so does an operator that makes the database (infra/k8s/examples).

-- A role that runs wild meets its own bounds before it takes the server from the others. What a program sets for its own
-- session counts instead of these.
ALTER ROLE read_owner CONNECTION LIMIT 10;
ALTER ROLE read_owner SET idle_in_transaction_session_timeout = '5min';
ALTER ROLE sink_writer CONNECTION LIMIT 30;
ALTER ROLE sink_writer SET statement_timeout = '15min';
ALTER ROLE sink_writer SET idle_in_transaction_session_timeout = '2min';
ALTER ROLE catalog_reader CONNECTION LIMIT 50;
ALTER ROLE catalog_reader SET default_transaction_read_only = on;
ALTER ROLE catalog_reader SET statement_timeout = '60s';
ALTER ROLE catalog_reader SET lock_timeout = '10s';
ALTER ROLE catalog_reader SET idle_in_transaction_session_timeout = '5min';

REVOKE ALL ON DATABASE read, postgres, template1 FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE read TO sink_writer;
GRANT CONNECT ON DATABASE read TO catalog_reader;

-- Large objects are nobody's: they belong to no table, so no privilege on one bounds them.
REVOKE EXECUTE ON FUNCTION
    lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea), lo_import(text), lo_import(text, oid)
FROM PUBLIC;

-- (NOTIFY cannot be granted or refused: whoever may connect may tell the channel anything. Its listeners take it as a hint
-- to look, never as the truth.)

-- Tables are made later, by the migrations of the catalog and of the sink, in `public` and, while a read model is rebuilt,
-- in another schema. Each gets its privileges as it is made, by what it is.
CREATE SCHEMA IF NOT EXISTS access;
GRANT USAGE ON SCHEMA access TO read_owner;

CREATE OR REPLACE FUNCTION access.grant_relation(relation regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    schema_name name; relation_name name; kind "char";
BEGIN
    SELECT n.nspname, c.relname, c.relkind INTO schema_name, relation_name, kind
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = relation AND c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname NOT LIKE 'pg\_%';
    IF NOT FOUND THEN
        RETURN;
    END IF;
    EXECUTE format('REVOKE ALL ON %s FROM sink_writer, catalog_reader', relation);
    IF relation_name = 'alembic_version' OR (schema_name = 'sink' AND kind = 'v') THEN
        -- The owner's own note of what was migrated; what the sink shows of itself (contracts/sql).
        EXECUTE format('GRANT SELECT ON %s TO catalog_reader', relation);
        RETURN;
    END IF;
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO sink_writer', relation);
    IF schema_name <> 'sink' THEN  -- its tables are nobody else's, and a record's headers may hold anything
        EXECUTE format('GRANT SELECT ON %s TO catalog_reader', relation);
    END IF;
END $$;

CREATE OR REPLACE FUNCTION access.grant_what_is_made() RETURNS event_trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    made record;
BEGIN
    IF current_user <> 'read_owner' THEN  -- the temporary tables of others are their own
        RETURN;
    END IF;
    FOR made IN
        SELECT DISTINCT classid, objid, object_identity FROM pg_event_trigger_ddl_commands()
        WHERE NOT in_extension
    LOOP
        IF made.classid = 'pg_namespace'::regclass AND made.object_identity NOT LIKE 'pg\_%' THEN
            EXECUTE format('GRANT USAGE ON SCHEMA %s TO sink_writer, catalog_reader', made.object_identity);
        ELSIF made.classid = 'pg_class'::regclass THEN
            PERFORM access.grant_relation(made.objid);
        END IF;
    END LOOP;
END $$;

DROP EVENT TRIGGER IF EXISTS grant_what_is_made;
CREATE EVENT TRIGGER grant_what_is_made ON ddl_command_end
    WHEN TAG IN ('CREATE SCHEMA', 'CREATE TABLE', 'CREATE TABLE AS', 'CREATE VIEW', 'CREATE MATERIALIZED VIEW')
    EXECUTE FUNCTION access.grant_what_is_made();

-- A database made before has had default privileges instead, and tables with too many.
ALTER DEFAULT PRIVILEGES FOR ROLE read_owner REVOKE USAGE ON SCHEMAS FROM sink_writer, catalog_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE read_owner REVOKE ALL ON TABLES FROM sink_writer, catalog_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE read_owner GRANT USAGE ON SEQUENCES TO sink_writer;
SELECT access.grant_relation(c.oid)
FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname = 'read_owner';
