import ArgumentParser
import ClusterState
import Egress
import FoundationEssentials
import Providers

/// Where a node's configuration comes from.
struct ConfigurationOptions: ParsableArguments {
    @Option(name: .long, help: "The YAML file.") var config: String?
    @Option(name: .long, help: "Overrides a setting: key=value, such as log.level=debug.") var set: [String] = []

    func load() throws(CommandFailure) -> NodeConfiguration {
        var yaml: String?
        if let config {
            guard let text = try? String(contentsOfFile: config, encoding: .utf8) else {
                throw CommandFailure(code: .usage, message: "cannot read \(config)")
            }
            yaml = text
        }
        let sources = ConfigurationSources(
            yaml: yaml, environment: ProcessInfo.processInfo.environment, overrides: set)
        do throws(ConfigurationError) {
            return try NodeConfiguration(
                sources, secret: Self.secret, canRead: { FileManager.default.isReadableFile(atPath: $0) })
        } catch {
            throw CommandFailure(code: .usage, message: error.description)
        }
    }

    private static func secret(_ reference: SecretReference) -> Secret? {
        let text: String? =
            switch reference {
            case .environment(let name): ProcessInfo.processInfo.environment[name]
            case .file(let path): try? String(contentsOfFile: path, encoding: .utf8)
            }
        return text.map { Secret($0.trimmed) }
    }
}

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Check a node's configuration.", subcommands: [Check.self, Settings.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check the configuration and print the one in force, secrets masked.")
        @OptionGroup var options: ConfigurationOptions

        func run() throws {
            Terminal.output(try options.load().description)
        }
    }

    struct Settings: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List every setting: its name in the file and in the environment, its default, its meaning.")

        func run() {
            let rows = Setting.all.map { setting in
                [setting.key, setting.environmentName, setting.standard ?? "(must be set)", setting.meaning]
            }
            Terminal.output(Terminal.table([["SETTING", "ENVIRONMENT", "DEFAULT", "MEANING"]] + rows))
        }
    }
}

extension NodeConfiguration: CustomStringConvertible {
    /// All settings in force, as YAML, secrets masked.
    var description: String {
        let tls = peerTLS.map {
            "certificate: \($0.certificate)\n  private_key: \($0.privateKey)\n  authorities: \($0.authorities)"
        }
        var lines = [
            "cluster:", "  id: \(clusterID)", "  node: \(node)", "  data_folder: \(dataFolder)",
            "  listen: \"\(peerListen)\"",
            "  " + (tls ?? "insecure: true"), "  heartbeat_milliseconds: \(heartbeatMilliseconds)",
            "  election_milliseconds: \(electionMilliseconds)", "  realtime_priority: \(realtimePriority ?? 0)",
            "  priority: \(priority)", "  outstanding_megabytes: \(outstandingBytes >> 20)",
            "  snapshot_megabytes_per_second: \(snapshotBytesPerSecond >> 20)",
            "  compat_version: \(machineVersion)", "  admission_tasks: \(settings.admissionLimitTasks)",
            "  admission_megabytes: \(settings.admissionLimitBytes >> 20)", "  join: \(joins)",
            "  members:",
        ]
        lines += members.map { "    - {id: \($0.id), name: \($0.name), peer: \"\($0.peer)\"}" }
        lines += ["http:", "  listen: \"\(httpListen)\"", "  api_key_file: \(apiKeyFile)"]
        lines += ["  balancer_milliseconds: \(balancerMilliseconds)"]
        lines += [
            "postgres:", "  url: \(postgres == nil ? "\"\"" : "\"***\"")", "  connections: \(postgresConnections)",
        ]
        lines += ["workspace:", "  roots: [\(workspaceRoots.joined(separator: ", "))]"]
        lines += ["executor:", "  slots: \(executorSlots)", "  tool_threads: \(toolThreads)"]
        lines += ["egress:", "  allow_private: [\(allowPrivateRanges.joined(separator: ", "))]"]
        lines += ["log:", "  level: \(logLevel)", "  format: \(logFormat)", "providers:"]
        lines += providers.flatMap(Self.lines)
        return lines.joined(separator: "\n")
    }

    private static func lines(of provider: ProviderConfiguration) -> [String] {
        let seconds = [
            ("connect", provider.deadlines.connect), ("first_byte", provider.deadlines.firstByte),
            ("idle", provider.deadlines.idle), ("total", provider.deadlines.total),
        ]
        return [
            "  - id: \(provider.id)", "    tier: \(provider.tier)", "    dialect: \(provider.dialect.rawValue)",
            "    base_url: \"\(provider.baseURL)\"", "    model: \"\(provider.model)\"",
            "    # \(provider.key == nil ? "without a key" : "with a key")",
        ] + seconds.map { "    \($0)_timeout_seconds: \($1 / .seconds(1))" }
    }
}
