import Foundation
import Logging
import Raft
import Synchronization
import Testing
import WriteAheadLog

@testable import RaftServer

@Suite("Snapshot files")
struct SnapshotStoreTests {
    struct Bytes: StateImage {
        var bytes: [UInt8]
        func write(to sink: (ArraySlice<UInt8>) throws -> Void) throws { try sink(bytes[...]) }
    }

    static let membership = Membership(voters: [NodeID(1), NodeID(2), NodeID(3)])

    static func descriptor(_ index: UInt64, term: UInt64 = 1) -> SnapshotDescriptor {
        SnapshotDescriptor(position: LogPosition(index: LogIndex(index), term: Term(term)), membership: membership)
    }

    static func withStore(_ body: (SnapshotStore) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "amas-snapshots-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let storage = try PosixLogStorage(folder: folder)
        try body(SnapshotStore(folder: folder, payloads: try PayloadStore.open(in: storage)))
    }

    private func files(_ store: SnapshotStore) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: store.folder).count
    }

    @Test("what was saved is found again, and replaces what came before")
    func newest() throws {
        try Self.withStore { store in
            #expect(try store.newest(beforeLogFrom: .zero) == nil)
            _ = try store.save(Self.descriptor(5), image: Bytes(bytes: [1]))
            let saved = try #require(try store.save(Self.descriptor(9), image: Bytes(bytes: [1, 2, 3])))
            let found = try #require(try store.newest(beforeLogFrom: LogIndex(9)))
            #expect(found == saved)
            #expect(found.descriptor == Self.descriptor(9))
            #expect(
                try SnapshotFile(reading: found.path).read(at: found.body.lowerBound, count: found.body.count) == [
                    1, 2, 3,
                ])
            #expect(try files(store) == 1)
        }
    }

    @Test("one that was overtaken while it was written does not displace the newer one")
    func overtaken() throws {
        try Self.withStore { store in
            let newer = try #require(try store.save(Self.descriptor(9), image: Bytes(bytes: [9])))
            #expect(try store.save(Self.descriptor(5), image: Bytes(bytes: [5])) == nil)
            #expect(try store.newest(beforeLogFrom: LogIndex(9)) == newer)
            #expect(try files(store) == 1)
        }
    }

    @Test("every flipped bit and every missing end is damage, never another state")
    func damage() throws {
        try Self.withStore { store in
            let saved = try #require(try store.save(Self.descriptor(5), image: Bytes(bytes: Array(0..<64))))
            let whole = try #require(FileManager.default.contents(atPath: saved.path))
            let path = URL(fileURLWithPath: saved.path)
            for place in 0..<(whole.count * 8) {
                var bytes = whole
                bytes[place / 8] ^= 1 << UInt8(place % 8)
                try bytes.write(to: path)
                #expect(throws: SnapshotStore.Failure.self) { try store.open(saved.path) }
            }
            for length in 0..<whole.count {
                try whole.prefix(length).write(to: path)
                #expect(throws: SnapshotStore.Failure.self) { try store.open(saved.path) }
            }
        }
    }

    @Test("an older one stands in for a damaged one only where the log goes on from it")
    func olderOne() throws {
        try Self.withStore { store in
            let older = try #require(try store.save(Self.descriptor(5), image: Bytes(bytes: [5])))
            let kept = store.folder + "/kept"
            try FileManager.default.copyItem(atPath: older.path, toPath: kept)
            let newer = try #require(try store.save(Self.descriptor(9), image: Bytes(bytes: [9])))
            // As if the process had died between the new name and the removal of the old one.
            try FileManager.default.moveItem(atPath: kept, toPath: older.path)
            try flipByte(in: newer.path)
            #expect(throws: SnapshotStore.Failure.self) { try store.newest(beforeLogFrom: LogIndex(6)) }
            #expect(try store.newest(beforeLogFrom: LogIndex(5)) == older)
            // The damaged one no longer counts as the newest.
            #expect(try store.save(Self.descriptor(7), image: Bytes(bytes: [7])) != nil)
        }
    }
}

extension SnapshotStore {
    /// Of an image that is taken and written now.
    func save(_ descriptor: SnapshotDescriptor, image: any StateImage) throws -> Stored? {
        try save(descriptor, image: image, mark: payloads.mark())
    }
}

extension PayloadStore {
    /// Of a node that has none.
    static var nowhere: PayloadStore {
        do {
            return try PayloadStore.open(in: EmptyFolder())
        } catch {
            preconditionFailure("an empty folder has no segments: \(error)")
        }
    }
}

private struct EmptyFolder: LogStorage {
    let folder = "nowhere"

    func list() throws(StorageError) -> [String] { [] }
    func open(_ name: String) throws(StorageError) -> any LogFile { throw refused(.open, name) }
    func create(_ name: String) throws(StorageError) -> any LogFile { throw refused(.create, name) }
    func rename(_ name: String, to newName: String) throws(StorageError) { throw refused(.rename, name) }
    func remove(_ name: String) throws(StorageError) { throw refused(.remove, name) }
    func syncDirectory() throws(StorageError) {}

    private func refused(_ operation: StorageError.Operation, _ name: String) -> StorageError {
        StorageError(operation: operation, file: name, code: EROFS)
    }
}

@Suite("Receiving a snapshot")
struct SnapshotAssemblyTests {
    private struct Source {
        var file: [UInt8]
        var position: LogPosition

        init(_ index: UInt64, _ bytes: [UInt8]) throws {
            var file: [UInt8] = []
            try SnapshotStoreTests.withStore { store in
                let descriptor = SnapshotStoreTests.descriptor(index)
                let saved = try #require(try store.save(descriptor, image: SnapshotStoreTests.Bytes(bytes: bytes)))
                file = try SnapshotFile(reading: saved.path).read(
                    at: 0, count: SnapshotFile(reading: saved.path).length)
            }
            self.file = file
            position = SnapshotStoreTests.descriptor(index).position
        }

        func chunk(at offset: Int, count: Int = 10, term: UInt64 = 1) -> SnapshotChunk {
            SnapshotChunk(
                leaderTerm: Term(term), position: position, fileLength: file.count, offset: offset,
                bytes: file[offset..<min(offset + count, file.count)])
        }
    }

    @Test("chunks make the file; lost, repeated and early ones are told from where to go on")
    func chunks() throws {
        let source = try Source(5, Array(0..<100))
        try SnapshotStoreTests.withStore { store in
            var assembly = SnapshotAssembly(store: store)
            #expect(try assembly.take(source.chunk(at: 0))?.length == 10)
            #expect(try assembly.take(source.chunk(at: 0))?.length == 10)
            #expect(try assembly.take(source.chunk(at: 30))?.length == 10)
            var length = 10
            while length < source.file.count {
                let progress = try #require(try assembly.take(source.chunk(at: length)))
                #expect((progress.complete != nil) == (progress.length == source.file.count))
                length = progress.length
            }
            #expect(try store.open(store.receivingPath).descriptor == SnapshotStoreTests.descriptor(5))
        }
    }

    @Test("a newer leader's or a newer snapshot begins anew; late chunks of the older one are no answer's worth")
    func replaced() throws {
        let (older, newer) = (try Source(5, Array(0..<100)), try Source(9, Array(0..<90)))
        try SnapshotStoreTests.withStore { store in
            var assembly = SnapshotAssembly(store: store)
            _ = try assembly.take(older.chunk(at: 0))
            #expect(try assembly.take(newer.chunk(at: 0))?.length == 10)
            #expect(try assembly.take(older.chunk(at: 10)) == nil)
            #expect(try assembly.take(newer.chunk(at: 10))?.length == 20)
            // A leader of a later term may have the older one only.
            #expect(try assembly.take(older.chunk(at: 0, term: 2))?.length == 10)
            #expect(try assembly.take(newer.chunk(at: 20)) == nil)
        }
    }

    @Test("a file that is not what it claims to be is damage, and the next attempt begins anew")
    func damaged() throws {
        let source = try Source(5, Array(0..<100))
        try SnapshotStoreTests.withStore { store in
            var assembly = SnapshotAssembly(store: store)
            var bad = source
            bad.file[60] ^= 1
            _ = try assembly.take(bad.chunk(at: 0, count: 100))
            #expect(throws: SnapshotStore.Failure.self) { try assembly.take(bad.chunk(at: 100, count: 1000)) }
            _ = try assembly.take(source.chunk(at: 0, count: 100))
            #expect(try assembly.take(source.chunk(at: 100, count: 1000))?.complete != nil)
        }
    }
}

@Suite("Sending a snapshot")
struct SnapshotSenderTests {
    @Test("a new stream to a member ends the one before, and each reports under its own number")
    func twoStreams() async throws {
        let finished = Finished()
        let folder = NSTemporaryDirectory() + "amas-snapshots-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = SnapshotStore(folder: folder, payloads: .nowhere)
        let image = SnapshotStoreTests.Bytes(bytes: [UInt8](repeating: 7, count: 5000))
        let stored = try #require(try store.save(SnapshotStoreTests.descriptor(5), image: image))
        var limits = ServerLimits()
        limits.snapshotChunkBytes = 1000
        limits.snapshotPatienceMilliseconds = 1_000_000
        let sender = SnapshotSender(
            store: .nowhere, limits: limits, logger: .init(label: "test") { _ in LogRecorder().handler },
            send: { bytes, _ in
                finished.sent(SnapshotChunk(decoding: bytes))
                return .queued
            }, finished: { finished.ended($0, $1) })
        let peer = NodeID(2)
        sender.start(.init(peer: peer, number: 1), stored: stored, leaderTerm: Term(1))
        await condition { finished.chunks.count == 1 }
        sender.start(.init(peer: peer, number: 2), stored: stored, leaderTerm: Term(1))
        await condition { finished.outcomes[1] == false && finished.chunks.count == 2 }
        // What is said of another snapshot does not move this one.
        sender.received(.init(position: LogPosition(index: LogIndex(4), term: Term(1)), length: 5000), by: peer)
        let position = stored.descriptor.position
        let length = try #require(finished.chunks.last).fileLength
        // The receiver has more than was sent in this stream: it goes on from there.
        sender.received(.init(position: position, length: 3000), by: peer)
        await condition { finished.chunks.last?.offset == 3000 }
        sender.received(.init(position: position, length: length), by: peer)
        await condition { finished.outcomes[2] == true }
        #expect(finished.chunks.map(\.offset) == [0, 0, 3000])
    }

    @Test("who receives nothing is given up, and stopping ends every stream")
    func givenUp() async throws {
        let finished = Finished()
        let folder = NSTemporaryDirectory() + "amas-snapshots-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let stored = try #require(
            try SnapshotStore(folder: folder, payloads: .nowhere).save(
                SnapshotStoreTests.descriptor(5), image: SnapshotStoreTests.Bytes(bytes: [1])))
        var limits = ServerLimits()
        limits.snapshotPatienceMilliseconds = 50
        let sender = SnapshotSender(
            store: .nowhere, limits: limits, logger: .init(label: "test") { _ in LogRecorder().handler },
            send: { _, _ in .full },
            finished: { finished.ended($0, $1) })
        sender.start(.init(peer: NodeID(2), number: 1), stored: stored, leaderTerm: Term(1))
        await condition { finished.outcomes[1] == false }
        sender.stopAll()
    }
}

private final class Finished: Sendable {
    private let state = Mutex<(chunks: [SnapshotChunk], outcomes: [UInt64: Bool])>(([], [:]))
    var chunks: [SnapshotChunk] { state.withLock { $0.chunks } }
    var outcomes: [UInt64: Bool] { state.withLock { $0.outcomes } }

    func sent(_ chunk: SnapshotChunk?) {
        state.withLock { state in if let chunk { state.chunks.append(chunk) } }
    }

    func ended(_ stream: SnapshotSender.Stream, _ succeeded: Bool) {
        state.withLock { $0.outcomes[stream.number] = succeeded }
    }
}
