import Testing
import WriteAheadLog

@testable import RaftSimulation

@Suite("Simulated disk")
struct DiskTests {
    private func bytes(_ value: UInt8, sectors: Int) -> [UInt8] {
        [UInt8](repeating: value, count: sectors * SimulatedDisk.sectorBytes)
    }

    private func write(_ bytes: [UInt8], at offset: UInt64 = 0, to file: any LogFile) throws {
        try bytes.withUnsafeBytes { try file.write($0, at: offset) }
    }

    /// A disk with a synced file of four sectors of ones.
    private func disk() throws -> SimulatedDisk {
        let disk = SimulatedDisk(folder: "test")
        try disk.runAtOnce {
            let file = try disk.create("file")
            try write(bytes(1, sectors: 4), to: file)
            try file.sync()
            try disk.syncDirectory()
        }
        return disk
    }

    @Test("what was synced survives a loss of power, also if a later job was under way")
    func synced() throws {
        for seed in 1...50 {
            var random = RandomStream(seed: UInt64(seed), subject: .disk)
            let disk = try disk()
            let job = DiskJob()
            try disk.run(job) { _ = try disk.create("other") }
            disk.crash(&random)
            #expect(disk.names["file"]?.seen == bytes(1, sectors: 4))
        }
    }

    @Test("of what was not synced any subset of sectors survives, each whole")
    func torn() throws {
        var outcomes: Set<[UInt8]> = []
        for seed in 1...600 {
            var random = RandomStream(seed: UInt64(seed), subject: .disk)
            let disk = try disk()
            let job = DiskJob()
            try disk.run(job) {
                let file = try disk.open("file")
                try write(bytes(2, sectors: 3), at: 512, to: file)
                try file.sync()
            }
            disk.crash(&random)
            let found = try #require(disk.names["file"]?.seen)
            #expect(found.count == 2048 && found.prefix(512).allSatisfy { $0 == 1 })
            let sectors = stride(from: 512, to: 2048, by: 512).map { Array(found[$0..<($0 + 512)]) }
            #expect(sectors.allSatisfy { sector in sector.allSatisfy { $0 == sector[0] } })
            outcomes.insert(sectors.map { $0[0] })
        }
        #expect(outcomes.count == 8, "every subset, with enough seeds")
    }

    @Test("a job that is complete is durable; a name is, once its folder was synced")
    func completed() throws {
        for seed in 1...50 {
            var random = RandomStream(seed: UInt64(seed), subject: .disk)
            let disk = try disk()
            let job = DiskJob()
            try disk.run(job) {
                let file = try disk.open("file")
                try write(bytes(3, sectors: 4), to: file)
                try file.sync()
                try disk.rename("file", to: "renamed")
                try disk.syncDirectory()
            }
            disk.complete(job)
            disk.crash(&random)
            #expect(disk.names["file"] == nil && disk.names["renamed"]?.seen == bytes(3, sectors: 4))
        }
    }

    @Test("a name that was given up by one job and taken by another is the second file's, whichever ends first")
    func nameTakenMeanwhile() throws {
        for isSecondFirst in [false, true] {
            var random = RandomStream(seed: 1, subject: .disk)
            let disk = try disk()
            let (first, second) = (DiskJob(), DiskJob())
            try disk.run(first) {
                try disk.rename("file", to: "renamed")
                try disk.syncDirectory()
            }
            try disk.run(second) { try write(bytes(5, sectors: 1), to: try disk.create("file")) }
            for job in isSecondFirst ? [second, first] : [first, second] { disk.complete(job) }
            disk.endProcess(&random)
            #expect(disk.names["file"]?.seen == bytes(5, sectors: 1))
            #expect(disk.names["renamed"] != nil && disk.names["renamed"] !== disk.names["file"])
        }
    }

    @Test("a killed process loses nothing that it had written, synced or not")
    func killed() throws {
        var random = RandomStream(seed: 1, subject: .disk)
        let disk = try disk()
        let job = DiskJob()
        try disk.run(job) {
            let file = try disk.open("file")
            try write(bytes(4, sectors: 4), to: file)
        }
        disk.complete(job)
        disk.endProcess(&random)
        #expect(disk.names["file"]?.seen == bytes(4, sectors: 4))
    }

    @Test("a failed sync and a full disk are reported once and as long as they last")
    func failures() throws {
        let disk = try disk()
        disk.failsNextSync = true
        #expect(throws: StorageError.self) { try disk.runAtOnce { try disk.open("file").sync() } }
        try disk.runAtOnce { try disk.open("file").sync() }
        disk.isFull = true
        for _ in 0..<2 {
            #expect(throws: StorageError.self) { try disk.runAtOnce { try disk.open("file").reserve(9000) } }
        }
    }
}
