#!/bin/sh
# Runs once, in the read database's first start: the roles and the database of infra/postgres, with the generated passwords.
set -eu
READ_OWNER_PASSWORD=$(cat /run/secrets/read_owner_password)
SINK_WRITER_PASSWORD=$(cat /run/secrets/sink_writer_password)
CATALOG_READER_PASSWORD=$(cat /run/secrets/catalog_reader_password)
export READ_OWNER_PASSWORD SINK_WRITER_PASSWORD CATALOG_READER_PASSWORD
psql --no-psqlrc --quiet -d postgres -f /infra/postgres/read.sql
