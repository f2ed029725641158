import CPostgres

/// Which statements a session has prepared on the server, by SQL text and parameter types, least recently used first out.
///
/// A value that is NULL or text states no type, so one text may come with differing types. A preparation fits when each
/// type asked for equals the prepared one or is left to the server; where none fits, a new one with all types known so far
/// takes the place of the old, so that a text settles on one statement after few calls.
struct StatementCache {
    enum Lookup: Equatable {
        /// Prepared under this name.
        case prepared(name: String)
        /// To be prepared under this name with these types, after the names in `deallocate` have been given up.
        case prepare(name: String, types: [Oid], deallocate: [String])
    }

    private struct Entry {
        var name: String
        var types: [Oid]
        var lastUse: UInt64
    }

    private let capacity: Int
    private var entries: [String: Entry] = [:]
    /// Statements the server still has and nobody will use again.
    private var orphans: [String] = []
    private var lastUse: UInt64 = 0
    private var lastName: UInt64 = 0

    init(capacity: Int) {
        self.capacity = max(1, capacity)
    }

    var count: Int { entries.count }

    /// The statement to run for `sql`. An answer of `prepare` counts as prepared from here on; if the server then refuses,
    /// call `forget`.
    mutating func lookup(_ sql: String, types: [Oid]) -> Lookup {
        lastUse += 1
        var known = types
        if let entry = entries[sql] {
            if entry.types.count == types.count,
                zip(types, entry.types).allSatisfy({ $0 == TypeNumber.inferred || $0 == $1 })
            {
                entries[sql]?.lastUse = lastUse
                return .prepared(name: entry.name)
            }
            if entry.types.count == types.count {
                known = zip(types, entry.types).map { $0 == TypeNumber.inferred ? $1 : $0 }
            }
            orphans.append(entry.name)
        } else if entries.count >= capacity, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) {
            entries[oldest.key] = nil
            orphans.append(oldest.value.name)
        }
        lastName += 1
        let name = "s\(lastName)"
        entries[sql] = Entry(name: name, types: known, lastUse: lastUse)
        // DEALLOCATE is a statement like others: it takes the snapshot before which BEGIN or SET TRANSACTION must come
        // (SQLSTATE 25001), and fails where only ROLLBACK is heard (25P02). The next preparation takes it along.
        if Self.controlsTransaction(sql) { return .prepare(name: name, types: known, deallocate: []) }
        defer { orphans = [] }
        return .prepare(name: name, types: known, deallocate: orphans)
    }

    private static let controls: Set<String> = [
        "begin", "start", "set", "commit", "end", "rollback", "abort", "savepoint", "release", "prepare",
    ]

    /// By the first word: what opens a transaction, must be its first statement, or ends it.
    private static func controlsTransaction(_ sql: String) -> Bool {
        let word = sql.utf8.drop { !Character(UnicodeScalar($0)).isLetter }.prefix {
            Character(UnicodeScalar($0)).isLetter
        }
        return controls.contains(String(decoding: word, as: UTF8.self).lowercased())
    }

    /// The server does not have `name`: it refused to prepare it or has lost it.
    mutating func forget(_ name: String) {
        for (sql, entry) in entries where entry.name == name {
            entries[sql] = nil
        }
    }

    /// `name` is of no more use but still on the server, or a DEALLOCATE for it did not run.
    mutating func orphan(_ name: String) {
        forget(name)
        orphans.append(name)
    }

    /// The server has lost everything that was prepared (DISCARD ALL, a pooler in between).
    mutating func forgetAll() {
        entries = [:]
        orphans = []
    }
}
