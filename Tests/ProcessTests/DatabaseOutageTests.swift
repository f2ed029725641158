import Agents
import LoopbackClient
import Testing

/// PostgreSQL goes away under load; what is accepted meanwhile is kept by the nodes and written when it is back.
extension ProcessTests {
    @Test(
        "a minute of 100 tasks a second without PostgreSQL: nothing is refused, and when it is back all of it is written"
    )
    func databaseIsDownForAMinute() async throws {
        try await ClusterProcesses.run { cluster in
            // Tasks that wait to be executed: what is accepted and written is measured, not how fast this machine analyses.
            let load = Load(cluster, body: Load.held)
            let (atOutage, atReturn) = try await load.run(throughBalancer: 20, toEachNode: 0, paceMilliseconds: 160) {
                try await until("tasks") { load.acceptedCount >= 100 }
                try await cluster.killDatabase()
                let atOutage = load.acceptedCount
                try await until("a minute's tasks", seconds: 400) { load.acceptedCount >= atOutage + 6000 }
                let unpersisted = await cluster.view(cluster.balancerPort)?.unpersisted ?? 0
                #expect(unpersisted >= 5900)
                try await cluster.startAgain()
                return (atOutage, ContinuousClock.now)
            }
            let accepted = load.report.accepted
            #expect(load.report.failedThroughBalancer == [])
            try await until("everything is written") {
                await cluster.view(cluster.balancerPort)?.unpersisted == 0
            }
            let seconds = (ContinuousClock.now - atReturn) / .seconds(1)
            let written = try await Set(cluster.query("SELECT task_id FROM tasks"))
            #expect(written.isSuperset(of: accepted.keys))
            print(
                "\(accepted.count - atOutage) tasks without PostgreSQL, all written \(Int(seconds)) s after its return")
        }
    }

    @Test("while PostgreSQL is down and the leader dies tasks are done, and when it is back everything is written once")
    func databaseIsDown() async throws {
        try await ClusterProcesses.run { cluster in
            let load = Load(cluster)
            let follower = EventFollower(cluster, ports: [cluster.balancerPort])
            try await follower.follow {
                try await load.run(throughBalancer: 6, toEachNode: 0, paceMilliseconds: 60) {
                    try await until("tasks") { load.acceptedCount >= 50 }
                    try await cluster.killDatabase()
                    let before = load.acceptedCount
                    try await until("more tasks") { load.acceptedCount >= before + 100 }
                    let leader = try await cluster.leader()
                    try await cluster.kill(leader, "KILL")
                    try await until("still more tasks") { load.acceptedCount >= before + 200 }
                    #expect(await cluster.view(cluster.balancerPort)?.unpersisted ?? 0 >= 150)
                    try await cluster.startAgain()
                }
                try await cluster.expectEachTaskOnce(load, [follower])
                #expect(load.report.failedThroughBalancer == [])
            }
        }
    }

    @Test("past the budget of what PostgreSQL has not taken new tasks get 503, and nothing that was accepted is lost")
    func budgetIsUsedUp() async throws {
        let budget = 200
        try await ClusterProcesses.run(environment: ["AMAS_CLUSTER_ADMISSION_TASKS": "\(budget)"]) { cluster in
            try await cluster.killDatabase()
            var accepted: Set<String> = []
            var refusal: HTTPReply?
            for number in 1...(2 * budget) where refusal == nil {
                let reply = try await cluster.request(
                    cluster.balancerPort, "POST", "/api/v1/tasks", ["Idempotency-Key": "\(number)"],
                    body: Load.small(number))
                if reply.status == 201 {
                    accepted.insert(try #require(reply.json["task_id"]?.stringValue))
                } else {
                    refusal = reply
                }
            }
            let refused = try #require(refusal)
            #expect(refused.status == 503)
            #expect(refused.headers["retry-after"] != nil)
            #expect(refused.json["type"]?.stringValue?.hasSuffix("/overloaded") == true)
            #expect(accepted.count >= budget)
            // What was accepted goes on all the same.
            try await until("every accepted task is done") {
                await cluster.view(cluster.balancerPort)?.unfinished == 0
            }
            try await cluster.startAgain()
            try await cluster.waitUntilQuiet()
            let again = try await cluster.request(cluster.balancerPort, "POST", "/api/v1/tasks", body: Load.small(0))
            #expect(again.status == 201)
            let written = try await Set(cluster.query("SELECT task_id FROM tasks WHERE status = 'completed'"))
            #expect(written.isSuperset(of: accepted))
        }
    }
}
