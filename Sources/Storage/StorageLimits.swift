/// Every bound of this room.
///
/// | Limit | Unit | What happens beyond |
/// |---|---|---|
/// | `batchTasks`, `batchStatements`, `batchBytes` | count, bytes | `write` takes fewer tasks, at least one |
/// | `pipelineBytes` | bytes | one task goes in several round trips of its transaction |
/// | `writeDeadline`, `readDeadline` | time | `StorageError.unavailable` |
/// | `pageTasks`, `offset` | tasks | `StorageError.invalidQuery` |
/// | `pageBytes` | bytes | the page ends early, at least one task; `next` goes on |
/// | `mergedTasks` | tasks | `StorageError.tooFarBehind` |
public struct StorageLimits: Sendable, Equatable {
    /// Tasks of one projection transaction.
    public var batchTasks = 400
    /// Statements of one projection transaction: one for each task, one for each of its executions. PostgreSQL's pool
    /// takes 1,000 in a round trip, of which two lock and advance the projection.
    public var batchStatements = 998
    /// Values of one projection transaction, in bytes.
    public var batchBytes = 4 << 20
    /// Values of one round trip, in bytes: half of what PostgreSQL's pool takes, since it counts the SQL text too.
    public var pipelineBytes = 8 << 20
    /// How long a projection transaction may take.
    public var writeDeadline = Duration.seconds(30)
    /// How long a read may take, its wait for a connection included.
    public var readDeadline = Duration.seconds(5)
    /// Tasks of one page of a list, as the HTTP contract has it.
    public var pageTasks = 1_000
    /// How far into a list an offset may reach: PostgreSQL walks over everything before it. A cursor has no such bound.
    public var offset = 1_000_000
    /// JSON of one page of a list, in bytes; the pool takes 64 MiB of results.
    public var pageBytes = 16 << 20
    /// Tasks of a tenant that PostgreSQL has not taken and that a list is still merged with: each is looked at, and its id
    /// is sent to PostgreSQL. 50,000 are 50 s of 1,000 tasks a second, and about 3 MB.
    public var mergedTasks = 50_000

    /// The documented defaults.
    public init() {}
}

/// Bounds that are part of what is stored, so that every node has the same ones.
enum SearchLimits {
    /// Words that one search may have.
    static let words = 32
    /// Bytes of a word that count; a tsvector's lexeme may have 2,046.
    static let wordBytes = 128
}
