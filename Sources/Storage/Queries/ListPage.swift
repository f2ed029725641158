import ClusterState
import Telemetry

/// Merges a page of the list from what PostgreSQL and the live state have of it. A value; nothing here talks to
/// PostgreSQL.
struct ListPage {
    /// A row's place in the list and what it weighs.
    struct Row {
        let place: TaskListCursor
        let bytes: Int
    }

    enum Entry {
        case row(Row)
        case live(LiveOverlay.Match)

        var place: TaskListCursor {
            switch self {
            case .row(let row): row.place
            case .live(let match): match.place
            }
        }

        fileprivate var bytes: Int {
            switch self {
            case .row(let row): row.bytes
            case .live(let match): Int(clamping: match.view.record.storedBytes)
            }
        }
    }

    /// Rows that PostgreSQL is to leave out at the beginning, and how many to give at most.
    ///
    /// With m live tasks among them, the first `offset` of the merged list hold at least `offset - m` rows: those need not
    /// be fetched. One more than the limit tells whether the list goes on.
    static func window(_ query: TaskListQuery, live: Int) -> (skipped: Int, count: Int) {
        switch query.start {
        case .offset(let offset):
            let overlap = min(offset, live)
            return (offset - overlap, overlap + query.limit + 1)
        case .after:
            return (0, query.limit + 1)
        }
    }

    private(set) var entries: [Entry] = []
    private(set) var hasMore = false

    init(_ query: TaskListQuery, rows: [Row], live: [LiveOverlay.Match], limits: StorageLimits) {
        var live = live[...]
        var dropped = 0
        switch query.start {
        case .offset(let offset): dropped = min(offset, live.count)
        case .after(let cursor): live = live.drop { !cursor.precedes($0.place) }
        }
        var rows = rows[...]
        var bytes = 0
        while let entry = Self.nextEntry(&rows, &live) {
            if dropped > 0 {
                dropped -= 1
                continue
            }
            let weight = query.detail == .full ? entry.bytes : 0
            guard entries.count < query.limit, entries.isEmpty || bytes + weight <= limits.pageBytes else {
                hasMore = true
                return
            }
            bytes += weight
            entries.append(entry)
        }
    }

    private static func nextEntry(
        _ rows: inout ArraySlice<Row>, _ live: inout ArraySlice<LiveOverlay.Match>
    ) -> Entry? {
        switch (rows.first, live.first) {
        case (nil, nil): return nil
        case (let row?, nil):
            rows.removeFirst()
            return .row(row)
        case (nil, let match?):
            live.removeFirst()
            return .live(match)
        case (let row?, let match?):
            if match.place.precedes(row.place) {
                live.removeFirst()
                return .live(match)
            }
            rows.removeFirst()
            return .row(row)
        }
    }

    var rowIDs: [String] {
        entries.compactMap { if case .row(let row) = $0 { row.place.taskID } else { nil } }
    }

    var next: TaskListCursor? { hasMore ? entries.last?.place : nil }
}
