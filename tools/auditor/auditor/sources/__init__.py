"""Where the facts of an audit come from: databases and topics."""
