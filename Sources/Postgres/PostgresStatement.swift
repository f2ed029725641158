/// SQL text with its values. The text is constant for a given question, so that it is prepared once per connection.
public struct PostgresStatement: Sendable, Equatable {
    /// One SQL command with `$1`, `$2`, … for the values.
    public var sql: String
    /// The values, `$1` first.
    public var values: [PostgresValue]

    /// A statement from constant text and its values.
    public init(_ sql: String, _ values: [PostgresValue] = []) {
        self.sql = sql
        self.values = values
    }

    /// Bytes of text and values, as far as they count against `PostgresLimits.batchBytes`.
    var payloadBytes: Int {
        values.reduce(sql.utf8.count) { $0 + $1.payloadBytes }
    }
}

extension PostgresStatement {
    /// Refuses, on the caller's thread and before anything is queued, what could not be sent or would not fit.
    static func check(_ statements: [PostgresStatement], limits: PostgresLimits) throws(PostgresError) {
        guard statements.count <= limits.batchStatements else { throw .limitExceeded(.batchStatements) }
        var bytes = 0
        for (index, statement) in statements.enumerated() {
            guard statement.values.count <= limits.statementParameters else {
                throw .limitExceeded(.statementParameters)
            }
            bytes += statement.payloadBytes
            guard bytes <= limits.batchBytes else { throw .limitExceeded(.batchBytes) }
            guard !statement.sql.containsZeroByte, statement.values.allSatisfy(\.isEncodable) else {
                throw .unencodable(statementIndex: index)
            }
        }
    }
}

extension String {
    /// Such text would end early as a C string, and PostgreSQL has no way to hold it.
    var containsZeroByte: Bool {
        utf8.contains(0)
    }
}
