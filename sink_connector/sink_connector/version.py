"""What the worker says of itself."""

VERSION = "0.2.0"

# The release of Kafka Connect whose REST API and storage topics the worker speaks; `GET /` answers with it, because
# tools choose what to ask by it.
CONNECT_VERSION = "4.3.1"
