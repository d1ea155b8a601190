#!/bin/sh
# Runs once, in the order database's first start: the service's own role and database; the superuser stays the server's.
set -eu
password=$(cat "/run/secrets/${ORDER_INSTANCE}_password")
psql -v ON_ERROR_STOP=1 -v password="$password" --no-psqlrc -d postgres <<'SQL'
CREATE ROLE order_service LOGIN PASSWORD :'password';
CREATE DATABASE orders OWNER order_service;
REVOKE ALL ON DATABASE orders, postgres FROM PUBLIC;
SQL
