#!/bin/sh
# Runs once, in the order database's first start: the service's own role and database; the superuser stays the server's.
# The password is in the environment of psql, where no other user sees it, not on its command line.
set -eu
ORDER_PASSWORD=$(cat "/run/secrets/${ORDER_INSTANCE}_password")
export ORDER_PASSWORD
psql -v ON_ERROR_STOP=1 --no-psqlrc -d postgres <<'SQL'
\getenv password ORDER_PASSWORD
CREATE ROLE order_service LOGIN PASSWORD :'password' CONNECTION LIMIT 30;
ALTER ROLE order_service SET statement_timeout = '60s';
ALTER ROLE order_service SET idle_in_transaction_session_timeout = '60s';
CREATE DATABASE orders OWNER order_service;
REVOKE ALL ON DATABASE orders, postgres, template1 FROM PUBLIC;
SQL
