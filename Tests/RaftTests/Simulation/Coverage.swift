/// How much a run has done. A random test that did too little is void, whatever it found.
struct Coverage {
    var steps = 0
    var starts = 0
    var crashes = 0
    var pauses = 0
    var cuts = 0
    var diskStalls = 0
    var elections = 0
    var transfers = 0
    var readsAnswered = 0
    var proposalsRejected = 0
    var snapshotsSent = 0
    var snapshotsInstalled = 0
    var committed = 0

    static func += (left: inout Coverage, right: Coverage) {
        left.steps += right.steps
        left.starts += right.starts
        left.crashes += right.crashes
        left.pauses += right.pauses
        left.cuts += right.cuts
        left.diskStalls += right.diskStalls
        left.elections += right.elections
        left.transfers += right.transfers
        left.readsAnswered += right.readsAnswered
        left.proposalsRejected += right.proposalsRejected
        left.snapshotsSent += right.snapshotsSent
        left.snapshotsInstalled += right.snapshotsInstalled
        left.committed += right.committed
    }

    /// What has not happened at all.
    var missing: [String] {
        let counts = [
            ("crashes", crashes), ("pauses", pauses), ("cuts", cuts), ("diskStalls", diskStalls),
            ("elections", elections),
            ("transfers", transfers), ("readsAnswered", readsAnswered), ("proposalsRejected", proposalsRejected),
            ("snapshotsInstalled", snapshotsInstalled), ("committed", committed),
        ]
        return counts.filter { $0.1 == 0 }.map(\.0)
    }
}
