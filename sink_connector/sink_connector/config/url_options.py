"""Options of PostgreSQL URLs that change nothing here, or that a sink cannot honour."""

# pgjdbc's options about its own caches, buffers and result sets, which this sink has not, or what it does in any case.
JDBC_IGNORED = frozenset(
    {
        "adaptiveFetch", "adaptiveFetchMaximum", "adaptiveFetchMinimum", "allowEncodingChanges", "assumeMinServerVersion",
        "autosave", "binaryTransfer", "binaryTransferDisable", "binaryTransferEnable", "cancelSignalTimeout",
        "cleanupSavepoints", "convertBooleanToNumeric", "databaseMetadataCacheFields", "databaseMetadataCacheFieldsMiB",
        "defaultRowFetchSize", "disableColumnSanitiser", "escapeSyntaxCallMode", "gssEncMode", "gssResponseTimeout",
        "groupStartupParameters", "hideUnprivilegedObjects", "hostRecheckSeconds", "includeThreadTime", "jaasLogin",
        "loadBalanceHosts", "localSocketAddress", "logLevel", "loggerFile", "loggerLevel", "logServerErrorDetail",
        "logUnclosedConnections", "maxResultBuffer", "maxSendBufferSize", "PGDBNAME", "PGHOST", "PGPORT",
        "preparedStatementCacheQueries", "preparedStatementCacheSizeMiB", "protocolVersion", "queryTimeout",
        "quoteReturningIdentifiers", "readOnlyMode", "receiveBufferSize", "reWriteBatchedInserts", "sendBufferSize",
        "sslResponseTimeout", "stringtype", "tcpKeepAlive", "tcpNoDelay", "unknownLength", "useSpnego", "xmlFactoryFactory",
        "channelBinding",
    }
)  # fmt: skip

LIBPQ_IGNORED = frozenset(
    {
        "client_encoding", "fallback_application_name", "gssencmode", "keepalives", "keepalives_count", "keepalives_idle",
        "keepalives_interval", "load_balance_hosts", "sslcompression", "sslsni", "tcp_user_timeout", "channel_binding",
    }
)  # fmt: skip

# With the reason.
NOT_SUPPORTED = {
    "authenticationPluginClassName": "it names a Java class",
    "socketFactory": "it names a Java class",
    "socketFactoryArg": "it belongs to a Java class",
    "sslfactoryarg": "it belongs to a Java class",
    "sslhostnameverifier": "it names a Java class; sslmode=verify-ca checks the certificate without the host",
    "sslpasswordcallback": "it names a Java class",
    "jaasApplicationName": "there is no JAAS here",
    "sspiServiceClass": "there is no SSPI here",
    "gsslib": "there is no GSSAPI here",
    "hostaddr": "the address is to be written as the host",
    "requirepeer": "it cannot be checked here",
    "require_auth": "it cannot be checked here",
    "replication": "a sink writes rows",
}
