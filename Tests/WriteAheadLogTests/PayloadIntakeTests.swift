import Testing

@testable import WriteAheadLog

@Suite("Payloads on their way to another node")
struct PayloadIntakeTests {
    private let source: PayloadStore
    private let manifest: PayloadManifest
    private let view: PayloadView

    init() throws {
        source = try PayloadStore.open(in: VirtualDisk())
        source.put(1...10)
        manifest = try source.snapshot(1...10)
        view = try source.view(of: manifest)
    }

    /// Sends until nothing is missing, or so many chunks. Returns the bytes that were sent.
    private func send(_ intake: inout PayloadIntake, pieces: Int, chunks: Int = .max) throws -> Int {
        var view = view
        var sent = 0
        var left = chunks
        while left > 0, let offset = intake.nextOffset {
            let bytes = try view.read(at: offset, count: pieces)
            sent += bytes.count
            try intake.take(bytes[...], at: offset)
            left -= 1
        }
        return sent
    }

    @Test("all arrives whatever the size of the chunks, and is durable", arguments: [1, 7, 100, 250, 10_000])
    func arrives(pieces: Int) throws {
        let disk = VirtualDisk()
        let store = try PayloadStore.open(in: disk)
        var intake = try PayloadIntake(manifest, of: 9, into: store)
        #expect(try send(&intake, pieces: pieces) == 1_000)
        try intake.keep()
        disk.losePower(keeping: .none)
        let again = try PayloadStore.open(in: disk)
        #expect(again.missing(of: manifest) == 0 && (1...10).allSatisfy { again.has($0) })
    }

    @Test("what is on the disk or in memory is not asked for, and is durable in the end")
    func partlyHere() throws {
        let disk = VirtualDisk()
        let store = try PayloadStore.open(in: disk)
        store.put(1...4)
        try store.snapshot(1...4)
        store.put(7...8)
        var intake = try PayloadIntake(manifest, of: 9, into: store)
        #expect(try send(&intake, pieces: 100) == 400)
        try intake.keep()
        disk.losePower(keeping: .none)
        #expect(try PayloadStore.open(in: disk).missing(of: manifest) == 0)
    }

    @Test("a transfer that ends early goes on where it was, also after a restart", arguments: [true, false])
    func resumed(restarts: Bool) throws {
        let disk = VirtualDisk()
        var store = try PayloadStore.open(in: disk)
        var first = try PayloadIntake(manifest, of: 9, into: store)
        #expect(try send(&first, pieces: 50, chunks: 11) == 550)
        try first.keep()
        if restarts {
            disk.losePower(keeping: .none)
            store = try PayloadStore.open(in: disk)
        }
        var second = try PayloadIntake(manifest, of: 9, into: store)
        #expect(try send(&second, pieces: 50) == 500)
        try second.keep()
        #expect(store.missing(of: manifest) == 0)
    }

    @Test("repeated, early and misplaced bytes change nothing")
    func stray() throws {
        let store = try PayloadStore.open(in: VirtualDisk())
        var intake = try PayloadIntake(manifest, of: 9, into: store)
        var view = view
        let all = try view.read(at: 0, count: 1_000)
        try intake.take(all[0..<150], at: 0)
        try intake.take(all[0..<150], at: 0)
        try intake.take(all[400..<500], at: 400)
        #expect(intake.nextOffset == 150)
        // From before to behind what is wanted.
        try intake.take(all[100..<260], at: 100)
        #expect(intake.nextOffset == 260)
    }

    @Test("a payload that arrives damaged is refused and asked for again")
    func damaged() throws {
        let store = try PayloadStore.open(in: VirtualDisk())
        var intake = try PayloadIntake(manifest, of: 9, into: store)
        var view = view
        var bytes = try view.read(at: 0, count: 200)
        bytes[150] ^= 1
        #expect(throws: PayloadStoreError.self) { try intake.take(bytes[...], at: 0) }
        #expect(intake.nextOffset == 100)
        _ = try send(&intake, pieces: 100)
        try intake.keep()
        #expect(store.missing(of: manifest) == 0)
    }

    @Test("nothing is dropped that a snapshot on its way may need, until it is in force or behind")
    func held() throws {
        let store = try PayloadStore.open(in: VirtualDisk())
        store.put(1...4)
        try store.snapshot(1...4)
        var intake = try PayloadIntake(manifest, of: 9, into: store)
        _ = try send(&intake, pieces: 100)
        // The own state needs none of them, and is older.
        try store.snapshot(20..<20, index: 8)
        try intake.keep()
        #expect(store.missing(of: manifest) == 0)
        store.release()
        try store.snapshot(20..<20, index: 10)
        #expect(store.statistics.segments == 0)
        _ = try PayloadIntake(manifest, of: 12, into: store)
        store.put(1...4)
        try store.snapshot(1...4, index: 11)
        // It has passed the snapshot by its own log.
        try store.snapshot(20..<20, index: 13)
        #expect(store.statistics.segments == 0)
    }

    @Test("a manifest is read back as it was, and nothing else is one")
    func manifestBytes() throws {
        let bytes = manifest.encoded()
        #expect(PayloadManifest(decoding: bytes[...]) == manifest)
        #expect(PayloadManifest(decoding: bytes.dropLast()) == nil)
        #expect(PayloadManifest(decoding: (bytes + bytes)[...]) == nil)
    }
}
