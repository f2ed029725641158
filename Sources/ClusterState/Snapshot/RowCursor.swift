import SwiftProtobuf

/// Walks over the rows of all tables in the order of a snapshot. It holds a copy of the state, which is free, and may be
/// used while the original is applied to.
struct RowCursor: Sendable {
    private let tables: Tables
    private var remaining = ArraySlice(TableID.allCases)
    private var current: AnyRows?

    init(_ tables: Tables) {
        self.tables = tables
    }

    /// Appends the next row in the form of the snapshot; false at the end.
    mutating func appendNext(to bytes: inout [UInt8]) -> Bool {
        while true {
            if var rows = current {
                current = nil
                let found = rows.appendNext(to: &bytes)
                if found {
                    current = rows
                    return true
                }
            }
            guard let table = remaining.popFirst() else { return false }
            current = rows(of: table)
        }
    }

    private func rows(of table: TableID) -> AnyRows {
        switch table {
        case .cluster: AnyRows(tables.cluster)
        case .nodes: AnyRows(tables.nodes)
        case .sessions: AnyRows(tables.sessions)
        case .outcomes: AnyRows(tables.outcomes)
        case .idempotency: AnyRows(tables.idempotency)
        case .specs: AnyRows(tables.specs)
        case .tasks: AnyRows(tables.tasks)
        case .steps: AnyRows(tables.steps)
        case .results: AnyRows(tables.results)
        case .tombstones: AnyRows(tables.tombstones)
        case .buckets: AnyRows(tables.buckets)
        case .events: AnyRows(tables.events)
        case .flows: AnyRows(tables.flows)
        case .priorities: AnyRows(tables.priorities)
        case .work: AnyRows(tables.work)
        case .totals: AnyRows(tables.totals)
        case .members: AnyRows(tables.members)
        case .uploads: AnyRows(tables.uploads)
        }
    }
}

/// The rows of one table, whatever its types.
private struct AnyRows: Sendable {
    private var source: any RowSource

    init<Key, Record>(_ table: Table<Key, Record>) {
        source = TableRows(id: table.id, rows: table.rows.makeIterator())
    }

    mutating func appendNext(to bytes: inout [UInt8]) -> Bool { source.appendNext(to: &bytes) }
}

private protocol RowSource: Sendable {
    mutating func appendNext(to bytes: inout [UInt8]) -> Bool
}

private struct TableRows<Key: TableKey, Record: SwiftProtobuf.Message & Sendable>: RowSource {
    let id: TableID
    var rows: OrderedMap<Key, Row<Record>>.Iterator
    private var encoder = CanonicalEncoder()

    init(id: TableID, rows: OrderedMap<Key, Row<Record>>.Iterator) {
        self.id = id
        self.rows = rows
    }

    mutating func appendNext(to bytes: inout [UInt8]) -> Bool {
        guard let (key, row) = rows.next() else { return false }
        var keyBytes: [UInt8] = []
        key.append(to: &keyBytes)
        encoder.clear()
        encoder.append(row.record)
        precondition(encoder.bytes.count == row.byteCount, "a record encodes the same each time")
        bytes.append(id.rawValue)
        bytes.appendBigEndian(UInt32(keyBytes.count))
        bytes.appendBigEndian(UInt32(row.byteCount))
        bytes.append(contentsOf: keyBytes)
        bytes.append(contentsOf: encoder.bytes)
        return true
    }
}
