import Glibc
import Testing
import WriteAheadLog

enum TestLog {
    /// Segments of four KiB: header, six sectors for frames, compaction reserve; rollovers come soon.
    static let limits = DurableLog.Limits(
        maximumPayloadBytes: 1024, maximumFrameBytes: 1536, segmentBytes: 4096, zeroFillBytes: 4096,
        readAheadBytes: 2048)
    static let owner = LogOwner(clusterID: "test-cluster", nodeID: 7)
    static let incarnation: UInt64 = 0xabcd_0123

    static func open(
        _ storage: any LogStorage, owner: LogOwner = owner, limits: DurableLog.Limits = limits,
        whenEmpty: DurableLog.WhenEmpty = .format(incarnation: incarnation)
    ) throws(WriteAheadLogError) -> DurableLog.Opened {
        try DurableLog.open(in: storage, owner: owner, whenEmpty: whenEmpty, limits: limits)
    }

    static func entry(_ index: UInt64, term: UInt64 = 1, bytes: Int = 40) -> LogRecord {
        .entry(index: index, term: term, payload: payload(index, bytes: bytes)[...])
    }

    /// Bytes that tell one entry from another.
    static func payload(_ index: UInt64, bytes: Int) -> [UInt8] {
        (0..<bytes).map { UInt8(truncatingIfNeeded: UInt64($0) &* 31 &+ index &* 7 &+ 1) }
    }

    /// What a recovery gives for entries made by `entry`.
    static func entries(_ indices: ClosedRange<UInt64>, bytes: Int) -> [RecoveredLog.Entry] {
        indices.map { RecoveredLog.Entry(index: $0, term: 1, payload: payload($0, bytes: bytes)[...]) }
    }

    static func segmentName(_ sequence: UInt64) -> String {
        let digits = String(sequence)
        return String(repeating: "0", count: 20 - digits.count) + digits + ".wal"
    }
}

extension DurableLog {
    /// Appends all records, in as many frames as they need, and syncs.
    func write(_ records: [LogRecord]) throws(WriteAheadLogError) {
        var rest = records[...]
        while !rest.isEmpty {
            rest = rest.dropFirst(try append(rest))
            try sync()
        }
    }
}

/// A folder of the real file system, removed at the end.
final class TemporaryFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/amas-wal-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { mkdtemp($0.baseAddress!) != nil }
        try #require(made, "a temporary folder can be made")
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    deinit {
        for name in (try? PosixLogStorage(readingFolder: path).list()) ?? [] { unlink("\(path)/\(name)") }
        rmdir(path)
    }
}
