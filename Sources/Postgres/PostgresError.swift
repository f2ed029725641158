/// Everything that can go wrong in this room, one case for each thing a caller can do something about.
///
/// No case carries a password, a parameter value or the DETAIL of a server message (which quotes column values).
public enum PostgresError: Error, Sendable, Equatable {
    /// No connection stands and none is about to: PostgreSQL is down, refuses us or cannot be reached. Said at once;
    /// nothing was sent. Serve without the database and try later.
    case unavailable(reason: String)
    /// The request queue is full. Said at once; nothing was sent.
    case overloaded(queued: Int)
    /// The pool was closed.
    case closed
    /// The deadline passed while the request waited or ran.
    case deadlineExceeded(PostgresEffect)
    /// The awaiting task was cancelled, or an administrator cancelled the statement.
    case canceled(PostgresEffect)
    /// The connection broke while the request used it. The pool reconnects by itself.
    case connectionLost(reason: String, PostgresEffect)
    /// The transaction or exclusive connection this was sent to is over: it was lost, or past its time. Nothing was sent;
    /// what the transaction had done is rolled back.
    case sessionEnded
    /// Serialization failure (40001) or deadlock (40P01): run the whole transaction again.
    case retryable(PostgresServerReport)
    /// A unique constraint or index (23505).
    case uniqueViolation(constraint: String, PostgresServerReport)
    /// A foreign key, check or exclusion constraint by its name, or a NOT NULL column by the column's (class 23).
    case constraintViolation(constraint: String, PostgresServerReport)
    /// The role may not do this (42501).
    case insufficientPrivilege(PostgresServerReport)
    /// No such table or view (42P01): the migrations have not run.
    case undefinedTable(PostgresServerReport)
    /// The server takes no writes (25006): a transaction opened for reading, or a standby, in which case the pool connects
    /// anew to find the primary.
    case readOnly(PostgresServerReport)
    /// An earlier statement of this transaction failed, so it can only be rolled back (25P02, or COMMIT answered
    /// ROLLBACK).
    case transactionAborted
    /// SQL text opened or ended a transaction behind the pool's back. The session was closed.
    case transactionControl
    /// Any other error that the server reports.
    case server(PostgresServerReport)
    /// The request is larger than `PostgresLimits` allows and was not sent; or its result is (`.resultBytes`), and its
    /// statements have taken effect.
    case limitExceeded(PostgresLimit)
    /// A value, or the SQL text, that PostgreSQL cannot hold: a zero byte in text, a time out of range.
    case unencodable(statementIndex: Int)
    /// A column that is missing or does not hold what was asked for.
    case undecodable(column: String, PostgresDecodingFailure)
    /// The connection string is not one. libpq's own words are left out because they quote it, password included.
    case invalidConnectionString
}

/// What a request that did not succeed has done to the database.
public enum PostgresEffect: Sendable, Equatable {
    /// Certainly nothing: it was never sent, or the server has said that it rolled back.
    case none
    /// It may or may not have taken place. Look, or write so that a repetition does no harm.
    case unknown
}

/// An error as the server reported it.
public struct PostgresServerReport: Sendable, Equatable {
    /// The five-character SQLSTATE code.
    public var sqlState: String
    /// The primary message, cut to `PostgresLimits.errorTextCharacters`. It may name tables and columns and quote a
    /// malformed value.
    public var message: String
    /// Which statement of a pipeline failed, from 0.
    public var statementIndex: Int

    /// A report with its three parts.
    public init(sqlState: String, message: String, statementIndex: Int) {
        self.sqlState = sqlState
        self.message = message
        self.statementIndex = statementIndex
    }
}

/// Why a column could not be decoded.
public enum PostgresDecodingFailure: Error, Sendable, Equatable {
    /// The result has no column of this name or position.
    case noSuchColumn
    /// The column is NULL and the wanted type is not optional.
    case null
    /// The wanted type does not read this PostgreSQL type; cast in SQL, as in `sum(cost)::int8` or `day::text`.
    case typeMismatch(postgresType: UInt32)
    /// The number or time does not fit into the wanted type.
    case outOfRange
    /// The bytes are not what PostgreSQL documents for this type, or not UTF-8.
    case malformed
}

/// An error that can carry a `PostgresError`, so that the body of a transaction may throw its own room's errors.
public protocol PostgresFailure: Error {
    /// Wraps an error of BEGIN, COMMIT, or of getting a connection.
    init(_ error: PostgresError)
}

extension PostgresError: PostgresFailure {
    /// The error itself.
    public init(_ error: PostgresError) {
        self = error
    }
}
