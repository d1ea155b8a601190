#!/bin/sh
# A setting may come as a secret file: NAME_FILE=/run/secrets/x sets NAME to what x says, as the PostgreSQL image does it.
set -eu
for setting in $(env | sed -n 's|^\([A-Z][A-Z0-9_]*\)_FILE=/run/secrets/.*|\1|p'); do
    eval "file=\$${setting}_FILE"
    export "$setting=$(cat "$file")"
    unset "${setting}_FILE"
done
exec python -m "$@"
