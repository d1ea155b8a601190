"""answers_tls.py PORT PATH: exit code 0 when GET PATH over https on this container's PORT gives 200, as answers.sh over http."""

import http.client
import ssl
import sys

CAFILE = "/run/secrets/ca.pem"


def main(port: str, path: str) -> bool:
    """Whether it does."""
    context = ssl.create_default_context(cafile=CAFILE)
    connection = http.client.HTTPSConnection("localhost", int(port), context=context, timeout=4)
    connection.request("GET", path)
    return connection.getresponse().status == http.HTTPStatus.OK


if __name__ == "__main__":
    sys.exit(not main(*sys.argv[1:]))
