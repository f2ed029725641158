import Agents
import ArgumentParser
import Egress

struct ClusterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster", abstract: "Look at the cluster.", subcommands: [Status.self])

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The members, who leads, and what may fail.",
            discussion: "Exit code 0 if all is well, 3 if a member is missing, 4 without a quorum.")
        @OptionGroup var options: ClientOptions

        func run() async throws {
            let body = try await options.client().request(.get, "/api/v1/cluster").body
            switch options.output {
            case .json: TaskPrinting.printJSON(body)
            case .table: Terminal.output(Self.text(body))
            }
            let status = body["status"]?.stringValue
            if status == "no_quorum" { throw CommandFailure(code: .noQuorum, message: "the cluster has no quorum") }
            if status == "degraded" { throw CommandFailure(code: .degraded, message: "the cluster is degraded") }
        }

        private static func text(_ body: JSONValue) -> String {
            let names = ["name", "role", "state", "match_index", "lag_entries", "http_address", "software_version"]
            let rows = (body["members"]?.arrayValue ?? []).map { member in
                names.map { TaskPrinting.plain(member[$0]) }
            }
            let head =
                "\(TaskPrinting.plain(body["status"]).uppercased())  leader \(TaskPrinting.plain(body["leader"]))  "
                + "term \(TaskPrinting.plain(body["term"]))  commit \(TaskPrinting.plain(body["commit_index"]))  "
                + "tolerates \(TaskPrinting.plain(body["failure_tolerance"])) failures"
            return head + "\n\n"
                + Terminal.table([["NAME", "ROLE", "STATE", "MATCH", "LAG", "ADDRESS", "VERSION"]] + rows)
        }
    }
}
