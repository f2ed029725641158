import Agents
import ArgumentParser
import Egress

struct ClusterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster", abstract: "Look at the cluster, and change who takes part.",
        subcommands: [
            Status.self, Add.self, Promote.self, Remove.self, Replace.self, TransferLeadership.self, Drain.self,
        ])

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The members, who leads, and what may fail.",
            discussion:
                "Exit code 0 if all is well, 3 if a member or a service is missing, 4 without a quorum.")
        @OptionGroup var options: ClientOptions

        func run() async throws {
            // A node that is cut off sees no quorum where another does: the best view counts.
            let client = try options.client()
            let patience = Duration.seconds(min(options.timeout, 3))
            let body: JSONValue
            do throws(CommandFailure) {
                body = try await client.request(
                    .get, "/api/v1/cluster", patience: patience, suffices: { $0.body["has_quorum"] == .bool(true) }
                ).body
            } catch {
                // Nobody who would answer: that is what a cluster without a quorum looks like from here.
                guard error.code == .failed || error.code == .timeout else { throw error }
                throw CommandFailure(code: .noQuorum, message: "no node answers: \(error.message)")
            }
            let troubles = Self.troubles(try await client.request(.get, "/api/v1/health", patience: patience).body)
            switch options.output {
            case .json: TaskPrinting.printJSON(body)
            case .table: Terminal.output(([Self.text(body)] + troubles).joined(separator: "\n"))
            }
            guard case .bool(true)? = body["has_quorum"] else {
                throw CommandFailure(code: .noQuorum, message: "the cluster has no quorum")
            }
            let missing = Self.members(body).filter { $0["status"]?.stringValue != "available" }
            let reasons =
                missing.map { "\(TaskPrinting.plain($0["name"])) is \(TaskPrinting.plain($0["status"]))" } + troubles
            guard reasons.isEmpty else {
                let list = reasons.joined(separator: ", ")
                throw CommandFailure(code: .degraded, message: "the cluster is degraded: \(list)")
            }
        }

        /// What the cluster uses and does not have, by the word of the node that answered.
        private static func troubles(_ health: JSONValue) -> [String] {
            (health["components"]?.arrayValue ?? [])
                .filter { $0["name"]?.stringValue != "cluster" && $0["status"]?.stringValue != "ok" }
                .map {
                    "\(TaskPrinting.plain($0["name"])) is \(TaskPrinting.plain($0["status"])) "
                        + "(\(TaskPrinting.plain($0["detail"])))"
                }
        }

        private static func members(_ body: JSONValue) -> [JSONValue] { body["members"]?.arrayValue ?? [] }

        private static func text(_ body: JSONValue) -> String {
            let names = [
                "name", "role", "status", "match_index", "lag_entries", "last_contact_seconds", "http_address",
                "version",
            ]
            let rows = members(body).map { member in
                names.map {
                    ($0 == "name" && member["leader"] == .bool(true) ? "*" : "") + TaskPrinting.plain(member[$0])
                }
            }
            let leader = body["leader"]?.stringValue ?? "none"
            let tolerance = TaskPrinting.plain(body["failure_tolerance"])
            let head =
                "leader \(leader)  term \(TaskPrinting.plain(body["term"]))  "
                + "commit \(TaskPrinting.plain(body["indices"]?["commit"]))  "
                + "tolerates \(tolerance) failure\(tolerance == "1" ? "" : "s")  "
                + "seen by \(TaskPrinting.plain(body["seen_by"]))"
            return head + "\n\n"
                + Terminal.table(
                    [["NAME", "ROLE", "STATUS", "MATCH", "LAG", "CONTACT", "ADDRESS", "VERSION"]] + rows)
        }
    }
}
