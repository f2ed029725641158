extension PostgresError {
    /// Sorts a server message by its SQLSTATE into what a caller can do about it.
    init(_ message: ServerMessage, statementIndex: Int) {
        let report = PostgresServerReport(
            sqlState: message.sqlState, message: message.message, statementIndex: statementIndex)
        if message.isFatal || Self.endsSession(message.sqlState) {
            self = .connectionLost(reason: message.message, .unknown)
            return
        }
        switch message.sqlState {
        case "40001", "40P01": self = .retryable(report)
        case "23505": self = .uniqueViolation(constraint: message.constraint, report)
        case "23502": self = .constraintViolation(constraint: message.column, report)
        case let state where state.hasPrefix("23"):
            self = .constraintViolation(constraint: message.constraint, report)
        case "42501": self = .insufficientPrivilege(report)
        case "42P01": self = .undefinedTable(report)
        case "25006": self = .readOnly(report)
        case "25P02": self = .transactionAborted
        case "57014": self = .canceled(.none)
        default: self = .server(report)
        }
    }

    /// Connection exceptions and shutdowns, which libpq itself also reports by these codes or by none.
    private static func endsSession(_ sqlState: String) -> Bool {
        switch sqlState {
        case "": true
        case "57P01", "57P02", "57P03", "57P05", "25P03": true
        default: sqlState.hasPrefix("08")
        }
    }

    /// A short name for logs and metric labels; one of a fixed set.
    public var label: String {
        switch self {
        case .unavailable: "unavailable"
        case .overloaded: "overloaded"
        case .closed: "closed"
        case .deadlineExceeded: "deadline_exceeded"
        case .canceled: "canceled"
        case .connectionLost: "connection_lost"
        case .sessionEnded: "session_ended"
        case .retryable: "retryable"
        case .uniqueViolation: "unique_violation"
        case .constraintViolation: "constraint_violation"
        case .insufficientPrivilege: "insufficient_privilege"
        case .undefinedTable: "undefined_table"
        case .readOnly: "read_only"
        case .transactionAborted: "transaction_aborted"
        case .transactionControl: "transaction_control"
        case .server: "server"
        case .limitExceeded: "limit_exceeded"
        case .unencodable: "unencodable"
        case .undecodable: "undecodable"
        case .invalidConnectionString: "invalid_connection_string"
        }
    }
}
