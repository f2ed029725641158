import Synchronization

/// What a worker is asked to do.
enum PoolWork: Sendable {
    case statements([PostgresStatement])
    case script(String)
    /// Begin the exclusive use of a connection until then at the latest, inside a transaction if `begin` is given.
    case lease(begin: PostgresTransactionMode?, until: MonotonicTime)
    case commit
    case rollback
    /// End an exclusive use that was no transaction.
    case close
}

/// What a worker answers.
struct PoolReply: Sendable {
    var rows: [PostgresRows] = []
    var lease: LeaseID?
}

/// One call into the pool, from its submission to its answer.
struct PoolRequest: Sendable {
    var work: PoolWork
    var operation: StaticString
    var deadline: MonotonicTime
    var submitted: MonotonicTime
    var interruption: Interruption
    /// Resumed exactly once: by whoever took the request out of `PoolState`, or was refused by it.
    var answer: CheckedContinuation<Result<PoolReply, PostgresError>, Never>

    /// When the request must end; only the interruption can end it earlier.
    var bounds: RequestBounds {
        RequestBounds(deadline: deadline, interruption: interruption)
    }
}
