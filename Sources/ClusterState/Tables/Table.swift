import SwiftProtobuf

/// The numbers of the tables in the hash chain and in snapshots. Never reused.
enum TableID: UInt8, CaseIterable, Sendable {
    case cluster = 1
    case nodes = 2
    case sessions = 3
    case outcomes = 4
    case idempotency = 5
    case specs = 6
    case tasks = 7
    case steps = 8
    case results = 9
    case tombstones = 10
    case buckets = 11
    case events = 12
    case flows = 13
    case priorities = 14
    case work = 15
    case totals = 16
    case members = 17
    case uploads = 18
}

/// A record in a table: shared by every copy of the state, never changed.
final class Row<Record: SwiftProtobuf.Message & Sendable>: Sendable {
    let record: Record
    /// Bytes of the canonical encoding.
    let byteCount: Int

    init(record: Record, byteCount: Int) {
        self.record = record
        self.byteCount = byteCount
    }
}

/// One table of the replicated state. Nothing else in the state is replicated, and a row changes only here, where the
/// change also enters the hash chain: what is hashed, what a snapshot carries and what is applied cannot differ.
struct Table<Key: TableKey, Record: SwiftProtobuf.Message & Sendable>: Sendable {
    let id: TableID
    private(set) var rows = OrderedMap<Key, Row<Record>>()

    init(_ id: TableID) {
        self.id = id
    }

    var count: Int { rows.count }
    var isEmpty: Bool { rows.isEmpty }

    subscript(key: Key) -> Record? { rows[key]?.record }

    /// Returns the bytes of the record's canonical encoding.
    @discardableResult
    mutating func put(_ record: Record, at key: Key, _ changes: inout ChangeLog) -> Int {
        let byteCount = changes.put(table: id, key: key, record: record)
        rows.updateValue(Row(record: record, byteCount: byteCount), forKey: key)
        return byteCount
    }

    /// Returns the row that was there.
    @discardableResult
    mutating func remove(_ key: Key, _ changes: inout ChangeLog) -> Row<Record>? {
        guard let row = rows.removeValue(forKey: key) else { return nil }
        changes.remove(table: id, key: key)
        return row
    }

    /// Puts back a row of a snapshot. Nil if the bytes are not those of a key and a record.
    mutating func restore(key: ArraySlice<UInt8>, record: ArraySlice<UInt8>) -> (key: Key, record: Record)? {
        guard let key = Key(bytes: key), let value = try? Record(serializedBytes: [UInt8](record)),
            !UnknownFields.exist(in: value)
        else { return nil }
        rows.updateValue(Row(record: value, byteCount: record.count), forKey: key)
        return (key, value)
    }
}
