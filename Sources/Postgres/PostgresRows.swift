import CPostgres

/// The result of one statement: its rows, and what the command tag says.
///
/// Sendable and cheap to copy: rows are read in place from memory that libpq filled and that is freed with the last copy.
public struct PostgresRows: Sendable, RandomAccessCollection {
    private let storage: ResultStorage?
    /// The command tag, as in `INSERT 0 1` or `SELECT 3`.
    public let commandTag: String
    /// Rows that an INSERT, UPDATE, DELETE or MERGE touched, or a SELECT gave.
    public let affectedRows: Int

    /// Position of the first row.
    public var startIndex: Int { 0 }
    /// Number of rows.
    public var endIndex: Int { storage?.rowCount ?? 0 }
    /// Names of the columns in order; empty for a command that returns no rows.
    public var columns: [String] { storage?.columns.names ?? [] }

    /// The row at `position`, which must be below `endIndex`.
    public subscript(position: Int) -> PostgresRow {
        guard let storage, position >= 0, position < storage.rowCount else {
            preconditionFailure("row \(position) of \(endIndex)")
        }
        return PostgresRow(storage: storage, row: Int32(position))
    }

    /// Takes over a successful libpq result: it is freed by this value, at once where it has no rows.
    init(consuming result: OpaquePointer) {
        commandTag = String(cString: PQcmdStatus(result))
        affectedRows = Int(String(cString: PQcmdTuples(result))) ?? 0
        if PQnfields(result) > 0 {
            storage = ResultStorage(result)
        } else {
            storage = nil
            PQclear(result)
        }
    }
}

/// One row of a result.
public struct PostgresRow: Sendable {
    fileprivate let storage: ResultStorage
    fileprivate let row: Int32

    /// Decodes the column called `name`, exactly as the result spells it.
    ///
    /// - Throws: `PostgresError.undecodable`, naming the column.
    public func decode<Value: PostgresDecodable>(
        _ name: String, as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value {
        guard let column = storage.columns.positions[name] else {
            throw .undecodable(column: name, .noSuchColumn)
        }
        return try decode(at: column, as: type)
    }

    /// Decodes the column at `position`, from 0.
    ///
    /// - Throws: `PostgresError.undecodable`, naming the column.
    public func decode<Value: PostgresDecodable>(
        at position: Int, as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value {
        guard storage.columns.names.indices.contains(position) else {
            throw .undecodable(column: "#\(position)", .noSuchColumn)
        }
        do {
            return try Value(postgresField: PostgresField(storage: storage, row: row, column: Int32(position)))
        } catch {
            throw .undecodable(column: storage.columns.names[position], error)
        }
    }
}

/// One column of one row, as the server sent it: binary format.
public struct PostgresField {
    fileprivate let storage: ResultStorage
    fileprivate let row: Int32
    fileprivate let column: Int32

    /// The number of the column's PostgreSQL type.
    public var postgresType: UInt32 { storage.columns.types[Int(column)] }
    /// Whether the column is NULL here.
    public var isNull: Bool { PQgetisnull(storage.result, row, column) == 1 }

    /// Calls `body` with the bytes, valid during the call; there are none for NULL.
    public func withBytes<Value, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let count = Int(PQgetlength(storage.result, row, column))
        let value = try body(UnsafeRawBufferPointer(start: PQgetvalue(storage.result, row, column), count: count))
        withExtendedLifetime(storage) {}
        return value
    }
}

/// Column names and types of a result, read once.
struct ResultColumns: Sendable {
    let names: [String]
    let types: [Oid]
    /// The last column of a name wins; give each its own by `AS`.
    let positions: [String: Int]

    init(_ result: OpaquePointer) {
        let count = PQnfields(result)
        names = (0..<count).map { String(cString: PQfname(result, $0)) }
        types = (0..<count).map { PQftype(result, $0) }
        positions = Dictionary(names.enumerated().map { ($1, $0) }) { $1 }
    }
}

/// Owns a `PGresult`.
///
/// Unchecked because of the pointer: libpq documents a complete PGresult as read-only and safe to use from any thread,
/// nothing here changes it, and it is freed once, when nobody refers to it any more.
private final class ResultStorage: @unchecked Sendable {
    let result: OpaquePointer
    let rowCount: Int
    let columns: ResultColumns

    init(_ result: OpaquePointer) {
        self.result = result
        rowCount = Int(PQntuples(result))
        columns = ResultColumns(result)
    }

    deinit {
        PQclear(result)
    }
}
