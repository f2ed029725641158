/// One numbered step of the schema, from a file such as `0001_tasks.sql`.
public struct PostgresMigration: Sendable, Equatable {
    /// Its place in the order, from 1 without gaps.
    public var number: Int
    /// What it is about, the file's name without number and extension.
    public var name: String
    /// The commands. They run in one transaction, so they neither begin nor end one.
    public var sql: String

    /// A step from its parts.
    public init(number: Int, name: String, sql: String) {
        self.number = number
        self.name = name
        self.sql = sql
    }

    /// A step from a file called `NNNN_name.sql`, with a number of four digits and a name of `a–z`, `0–9` and `_`.
    ///
    /// - Throws: `PostgresMigrationError.fileName`.
    public init(fileName: String, sql: String) throws(PostgresMigrationError) {
        let text = fileName.utf8
        let suffix = ".sql".utf8
        guard text.count > 5 + suffix.count, text.suffix(suffix.count).elementsEqual(suffix) else {
            throw .fileName(fileName)
        }
        let digits = text.prefix(4)
        let name = text.dropFirst(5).dropLast(suffix.count)
        let isDigit = { (byte: UInt8) in (0x30...0x39).contains(byte) }
        guard digits.allSatisfy(isDigit), text.dropFirst(4).first == UInt8(ascii: "_"),
            name.allSatisfy({ isDigit($0) || (0x61...0x7A).contains($0) || $0 == UInt8(ascii: "_") })
        else { throw .fileName(fileName) }
        let number = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        self.init(number: number, name: String(decoding: name, as: UTF8.self), sql: sql)
    }
}

/// Why the schema cannot be brought up to date.
public enum PostgresMigrationError: Error, Sendable, Equatable {
    /// The file is not called `NNNN_name.sql`.
    case fileName(String)
    /// The numbers of this binary's migrations do not run 1, 2, 3, …
    case gap(expected: Int, found: Int)
    /// The database lacks a number below one that it has.
    case gapInDatabase(missing: Int)
    /// The database has a migration that this binary does not know: a newer release has been here. Upgrade this node.
    case unknownVersion(Int)
    /// A migration was changed after it had been applied. Restore its text, and put the change into a new one.
    case changed(number: Int, name: String)
    /// A migration failed and was rolled back; those before it stay.
    case failed(number: Int, name: String, PostgresError)
    /// The database could not be asked.
    case postgres(PostgresError)
}

extension PostgresMigrationError: PostgresFailure {
    /// `.postgres`
    public init(_ error: PostgresError) {
        self = .postgres(error)
    }
}
