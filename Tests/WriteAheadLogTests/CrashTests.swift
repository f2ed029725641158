import Testing
import WriteAheadLog

@Suite("A crash between any two calls on the disk")
struct CrashTests {
    private static let survivors: [VirtualDisk.Survivors] = [
        .none, .all, .random(SeededGenerator(seed: 1)), .random(SeededGenerator(seed: 2)),
    ]

    @Test("loses nothing that was synced and invents nothing", arguments: seeds(1...1))
    func crashAnywhere(seed: UInt64) throws {
        for (number, survivors) in Self.survivors.enumerated() {
            var crashes = 0
            while try crash(before: crashes, seed: seed, survivors, "seed \(seed), survivors \(number)") {
                crashes += 1
            }
            #expect(crashes > 100, "the run is long enough to mean something, seed \(seed)")
        }
    }

    @Test("of the process alone, and then of the machine, keeps what the next run reported", arguments: seeds(1...3))
    func processCrashThenPowerLoss(seed: UInt64) throws {
        for call in stride(from: 0, to: 400, by: 3) {
            let disk = VirtualDisk()
            let driver = LogDriver(disk: disk, seed: seed)
            disk.dieBefore = call
            try driver.runUntilDeath(steps: 40)
            disk.revive()
            try reopen(driver, "seed \(seed), call \(call)")
            disk.losePower(keeping: .none)
            try reopen(driver, "seed \(seed), call \(call), after the power loss")
        }
    }

    @Test(
        "of a recovery itself can be repeated, also if what it recovers from was the death of the process alone",
        arguments: seeds(1...2), [true, false])
    func crashWhileRecovering(seed: UInt64, losesPowerFirst: Bool) throws {
        for first in stride(from: 5, to: losesPowerFirst ? 300 : 150, by: 11) {
            for second in 0..<40 {
                let disk = VirtualDisk()
                let driver = LogDriver(disk: disk, seed: seed)
                disk.dieBefore = first
                try driver.runUntilDeath(steps: 40)
                if losesPowerFirst {
                    disk.losePower(keeping: .random(SeededGenerator(seed: UInt64(first))))
                } else {
                    disk.revive()
                }
                disk.dieBefore = second
                if try !driver.runUntilDeath(steps: 0) { break }
                disk.losePower(keeping: losesPowerFirst ? .random(SeededGenerator(seed: UInt64(second))) : .none)
                try reopen(driver, "seed \(seed), calls \(first) and \(second)")
            }
        }
    }

    /// False once the run ends before the crash.
    private func crash(
        before call: Int, seed: UInt64, _ survivors: VirtualDisk.Survivors, _ name: String
    ) throws -> Bool {
        let disk = VirtualDisk()
        let driver = LogDriver(disk: disk, seed: seed)
        disk.dieBefore = call
        guard try driver.runUntilDeath(steps: 60) else { return false }
        disk.losePower(keeping: survivors)
        try reopen(driver, "\(name), call \(call)")
        try driver.run(steps: 3)
        return true
    }

    private func reopen(_ driver: LogDriver, _ name: String) throws {
        do {
            try driver.open()
        } catch {
            Issue.record("\(name): \(error)")
            throw error
        }
    }
}
