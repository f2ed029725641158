import Agents
import ArgumentParser
import Egress

extension ClusterCommand {
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "A node joins the cluster.",
            discussion: """
                The node runs with `cluster.join: true` and an empty folder made by `amas init`. The command ends when \
                it has caught up; it votes as soon as that leaves an odd number of voters.
                """)
        @Argument(help: "The node's id.") var member: UInt64
        @Option(help: "Where the other members reach it, host:port.") var peer: String
        @Option(help: "What people call it.") var name: String?
        @Flag(help: "It serves and executes, and never votes.") var gateway = false
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try await MemberRequest(options).run(
                .post, "members",
                [
                    "member_id": .integer(Int64(member)), "peer_address": .string(peer),
                    "name": .string(name ?? "node\(member)"), "role": .string(gateway ? "gateway" : "voter"),
                ])
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "A member leaves the cluster; its tasks go on elsewhere.")
        @Argument(help: "The member's id.") var member: UInt64
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try await MemberRequest(options).run(.delete, "members/\(member)", nil)
        }
    }

    struct Replace: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Another node takes a member's vote, or the member comes back with a new data folder.",
            discussion: """
                With --with and --peer, a new node votes instead of the member once it has caught up. With --incarnation, the \
                member has lost its folder: start it with the one that `amas init` made, whose incarnation that has printed, \
                while the command waits; it is refused before. The command ends when the member votes.
                """)
        @Argument(help: "The member's id.") var member: UInt64
        @Option(help: "The new node's id.") var with: UInt64?
        @Option(help: "Where the other members reach the new node, host:port.") var peer: String?
        @Option(help: "What people call the new node.") var name: String?
        @Option(help: "That of the member's new folder.") var incarnation: String?
        @OptionGroup var options: ClientOptions

        func run() async throws {
            var body: [String: JSONValue] = [:]
            if let incarnation {
                guard with == nil, peer == nil else { throw usage }
                body["incarnation"] = .string(incarnation)
            } else {
                guard let with, let peer else { throw usage }
                body["member_id"] = .integer(Int64(with))
                body["peer_address"] = .string(peer)
                body["name"] = .string(name ?? "node\(with)")
            }
            try await MemberRequest(options).run(.post, "members/\(member)/replace", body, untilItVotes: true)
        }

        private var usage: CommandFailure {
            CommandFailure(
                code: .usage, message: "give --with and --peer for a new node, or --incarnation for a new folder")
        }
    }

    struct Promote: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Wait until a joining member votes.",
            discussion:
                "Nobody has to ask for it: a member that has caught up votes as soon as that leaves an odd number.")
        @Argument(help: "The member's id.") var member: UInt64
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try await MemberRequest(options).run(.post, "members/\(member)/promote", nil, untilItVotes: true)
        }
    }

    struct Drain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "A member gets no new tasks; what it runs goes on.")
        @Argument(help: "The member's id.") var member: UInt64
        @Flag(help: "Take it back.") var off = false
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try await MemberRequest(options).run(.post, "members/\(member)/drain", ["drain": .bool(!off)])
        }
    }

    struct TransferLeadership: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Another voter leads.")
        @Argument(help: "The voter's id; without one, the voter with the most of the log.") var member: UInt64?
        @OptionGroup var options: ClientOptions

        func run() async throws {
            let body: [String: JSONValue] = member.map { ["member_id": .integer(Int64($0))] } ?? [:]
            let answer = try await options.client().request(
                .post, "/api/v1/cluster/transfer-leadership", body: .object(body)
            ).body
            if options.output == .json { TaskPrinting.printJSON(answer) }
            guard let leader = answer["leader"]?.stringValue else {
                throw CommandFailure(code: .timeout, message: "leadership was given up, and nobody was elected in time")
            }
            if options.output == .table { Terminal.output("leader \(leader)") }
        }
    }
}

/// Asks for a change of the members and waits for it.
struct MemberRequest {
    private let options: ClientOptions
    private let client: ClusterClient

    init(_ options: ClientOptions) throws {
        self.options = options
        client = try options.client()
    }

    /// - Parameter untilItVotes: one that has caught up and waits for another member to vote with is not done.
    func run(
        _ method: HTTPMethod, _ path: String, _ body: [String: JSONValue]?, untilItVotes: Bool = false
    ) async throws {
        let end = ContinuousClock.now + .seconds(options.timeout)
        // The answer must come before the time is up: it says what the change waits for.
        let answer = try await client.request(
            method, "/api/v1/cluster/\(path)", body: body.map { .object($0) },
            headers: [HTTPHeader("prefer", "wait=\(min(2, options.timeout / 2))")]
        ).body
        if options.output == .table {
            let now = answer["tolerance_before"]?.integerValue ?? 0
            Terminal.output(
                "voters \(TaskPrinting.plain(answer["voters"]))  tolerates \(now) failure\(now == 1 ? "" : "s") now, "
                    + "\(TaskPrinting.plain(answer["tolerance"])) when this is done")
        }
        var progress = Progress(isDone: answer["done"] == .bool(true), waitsFor: answer["waits_for"]?.stringValue)
        var told = ""
        while !progress.isDone {
            guard ContinuousClock.now < end else {
                let reason = progress.waitsFor.map { ": \($0)" } ?? ""
                throw CommandFailure(code: .timeout, message: "accepted, and still under way\(reason)")
            }
            // Somebody may have to start a node for it to go on. That it lacks less than before is no news.
            if let reason = progress.waitsFor, told != reason.filter({ !$0.isNumber }) {
                told = reason.filter { !$0.isNumber }
                Terminal.error("waits: \(reason)")
            }
            try await Task.sleep(for: .milliseconds(250))
            progress = Progress(
                of: answer["member_ids"]?.arrayValue ?? [],
                in: try await client.request(.get, "/api/v1/cluster").body, untilTheyVote: untilItVotes)
        }
        switch options.output {
        case .json: TaskPrinting.printJSON(progress.completing(answer))
        case .table: Terminal.output("done" + (progress.waitsFor.map { ": \($0)" } ?? ""))
        }
    }

    /// How far a change is.
    private struct Progress {
        var isDone: Bool
        var waitsFor: String?

        init(isDone: Bool, waitsFor: String?) {
            (self.isDone, self.waitsFor) = (isDone, waitsFor)
        }

        /// As the cluster's status says.
        init(of ids: [JSONValue], in cluster: JSONValue, untilTheyVote: Bool) {
            let changing = cluster["changing"]?.arrayValue ?? []
            let members = (cluster["members"]?.arrayValue ?? []).filter { $0["member_id"].map(ids.contains) ?? false }
            let isAwaited = untilTheyVote && members.contains { $0["role"] == .string("joining") }
            isDone = !isAwaited && !ids.contains(where: changing.contains)
            waitsFor = members.lazy.compactMap { $0["waits_for"]?.stringValue }.first
            if !isDone, waitsFor == nil { waitsFor = cluster["waits_for"]?.stringValue }
        }

        func completing(_ answer: JSONValue) -> JSONValue {
            guard case .object(var fields) = answer else { return answer }
            fields["done"] = .bool(isDone)
            fields["waits_for"] = waitsFor.map { .string($0) } ?? .null
            return .object(fields)
        }
    }
}
