-- The read database and its roles, for psql as the administrator; running it again changes nothing but the passwords.
--
--   read_owner      owns the database and migrates it
--   sink_writer     reads and writes rows, makes temporary tables, no DDL
--   catalog_reader  reads
--
-- The passwords come from the environment, so that no command line shows them: READ_OWNER_PASSWORD,
-- SINK_WRITER_PASSWORD, CATALOG_READER_PASSWORD.
\set ON_ERROR_STOP on
\getenv read_owner_password READ_OWNER_PASSWORD
\getenv sink_writer_password SINK_WRITER_PASSWORD
\getenv catalog_reader_password CATALOG_READER_PASSWORD

SELECT format('CREATE ROLE %I', role)
FROM unnest(ARRAY['read_owner', 'sink_writer', 'catalog_reader']) AS role
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role)
\gexec
ALTER ROLE read_owner LOGIN PASSWORD :'read_owner_password';
ALTER ROLE sink_writer LOGIN PASSWORD :'sink_writer_password';
ALTER ROLE catalog_reader LOGIN PASSWORD :'catalog_reader_password';

SELECT 'CREATE DATABASE read OWNER read_owner'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'read')
\gexec

\connect read
\ir privileges.sql
