/// How a transaction sees others' changes, and whether it may write.
public struct PostgresTransactionMode: Sendable, Equatable {
    /// The SQL that opens it: one of the constants here.
    let sql: String

    /// Each statement sees what was committed before it began. PostgreSQL's default.
    public static let readCommitted = PostgresTransactionMode(sql: "BEGIN ISOLATION LEVEL READ COMMITTED")
    /// All statements see one snapshot; a conflicting update is `PostgresError.retryable`.
    public static let repeatableRead = PostgresTransactionMode(sql: "BEGIN ISOLATION LEVEL REPEATABLE READ")
    /// As if transactions ran one after another; conflicts are `PostgresError.retryable`.
    public static let serializable = PostgresTransactionMode(sql: "BEGIN ISOLATION LEVEL SERIALIZABLE")
    /// One snapshot, no writes: several reads that must agree.
    public static let snapshot = PostgresTransactionMode(sql: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    var begin: PostgresStatement { PostgresStatement(sql) }
}
