import Foundation
import Raft
import Testing

@testable import amas

@Suite("Configuration")
struct ConfigurationTests {
    private static let lines = [
        "cluster:",
        "  id: c1",
        "  node: 1",
        "  data_folder: /data",
        "  listen: \"127.0.0.1:7000\"",
        "  insecure: true",
        "  members:",
        "    - {id: 1, name: a, peer: \"127.0.0.1:7000\"}",
        "http:",
        "  listen: \"127.0.0.1:8000\"",
        "  api_key_file: /key",
    ]

    /// The problems of a good file after changes to its lines, counted from one.
    private func problems(
        _ changes: [Int: String] = [:], adding more: [String] = [], environment: [String: String] = [:],
        overrides: [String] = [], canRead: (String) -> Bool = { _ in true }
    ) -> [String] {
        var lines = Self.lines + more
        for (number, line) in changes { lines[number - 1] = line }
        let sources = ConfigurationSources(
            yaml: lines.joined(separator: "\n"), environment: environment, overrides: overrides)
        do {
            _ = try NodeConfiguration(sources, secret: { _ in nil }, canRead: canRead)
            return []
        } catch {
            return error.description.split(separator: "\n").dropFirst().map { String($0.dropFirst(2)) }
        }
    }

    private func configuration(_ yaml: String, _ environment: [String: String] = [:]) throws -> NodeConfiguration {
        let sources = ConfigurationSources(yaml: yaml, environment: environment, overrides: [])
        return try NodeConfiguration(sources, secret: { _ in nil }, canRead: { _ in true })
    }

    @Test("a good file has no problem")
    func good() { #expect(problems().isEmpty) }

    @Test("three mistakes are three lines, each naming its setting and where it was written")
    func threeMistakes() {
        let found = problems(
            [10: "  listen: nowhere"], environment: ["AMAS_EXECUTOR_SLOTS": "many"], overrides: ["log.level=loud"])
        #expect(
            found == [
                "http.listen (line 10): is host:port, not nowhere",
                "executor.slots (AMAS_EXECUTOR_SLOTS): is a whole number from 0 to 4096, not many",
                "log.level (--set): is not a level: loud",
            ])
    }

    @Test("a setting that nobody knows is named with its line, and the one that was meant")
    func unknown() {
        #expect(
            problems(adding: ["executor:", "  slotz: 3"])
                == ["executor.slotz (line 13): unknown setting, did you mean executor.slots?"])
        #expect(problems(adding: ["colour: red"]) == ["colour (line 12): unknown setting"])
        #expect(
            problems([8: "    - {id: 1, name: a, peer: \"127.0.0.1:7000\", rack: 3}"])
                == ["cluster.members[0].rack (line 8): unknown setting"])
        #expect(problems(overrides: ["executor.slotz=3"]).first?.hasPrefix("executor.slotz (--set): unknown") == true)
    }

    @Test("a variable that is almost a setting's name is a mistake, one of another program is not")
    func unknownVariable() {
        #expect(
            problems(environment: ["AMAS_HTTP_LISTN": "x", "AMAS_URL": "http://a", "AMAS_TOKEN": "t", "PATH": "/bin"])
                == ["AMAS_HTTP_LISTN (AMAS_HTTP_LISTN): unknown setting, did you mean AMAS_HTTP_LISTEN?"])
    }

    @Test(
        "what is of another kind than its setting is refused",
        arguments: [
            (["executor:", "  slots: 1.5"], "executor.slots (line 13): is a whole number from 0 to 4096, not 1.5"),
            (["executor:", "  slots: [1]"], "executor.slots (line 13): must be one value"),
            (["executor: 7"], "executor (line 12): holds settings, not one value"),
            (["workspace:", "  roots: {a: b}"], "workspace.roots (line 13): must be a list"),
            (
                ["workspace:", "  roots:", "    - /a", "    - [b]"],
                "workspace.roots (line 15): must be a list of single values"
            ),
            (["log:", "  format: xml"], "log.format (line 13): is json or text, not xml"),
            (
                ["egress:", "  allow_private: [everything]"],
                "egress.allow_private (line 13): is not an address range: everything"
            ),
        ])
    func kinds(lines: [String], problem: String) { #expect(problems(adding: lines) == [problem]) }

    @Test("every number is taken at both ends of its range and refused just past them")
    func ranges() {
        let numbers = Setting.all.compactMap { setting -> (Setting, ClosedRange<Int>)? in
            if case .integer(let range) = setting.kind { (setting, range) } else { nil }
        }
        #expect(numbers.count >= 8)
        for (setting, range) in numbers {
            for value in [range.lowerBound, range.upperBound] {
                let found = problems(overrides: ["\(setting.key)=\(value)"])
                #expect(!found.contains { $0.contains("whole number") }, "\(setting.key)=\(value)")
            }
            for value in [range.lowerBound - 1, range.upperBound + 1] {
                let found = problems(overrides: ["\(setting.key)=\(value)"])
                #expect(
                    found.contains { $0.hasPrefix("\(setting.key) (--set): is a whole number") },
                    "\(setting.key)=\(value)")
            }
        }
    }

    @Test("what must be set and is not is named, be it missing or empty")
    func missing() {
        let files = ["cluster.certificate", "cluster.private_key", "cluster.authorities"]
        let required = Setting.all.filter { $0.standard == nil && !files.contains($0.key) }.map(\.key)
        let sources = ConfigurationSources(yaml: nil, environment: [:], overrides: [])
        do {
            _ = try NodeConfiguration(sources, secret: { _ in nil }, canRead: { _ in true })
            Issue.record("nothing is a configuration")
        } catch {
            for key in required { #expect(error.problems.contains { $0.setting == key && $0.origin == nil }, "\(key)") }
        }
        for key in [
            "cluster.id", "cluster.node", "cluster.data_folder", "cluster.listen", "http.api_key_file",
            "executor.slots",
        ] {
            #expect(problems(overrides: ["\(key)="]).contains { $0.hasPrefix("\(key) (--set): is empty") }, "\(key)")
        }
    }

    @Test("members: ids, names and peer addresses once, an odd number, this node among them")
    func members() {
        #expect(problems([8: Self.lines[7] + "\n" + Self.lines[7]]).count == 4)
        #expect(problems([3: "  node: 2"]) == ["cluster.node (line 3): 2 is not among the members"])
        #expect(problems([8: "    - {id: 1, name: a}"]).first == "cluster.members[0].peer (line 8): is host:port")
    }

    @Test("clients and members have a port each")
    func listeners() {
        let found = problems(overrides: ["http.listen=127.0.0.1:7000"])
        #expect(found == ["http.listen (--set): is cluster.listen as well"])
    }

    @Test("certificates come together, and not with plaintext")
    func certificates() {
        #expect(problems([6: ""]) == ["cluster.certificate: is not set; make one with `amas certs`"])
        #expect(problems([6: "  certificate: /c"]).count == 1)
        let whole = ["cluster.certificate=/c", "cluster.private_key=/k", "cluster.authorities=/a"]
        #expect(problems(overrides: whole) == ["cluster.insecure (line 6): contradicts the certificate that is set"])
        #expect(problems([6: ""], overrides: whole).isEmpty)
    }

    @Test("a file that is not there is named before anything starts")
    func files() {
        #expect(problems(canRead: { $0 != "/key" }) == ["http.api_key_file (line 11): cannot be read: /key"])
    }

    @Test("later sources win: the file, the environment, then flags")
    func precedence() throws {
        let yaml = (Self.lines + ["log:", "  level: debug"]).joined(separator: "\n")
        #expect(try configuration(yaml).logLevel == "debug")
        #expect(try configuration(yaml, ["AMAS_LOG_LEVEL": "error"]).logLevel == "error")
        let sources = ConfigurationSources(
            yaml: yaml, environment: ["AMAS_LOG_LEVEL": "error"], overrides: ["log.level=trace"])
        #expect(try NodeConfiguration(sources, secret: { _ in nil }, canRead: { _ in true }).logLevel == "trace")
    }

    @Test("lists and members can be given in the environment")
    func environmentLists() throws {
        let read = try configuration(
            Self.lines.joined(separator: "\n"),
            [
                "AMAS_WORKSPACE_ROOTS": "/a,/b",
                "AMAS_CLUSTER_MEMBERS": "[{id: 1, name: x, peer: \"h:1\"}]",
            ])
        #expect(read.workspaceRoots == ["/a", "/b"])
        #expect(read.members.map(\.name) == ["x"])
    }

    @Test("what is not YAML is one problem with its place")
    func notYAML() {
        let sources = ConfigurationSources(yaml: "a: [", environment: [:], overrides: [])
        #expect(sources.problems.count == 1)
        #expect(sources.problems.first?.message.hasPrefix("is not YAML") == true)
        #expect(throws: ConfigurationError(problems: sources.problems)) {
            try NodeConfiguration(sources, secret: { _ in nil }, canRead: { _ in true })
        }
    }

    @Test("the printed configuration reads back as itself, and has no secret in it")
    func roundTrip() throws {
        let url = "postgresql://u:hunter2@h/db"
        let yaml = Self.lines + ["postgres:", "  url: \"\(url)\"", "workspace:", "  roots: [/a]"]
        let first = try configuration(yaml.joined(separator: "\n"))
        #expect(!first.description.contains("hunter2"))
        let second = try configuration(first.description.replacing("\"***\"", with: "\"\(url)\""))
        #expect(second.description == first.description)
    }

    @Test("every setting in the table is read and printed")
    func complete() throws {
        let text = try configuration(Self.lines.joined(separator: "\n")).description
        let printed =
            ["cluster.insecure"]
            + Setting.all.map(\.key).filter {
                !["cluster.certificate", "cluster.private_key", "cluster.authorities"].contains($0)
            }
        for key in printed {
            let name = key.split(separator: ".").last.map(String.init) ?? key
            #expect(text.contains("\(name):"), "\(key)")
        }
    }
}
