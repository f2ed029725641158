import Agents
import Testing

/// A node that is neither dead nor alive: it stops in the middle of its work and goes on much later.
extension ProcessTests {
    @Test(
        "what a halted node ran is done by others, and what it says when it wakes changes nothing",
        arguments: [false, true])
    func nodeIsHalted(isLeader: Bool) async throws {
        try await ClusterProcesses.run { cluster in
            let leader = try await cluster.leader()
            let victim = isLeader ? leader : try #require(cluster.nodes.map(\.name).first { $0 != leader })
            let others = cluster.nodes.filter { $0.name != victim }.map(\.port)
            let load = Load(cluster, body: Load.mixed)
            let follower = EventFollower(cluster, ports: others)
            try await follower.follow {
                try await load.run(throughBalancer: 12, toEachNode: 0, paceMilliseconds: 300) {
                    try await until("the victim is in the middle of a long task") {
                        try await cluster.isExecutingLongTask(victim, asSeenBy: others[0])
                    }
                    try await cluster.kill(victim, "STOP")
                    // Nothing may be left with it, while new work comes and is done.
                    let before = load.acceptedCount
                    try await until("others have all its tasks") {
                        try await cluster.tasksRunning(on: victim, asSeenBy: others[0]) == 0
                    }
                    try await until("work goes on") { load.acceptedCount > before + 30 }
                    let underWay = load.requestsUnderWay
                    try await until("others answer what the halted node was asked, while it stands still") {
                        load.requestsUnderWay.isDisjoint(with: underWay)
                    }
                    try await cluster.kill(victim, "CONT")
                    try await cluster.waitUntilReady()
                }
                let replay = try await cluster.expectEachTaskOnce(load, [follower])
                let report = load.report
                #expect(report.failedThroughBalancer == [])
                #expect(replay.starts.values.contains { $0 > 1 }, "no task had to be begun again")
                print(
                    """
                    \(victim) halted as \(isLeader ? "leader" : "follower"): \(report.accepted.count) tasks, \
                    \(replay.starts.values.reduce(0, +)) starts, \(replay.fenced) late commands fenced, \
                    \(replay.ofEndedSessions) of an ended session
                    """)
            }
        }
    }
}

extension ClusterProcesses {
    /// By the word of another node.
    func isExecutingLongTask(_ name: String, asSeenBy port: Int) async throws -> Bool {
        let tasks = try await request(port, "GET", "/api/v1/tasks?status=executing&limit=1000").json["tasks"]?
            .arrayValue
        return tasks?.contains { task in
            task["target"]?.stringValue != nil && task["execution_metadata"]?["node"]?.stringValue == name
        } ?? false
    }

    /// How many slots of a node are taken, by the word of another.
    func tasksRunning(on name: String, asSeenBy port: Int) async throws -> Int64 {
        try await member(name, asSeenBy: port)?["used_slots"]?.integerValue ?? 0
    }
}
