import Foundation
import Testing
import WriteAheadLog

@Suite("Real files")
struct PosixStorageTests {
    @Test("keep a log through restarts, rollovers and compaction")
    func wholeLife() throws {
        let folder = try TemporaryFolder()
        do {
            let log = try TestLog.open(PosixLogStorage(folder: folder.path)).log
            try log.write([.vote(term: 1, votedFor: 7)] + (1...60).map { TestLog.entry($0, bytes: 300) })
            try log.write([.snapshot(index: 40, term: 1)])
            #expect(try log.compact(through: .init(index: 30, term: 1)) > 0)
        }
        let opened = try TestLog.open(PosixLogStorage(folder: folder.path))
        #expect(opened.identity.boot == 2)
        #expect(opened.recovered.entries == TestLog.entries(31...60, bytes: 300))
        let verdict = try DurableLog.inspect(in: PosixLogStorage(readingFolder: folder.path)) { _ in }
        guard case .sound = verdict else { Issue.record("\(verdict)"); return }
    }

    @Test("with the default limits take a batch of 256 records of 512 bytes")
    func defaultLimits() throws {
        let folder = try TemporaryFolder()
        do {
            let log = try TestLog.open(PosixLogStorage(folder: folder.path), limits: DurableLog.Limits()).log
            try log.write([.vote(term: 1, votedFor: 7)] + (1...256).map { TestLog.entry($0, bytes: 512) })
            #expect(log.statistics.framesSynced == 1)
            #expect(log.statistics.bytesOnDisk == 64 << 20)
        }
        let opened = try TestLog.open(PosixLogStorage(folder: folder.path), limits: DurableLog.Limits())
        #expect(opened.recovered.entries.count == 256)
    }

    @Test("let a spare be filled on another thread while the log is written")
    func spareOnAnotherThread() async throws {
        let folder = try TemporaryFolder()
        let log = try TestLog.open(PosixLogStorage(folder: folder.path)).log
        try log.write([.vote(term: 1, votedFor: 7)])
        for index in 1...40 as ClosedRange<UInt64> {
            guard let preparation = log.sparePreparation() else {
                try log.write([TestLog.entry(index, bytes: 300)])
                continue
            }
            async let result = filled(by: preparation)
            try log.write([TestLog.entry(index, bytes: 300)])
            log.finishSparePreparation(await result)
        }
        #expect(log.statistics.segmentCount > 5)
        let verdict = try DurableLog.inspect(in: PosixLogStorage(readingFolder: folder.path)) { _ in }
        guard case .sound = verdict else {
            Issue.record("\(verdict)")
            return
        }
    }

    private func filled(by preparation: SparePreparation) async -> Result<PreparedSpare, WriteAheadLogError> {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: preparation.run()) }
        }
    }

    @Test("belong to one storage at a time; readers need no lock")
    func lock() throws {
        let folder = try TemporaryFolder()
        var holder: PosixLogStorage? = try PosixLogStorage(folder: folder.path)
        #expect(holder?.folder == folder.path)
        let refusal = WriteAheadLogError.folderInUse(folder: folder.path)
        #expect(throws: refusal) { try PosixLogStorage(folder: folder.path) }
        #expect(throws: Never.self) { try PosixLogStorage(readingFolder: folder.path).list() }
        holder = nil
        #expect(throws: Never.self) { try PosixLogStorage(folder: folder.path) }
    }

    @Test("belong to one process at a time")
    func lockBetweenProcesses() throws {
        let folder = try TemporaryFolder()
        let holder = try PosixLogStorage(folder: folder.path)
        #expect(try otherProcessCanLock(folder.path) == false)
        withExtendedLifetime(holder) {}
        _ = consume holder
        #expect(try otherProcessCanLock(folder.path))
    }

    private func otherProcessCanLock(_ folder: String) throws -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/flock")
        process.arguments = ["--nonblock", folder, "true"]
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    @Test("are made in a new folder, but not in one whose parent is missing")
    func folders() throws {
        let folder = try TemporaryFolder()
        let inner = folder.path + "/data"
        #expect(throws: Never.self) { try PosixLogStorage(folder: inner) }
        rmdir(inner)
        #expect(throws: WriteAheadLogError.failed(.init(operation: .openFolder, file: inner + "/deep", code: ENOENT))) {
            try PosixLogStorage(folder: inner + "/deep")
        }
    }

    @Test("report the kernel's own refusals by call, file and number")
    func errors() throws {
        let folder = try TemporaryFolder()
        let storage = try PosixLogStorage(folder: folder.path)
        #expect(throws: StorageError(operation: .open, file: "none", code: ENOENT)) { try storage.open("none") }
        _ = try storage.create("one")
        #expect(throws: StorageError(operation: .create, file: "one", code: EEXIST)) { try storage.create("one") }
        let readOnly = try PosixLogStorage(readingFolder: folder.path).open("one")
        #expect(throws: StorageError(operation: .write, file: "one", code: EBADF)) {
            try withUnsafeBytes(of: 1) { try readOnly.write($0, at: 0) }
        }
    }
}
