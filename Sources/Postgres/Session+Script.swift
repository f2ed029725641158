import CPostgres

extension Session {
    /// Runs a text of several commands by the simple protocol, as migrations need it. The text is a file of ours; values
    /// have no place in it.
    func runScript(_ sql: String, _ bounds: RequestBounds) -> Result<Void, PostgresError> {
        if bounds.interruption.isRaised { return .failure(.canceled(.none)) }
        // The simple protocol is closed to a connection in pipeline mode; it is left for this one exchange.
        guard PQexitPipelineMode(connection) == 1, PQsendQuery(connection, sql) == 1 else {
            lostReason = errorText
            return .failure(.connectionLost(reason: errorText, .none))
        }
        var failure: PostgresError?
        let ending = converse(bounds) { result in
            guard let result else { return true }
            defer { PQclear(result) }
            switch PQresultStatus(result) {
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: return false
            case PGRES_FATAL_ERROR:
                let message = ServerMessage(result, characters: limits.errorTextCharacters)
                failure = failure ?? PostgresError(message, statementIndex: 0)
                return false
            default:
                failure = failure ?? .connectionLost(reason: "COPY is not supported", .unknown)
                return true
            }
        }
        // A script may have changed or dropped what stands behind any plan.
        if lostReason == nil, PQenterPipelineMode(connection) != 1 { lostReason = errorText }
        return outcome(of: ending, rows: (), failure: failure)
    }
}
