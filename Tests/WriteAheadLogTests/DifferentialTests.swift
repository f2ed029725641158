import Testing
import WriteAheadLog

@Suite("Beside an array")
struct DifferentialTests {
    @Test("the log means the same through random use, restarts and losses of power", arguments: seeds(1...12))
    func random(seed: UInt64) throws {
        let disk = VirtualDisk()
        let driver = LogDriver(disk: disk, seed: seed)
        var generator = SeededGenerator(seed: seed &* 7919)
        for round in 0..<25 {
            do {
                try driver.open()
                try driver.run(steps: Int.random(in: 1...40, using: &generator))
            } catch {
                Issue.record("seed \(seed), round \(round): \(error)")
                throw error
            }
            if Bool.random(using: &generator) { disk.losePower(keeping: .random(generator)) }
        }
        #expect(driver.syncs > 150, "the run is long enough to mean something, seed \(seed)")
        #expect(driver.deletedSegments > 0, "segments were deleted on the way, seed \(seed)")
    }
}
