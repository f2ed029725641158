import Glibc
import Testing

@testable import WriteAheadLog

@Suite("Payloads on disk")
struct PayloadStoreTests {
    private func store(_ disk: VirtualDisk, _ limits: PayloadStore.Limits = .init()) throws -> PayloadStore {
        try PayloadStore.open(in: disk, limits: limits)
    }

    @Test("what a snapshot needs outlives a loss of power; what came after it is in memory until the next one")
    func durable() throws {
        let disk = VirtualDisk()
        let store = try store(disk)
        store.put(1...3)
        #expect(store.resident(TestPayload.id(2)) != nil && store.statistics.bytesOnDisk == 0)
        let mark = store.mark()
        store.put([4])
        let manifest = try store.save(TestPayload.references(1...3), takenAt: mark)
        #expect(store.resident(TestPayload.id(2)) == nil && store.resident(TestPayload.id(4)) != nil)
        #expect((1...4).allSatisfy { store.has($0) })
        disk.losePower(keeping: .none)
        let again = try self.store(disk)
        #expect(again.missing(of: manifest) == 0)
        #expect((1...3).allSatisfy { again.has($0) } && !again.has(4))
    }

    @Test("nothing is missing, wherever the process dies and whatever of its last writes survives", arguments: 0..<6)
    func crashes(survivors: Int) throws {
        var death = 0
        var isWhole = false
        while !isWhole {
            let disk = VirtualDisk()
            let store = try store(disk, PayloadStore.small { $0.segmentBytes = 350 })
            store.put(1...4)
            let before = try store.snapshot(1...4)
            store.put(5...8)
            let mark = store.mark()
            disk.dieBefore = disk.operations + death
            death += 1
            // Of the first segment one payload of three is needed: it moves.
            let after = try? store.save(TestPayload.references(3...8), takenAt: mark)
            if let after { store.collect(keeping: after, of: 2) }
            isWhole = after != nil && disk.operations <= (disk.dieBefore ?? 0)
            disk.losePower(
                keeping: survivors == 0
                    ? .none : survivors == 1 ? .all : .random(SeededGenerator(seed: UInt64(survivors))))
            let again = try self.store(disk)
            let needed = after ?? before
            #expect(again.missing(of: needed) == 0, "died before call \(death)")
            #expect((after == nil ? 1...4 : 3...8).allSatisfy { again.has($0) })
            #expect(!disk.fileNames.contains("payload.writing"))
        }
        #expect(death > 10)
    }

    @Test("a flipped bit is damage, never other bytes")
    func flippedBits() throws {
        let disk = VirtualDisk()
        let store = try store(disk)
        store.put(1...2, count: 40)
        try store.snapshot(1...2, count: 40)
        let name = try #require(disk.fileNames.first { $0.hasPrefix("payload-") })
        let whole = disk[name]
        for place in 0..<(whole.count * 8) {
            var bytes = whole
            bytes[place / 8] ^= 1 << UInt8(place % 8)
            let damaged = disk.copy()
            damaged[name] = bytes
            guard let opened = try? self.store(damaged) else { continue }
            var isRefused = false
            for number in 1...2 {
                do {
                    #expect(try opened.read(TestPayload.id(number)) == TestPayload.bytes(number, count: 40))
                } catch {
                    isRefused = true
                }
            }
            #expect(isRefused, "bit \(place)")
        }
        for length in 0..<whole.count {
            let cut = disk.copy()
            cut[name] = Array(whole.prefix(length))
            #expect(throws: PayloadStoreError.self) { try self.store(cut) }
        }
    }

    @Test("a segment of which nothing is needed goes; whoever reads it goes on")
    func collection() throws {
        let disk = VirtualDisk()
        let store = try store(disk)
        store.put(1...4)
        let manifest = try store.snapshot(1...4)
        var view = try store.view(of: manifest)
        store.put(5...8)
        try store.snapshot(5...8, index: 2)
        #expect(disk.fileNames.count { $0.hasPrefix("payload-") } == 1)
        #expect(throws: PayloadStoreError.missing(TestPayload.id(1))) { try store.read(TestPayload.id(1)) }
        #expect(throws: PayloadStoreError.self) { try store.view(of: manifest) }
        #expect(try view.read(at: 0, count: 1_000) == (1...4).flatMap { TestPayload.bytes($0) })
        #expect(try view.read(at: 150, count: 100) == Array((1...4).flatMap { TestPayload.bytes($0) }[150..<250]))
    }

    @Test("a payload is read from the disk once, however small the chunks that it goes in")
    func readOnce() throws {
        let disk = VirtualDisk()
        let store = try store(disk)
        store.put(1...4)
        var view = try store.view(of: try store.snapshot(1...4))
        let before = disk.operations
        _ = try view.read(at: 0, count: 1_000)
        let whole = disk.operations - before
        let length = view.manifest.byteCount
        for offset in stride(from: 0, to: length, by: 7) { _ = try view.read(at: offset, count: 7) }
        #expect(disk.operations - before == 2 * whole)
    }

    @Test("what was let go and comes back is kept, also where its old bytes are being dropped")
    func comesBack() throws {
        let disk = VirtualDisk()
        let store = try store(disk)
        store.put([1, 2])
        try store.snapshot([1, 2])
        let mark = store.mark()
        store.put([1])
        let manifest = try store.save(TestPayload.references([2]), takenAt: mark)
        store.collect(keeping: manifest, of: 2)
        #expect(store.has(1))
        try store.snapshot([1], index: 3)
        disk.losePower(keeping: .none)
        #expect(try self.store(disk).has(1))
    }

    @Test("a segment that is mostly dead is written anew, up to the limit of one snapshot")
    func rewriting() throws {
        let disk = VirtualDisk()
        let store = try store(disk, PayloadStore.small { $0.rewrittenBytes = 200 })
        for round in 0..<3 {
            store.put((round * 10)..<(round * 10 + 5))
            try store.snapshot((0...round).flatMap { ($0 * 10)..<($0 * 10 + 5) })
        }
        #expect(store.statistics.bytesOnDisk == 1_500)
        // One of five lives in each: two hundred bytes may move, those of two segments.
        try store.snapshot([0, 10, 20])
        #expect(store.statistics.bytesOnDisk == 500 + 200)
        try store.snapshot([0, 10, 20])
        #expect(store.statistics.bytesOnDisk == 100 + 200)
        #expect([0, 10, 20].allSatisfy { store.has($0) })
    }

    @Test("half-dead segments stay: room is spent at most twice")
    func halfDead() throws {
        let store = try store(VirtualDisk())
        store.put(1...4)
        try store.snapshot(1...4)
        try store.snapshot(1...2)
        #expect(store.statistics.bytesOnDisk == 400)
        try store.snapshot(1...1)
        #expect(store.statistics.bytesOnDisk == 100)
    }

    @Test("there are never many segments more than the limit")
    func segmentCount() throws {
        let store = try store(VirtualDisk(), PayloadStore.small { $0.segmentCount = 4 })
        for number in 1...20 {
            store.put([number])
            try store.snapshot(1...number)
            #expect(store.statistics.segments <= 5)
        }
        #expect((1...20).allSatisfy { store.has($0) })
    }

    @Test("a segment takes payloads up to its limit, and one of any size", arguments: [200, 300, 301])
    func segmentBytes(limit: Int) throws {
        let store = try store(VirtualDisk(), PayloadStore.small { $0.segmentBytes = limit })
        store.put(1...6)
        store.put([7], count: 1_000)
        let numbers = TestPayload.references(1...6) + TestPayload.references([7], count: 1_000)
        _ = try store.save(numbers, takenAt: store.mark())
        #expect(store.statistics.segments == (limit == 200 ? 4 : 3))
    }

    @Test("a state that names what was never brought has no snapshot, and nothing else is lost")
    func missing() throws {
        let disk = VirtualDisk()
        let store = try store(disk)
        store.put([1])
        let mark = store.mark()
        #expect(throws: PayloadStoreError.missing(TestPayload.id(2))) {
            try store.save(TestPayload.references(1...2), takenAt: mark)
        }
        #expect(store.resident(TestPayload.id(1)) != nil)
        #expect(!disk.fileNames.contains("payload.writing"))
    }

    @Test("a full disk delays the snapshot; what came is there when there is room", arguments: [ENOSPC, EIO])
    func fullDisk(code: Int32) throws {
        let disk = VirtualDisk()
        let store = try store(disk)
        store.put(1...3)
        let mark = store.mark()
        disk.failure = { _, operation, _ in operation == .write ? code : nil }
        #expect(throws: PayloadStoreError.self) { try store.save(TestPayload.references(1...3), takenAt: mark) }
        disk.failure = { _, _, _ in nil }
        #expect((1...3).allSatisfy { store.has($0) })
        let manifest = try store.save(TestPayload.references(1...3), takenAt: mark)
        #expect(store.missing(of: manifest) == 0)
    }

    @Test("a closed store lets go of its folder, is still read, and writes nothing more")
    func closed() throws {
        weak var folder: VirtualDisk?
        let store: PayloadStore
        do {
            let disk = VirtualDisk()
            folder = disk
            store = try self.store(disk)
        }
        store.put([1])
        #expect(folder != nil)
        store.close()
        #expect(folder == nil && store.has(1))
        #expect(throws: PayloadStoreError.closed) { try store.save(TestPayload.references([1]), takenAt: store.mark()) }
    }

    @Test("against a model: what the newest snapshot and the log behind it name is always there", arguments: 0..<40)
    func model(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let disk = VirtualDisk()
        let limits = PayloadStore.small { ($0.segmentBytes, $0.rewrittenBytes, $0.segmentCount) = (700, 900, 3) }
        var store = try store(disk, limits)
        var live: Set<Int> = []
        var atSnapshot: Set<Int> = []
        /// What the log brings again after a crash, in order: a number that came, or minus the number that went.
        var log: [Int] = []
        func bring(_ number: Int) {
            if number > 0 {
                if live.insert(number).inserted { store.put([number]) }
            } else {
                live.remove(-number)
            }
        }
        for step in 1...200 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0...3:
                let number = Int.random(in: 1...30, using: &random)
                bring(number)
                log.append(number)
            case 4...6:
                guard let number = live.sorted().randomElement(using: &random) else { continue }
                bring(-number)
                log.append(-number)
            case 7...8:
                try store.snapshot(live, index: UInt64(step))
                (atSnapshot, log) = (live, [])
            default:
                disk.losePower(keeping: .random(random))
                store = try self.store(disk, limits)
                live = atSnapshot
                for number in log { bring(number) }
            }
            #expect(live.allSatisfy { store.has($0) }, "step \(step)")
        }
    }
}
