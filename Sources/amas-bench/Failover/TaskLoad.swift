import Egress
import FoundationEssentials
import Synchronization

/// Clients that submit small tasks through the balancer with an idempotency key, never try again, and note when which request
/// was answered.
final class TaskLoad: Sendable {
    struct Report: Sendable {
        var accepted = 0
        /// Accepted tasks that the cluster does not know afterwards.
        var lost = 0
        var failures: [String] = []
    }

    private struct Success {
        var begun: ContinuousClock.Instant
        var answered: ContinuousClock.Instant
    }

    private struct State {
        var successes: [Success] = []
        var tasks: [String] = []
        var report = Report()
        var isStopped = false
        var number = 0
    }

    private struct Accepted: Decodable {
        var task_id: String
    }

    /// From one request of a client to its next, so that the load is the same however quick the cluster is.
    static let paceMilliseconds = 50
    private let cluster: BenchedCluster
    private let run = UInt64.random(in: .min ... .max)
    private let state = Mutex(State())

    init(_ cluster: BenchedCluster) {
        self.cluster = cluster
    }

    var report: Report { state.withLock { $0.report } }

    /// Submits until `body` has returned.
    func run<Value>(clients: Int, _ body: () async throws -> Value) async throws -> Value {
        state.withLock { state in
            state.isStopped = false
            state.successes = []
        }
        let all = Task {
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<clients { group.addTask { await self.client() } }
            }
        }
        let result: Result<Value, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        state.withLock { $0.isStopped = true }
        await all.value
        return try result.get()
    }

    private func client() async {
        var due = ContinuousClock.now
        while let number = next() {
            let begun = ContinuousClock.now
            let body = #"{"title":"\#(number)","task_type":"code_analysis","parameters":{"code":"let x = \#(number)"}}"#
            do {
                let reply = try await cluster.request(
                    .post, cluster.balancer, "/api/v1/tasks",
                    headers: [
                        HTTPHeader("content-type", "application/json"),
                        HTTPHeader("idempotency-key", "\(run)-\(number)"),
                    ],
                    body: Array(body.utf8))
                note(reply, begun)
            } catch {
                state.withLock { $0.report.failures.append("\(error)") }
            }
            due = max(
                due + .milliseconds(Self.paceMilliseconds), ContinuousClock.now - .milliseconds(Self.paceMilliseconds))
            try? await Task.sleep(until: due)
        }
    }

    private func next() -> Int? {
        state.withLock { state in
            state.number += 1
            return state.isStopped ? nil : state.number
        }
    }

    private func note(_ reply: EgressReply, _ begun: ContinuousClock.Instant) {
        let success = Success(begun: begun, answered: ContinuousClock.now)
        let accepted = try? JSONDecoder().decode(Accepted.self, from: Data(reply.body))
        state.withLock { state in
            guard reply.status == 201, let accepted else {
                return state.report.failures.append("\(reply.status) \(String(decoding: reply.body, as: UTF8.self))")
            }
            state.successes.append(success)
            state.tasks.append(accepted.task_id)
            state.report.accepted += 1
        }
    }

    /// What clients saw of a death: milliseconds until the first answer to a request that was sent after it, and the longest
    /// time in which no request was answered, which may have begun before it.
    func seen(after death: ContinuousClock.Instant) throws -> (first: Double, gap: Double) {
        let successes = state.withLock { $0.successes }.filter { $0.answered > death - .milliseconds(500) }
        let answers = successes.map(\.answered).sorted()
        guard let first = successes.filter({ $0.begun > death }).map(\.answered).min() else {
            throw BenchmarkFailure(description: "no request was answered for two seconds")
        }
        let gap = zip(answers, answers.dropFirst()).map { $1 - $0 }.max() ?? .zero
        return ((first - death) / .milliseconds(1), gap / .milliseconds(1))
    }

    /// Asks for every accepted task.
    func expectAllKept() async throws {
        for task in state.withLock({ $0.tasks }) {
            let reply = try await cluster.request(.get, cluster.balancer, "/api/v1/tasks/\(task)")
            if reply.status != 200 { state.withLock { $0.report.lost += 1 } }
        }
    }
}
