public import ClusterState
public import Postgres

/// Everything that can go wrong in this room, one case for each thing a caller can do something about.
public enum StorageError: Error, Sendable, Equatable {
    /// PostgreSQL is down, a standby, overloaded or too slow. Do without it and try later. A write may have taken place
    /// all the same; repeating it does no harm.
    case unavailable(reason: String)
    /// The tables are missing: `StorageSchema.migrate`.
    case notMigrated
    /// A newer release has migrated the database. Upgrade this node.
    case newerSchema(version: Int)
    /// The database belongs to another cluster. It is neither written nor read.
    case foreignDatabase(clusterID: String)
    /// A newer generation of this cluster has used the database. It is neither written nor read.
    case newerGeneration(UInt16)
    /// Another projector has gone on from the watermark that a write was based on, to this one. Nothing was written.
    case ahead(Revision)
    /// PostgreSQL has lost what it had after this revision, as after an asynchronous failover. Nothing was written: the
    /// gap must be projected again first (`ProjectionRewound`).
    case behind(Revision)
    /// So many tasks wait for PostgreSQL that a list cannot be merged with them. The live state has the newest.
    case tooFarBehind(tasks: Int)
    /// A value that the query may not have.
    case invalidQuery(field: String)
    /// PostgreSQL refuses this task even without its JSON. Nothing of the batch was written.
    case unwritable(TaskKey, reason: String)
    /// Anything else that PostgreSQL reports.
    case failed(reason: String)

    /// A short name for logs and metric labels; one of a fixed set.
    public var label: String {
        switch self {
        case .unavailable: "unavailable"
        case .notMigrated: "not_migrated"
        case .newerSchema: "newer_schema"
        case .foreignDatabase: "foreign_database"
        case .newerGeneration: "newer_generation"
        case .ahead: "ahead"
        case .behind: "behind"
        case .tooFarBehind: "too_far_behind"
        case .invalidQuery: "invalid_query"
        case .unwritable: "unwritable"
        case .failed: "failed"
        }
    }
}

extension StorageError {
    /// What the state only names could not be had: a fresh state may say why.
    init(_ error: PayloadError) {
        self = .unavailable(reason: "a payload cannot be read: \(error)")
    }
}

extension StorageError: PostgresFailure {
    /// Sorts a client error by what a caller of this room can do about it.
    public init(_ error: PostgresError) {
        switch error {
        case .unavailable(let reason), .connectionLost(let reason, _):
            self = .unavailable(reason: reason)
        case .overloaded, .closed, .deadlineExceeded, .canceled, .sessionEnded, .retryable, .readOnly:
            self = .unavailable(reason: error.label)
        case .undefinedTable:
            self = .notMigrated
        case .server(let report):
            self = Self(report)
        case .uniqueViolation(_, let report), .constraintViolation(_, let report), .insufficientPrivilege(let report):
            self = .failed(reason: "\(error.label): \(report.sqlState) \(report.message)")
        case .transactionAborted, .transactionControl, .limitExceeded, .unencodable, .undecodable,
            .invalidConnectionString:
            self = .failed(reason: error.label)
        }
    }

    private init(_ report: PostgresServerReport) {
        if let refusal = ProjectionRefusal(rawValue: report.sqlState), let error = refusal.error(report.message) {
            self = error
            return
        }
        switch report.sqlState {
        // A column or function that only a later migration brings.
        case "42703", "42883": self = .notMigrated
        // Out of disk, memory or connections; an operator's hand; I/O errors below the server.
        case let state where ["53", "57", "58"].contains(state.prefix(2)): self = .unavailable(reason: report.message)
        default: self = .failed(reason: "\(report.sqlState) \(report.message)")
        }
    }

    init(_ error: PostgresMigrationError) {
        switch error {
        case .postgres(let error): self = Self(error)
        case .unknownVersion(let version): self = .newerSchema(version: version)
        case .failed(let number, let name, let error):
            if case .unavailable(let reason) = Self(error) {
                self = .unavailable(reason: reason)
            } else {
                self = .failed(reason: "migration \(number) \(name): \(error.label)")
            }
        case .fileName, .gap, .gapInDatabase, .changed: self = .failed(reason: "\(error)")
        }
    }
}

/// What `projection_lock` raises, by SQLSTATE. The message is the value that it found.
enum ProjectionRefusal: String {
    case foreignDatabase = "AM001"
    case newerGeneration = "AM002"
    case ahead = "AM003"
    case behind = "AM004"

    /// Nil if the message is not what the function says.
    func error(_ found: String) -> StorageError? {
        switch self {
        case .foreignDatabase: .foreignDatabase(clusterID: found)
        case .newerGeneration: UInt16(found).map { .newerGeneration($0) }
        case .ahead: UInt64(found).map { .ahead(Revision(rawValue: $0)) }
        case .behind: UInt64(found).map { .behind(Revision(rawValue: $0)) }
        }
    }
}
