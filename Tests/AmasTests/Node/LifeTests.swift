import Agents
import Foundation
import Glibc
import Testing

@testable import amas

@Suite("A node's life")
struct LifeTests {
    @Test("leaving fits into what Kubernetes gives, however long balancers are waited for")
    func grace() {
        #expect(Departure(balancerWait: Departure.longestBalancerWait).longest <= Departure.grace)
        guard case .integer(let range)? = Setting.all.first(where: { $0.key == "http.balancer_milliseconds" })?.kind
        else {
            Issue.record("the wait is a number")
            return
        }
        #expect(.milliseconds(range.upperBound) == Departure.longestBalancerWait)
    }

    @Test(
        "leadership goes before tasks, tasks before clients, and the links to the others after all that needs them")
    func order() {
        #expect(
            Departure.Step.allCases == [
                .awaitBalancer, .handOverLeadership, .finishTasks, .closeClients, .stopProjector, .leaveCluster,
                .closeStores,
            ])
    }

    @Test("work that does not end is not waited for longer than its patience")
    func patience() async {
        #expect(
            await Patience.wait(.milliseconds(20)) {
                await withCheckedContinuation { (_: CheckedContinuation<Void, Never>) in }
            } == false)
        #expect(await Patience.wait(.seconds(60)) {})
    }

    private func message(_ log: String, _ text: String) -> Bool { log.contains("\"message\":\"\(text)\"") }

    @Test("SIGTERM: not ready but answering while balancers look away, then all steps in order, then exit code 0")
    func termination() async throws {
        let nodes = try await TestNodes(1)
        let process = try nodes.serve(1, "http.balancer_milliseconds=3000")
        try await nodes.waitUntilReady([1: process])
        process.signal(SIGTERM)
        #expect(await TestNodes.eventually { self.message(process.error, "stopping") })
        let ready = try await nodes.get(1, "/readyz")
        let submitted = try await nodes.post(
            1, "/api/v1/tasks",
            "{\"title\":\"t\",\"task_type\":\"code_analysis\",\"target\":\".\",\"auto_execute\":false}")
        if process.error.contains("\"step\":\"awaitBalancer\"") == false {
            #expect(ready.status == 503 && ready.body.contains("draining"))
            #expect(submitted.status == 201)
        }
        #expect(await process.wait() == 0)
        let steps = process.error.split(separator: "\n").compactMap { line in
            line.split(separator: "\"step\":\"").dropFirst().first.map { String($0.prefix { $0 != "\"" }) }
        }
        #expect(steps == Departure.Step.allCases.map(\.rawValue))
        #expect(message(process.error, "stopped"))
    }

    @Test(
        "a second signal ends the node at once", arguments: [(SIGTERM, SIGTERM), (SIGTERM, SIGINT), (SIGINT, SIGTERM)])
    func secondSignal(first: Int32, second: Int32) async throws {
        let nodes = try await TestNodes(1)
        let process = try nodes.serve(1, "http.balancer_milliseconds=10000")
        try await nodes.waitUntilReady([1: process])
        process.signal(first)
        #expect(await TestNodes.eventually { self.message(process.error, "stopping") })
        process.signal(second)
        #expect(await process.wait() == 128 + second)
        #expect(!message(process.error, "stopped"))
    }

    @Test("SIGHUP reloads the certificates of the links and says so; a bad one is refused and the node goes on")
    func reload() async throws {
        let nodes = try await TestNodes(1)
        let process = try nodes.serve(1)
        try await nodes.waitUntilReady([1: process])
        process.signal(SIGHUP)
        #expect(await TestNodes.eventually { process.error.contains("reloaded the certificates of the links") })
        try Data("none".utf8).write(to: URL(fileURLWithPath: nodes.folder + "/certs/node-1.crt"))
        process.signal(SIGHUP)
        #expect(await TestNodes.eventually { process.error.contains("certificates not reloaded") })
        #expect(try await nodes.get(1, "/readyz").status == 200)
    }

    @Test("no socket of a node passes to the processes that it starts")
    func closeOnExec() async throws {
        let nodes = try await TestNodes(1)
        let process = try nodes.serve(1)
        try await nodes.waitUntilReady([1: process])
        let created = try await nodes.post(
            1, "/api/v1/tasks",
            "{\"title\":\"t\",\"task_type\":\"code_analysis\",\"target\":\".\",\"auto_execute\":false}")
        let id = try #require(JSONValue.decoding(created.body)?["task_id"]?.stringValue)
        // A connection that stays, beside the listeners: its request waits.
        let client = try BinaryProcess(
            [
                "-s", "-H", "Authorization: Bearer \(TestNodes.key)", "-H", "Prefer: wait=30",
                nodes.url(1) + "/api/v1/tasks/\(id)",
            ],
            executable: "/usr/bin/curl")
        defer { client.signal(SIGKILL) }
        #expect(
            await TestNodes.eventually {
                try await nodes.get(1, "/metrics").body.contains("http_server_active_requests 2\n")
            })
        let sockets = Self.sockets(of: process.pid)
        // Two listeners and the client's connection at least.
        #expect(sockets.count >= 3)
        for (descriptor, flags) in sockets {
            #expect(flags & Int(O_CLOEXEC) != 0, "descriptor \(descriptor) of the node passes to its children")
        }
    }

    /// TCP only: others, such as libcurl's way to wake itself, have nobody at the other end.
    private static func sockets(of pid: pid_t) -> [(descriptor: String, flags: Int)] {
        let files = FileManager.default
        // To its end: the kernel gives the table a page at a time.
        let bytes = try? FileHandle(forReadingAtPath: "/proc/\(pid)/net/tcp")?.readToEnd()
        let table = String(decoding: bytes ?? Data(), as: UTF8.self)
        let inodes = Set(table.split(separator: "\n").dropFirst().map { $0.split(separator: " ")[9] })
        let names = (try? files.contentsOfDirectory(atPath: "/proc/\(pid)/fd")) ?? []
        return names.compactMap { name in
            guard let target = try? files.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\(name)"),
                target.hasPrefix("socket:["), inodes.contains(target.dropFirst("socket:[".count).dropLast()),
                let data = files.contents(atPath: "/proc/\(pid)/fdinfo/\(name)"),
                let line = String(decoding: data, as: UTF8.self).split(separator: "\n").first(where: {
                    $0.hasPrefix("flags:")
                }),
                let flags = Int(line.dropFirst("flags:".count).filter { $0.isNumber }, radix: 8)
            else { return nil }
            return (name, flags)
        }
    }
}
