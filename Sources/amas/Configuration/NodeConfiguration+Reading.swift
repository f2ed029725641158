import ClusterState
import Egress
import FoundationEssentials
import Logging
import Postgres
import Providers
import Raft
import RaftServer
import Yams

extension NodeConfiguration {
    /// Reads and checks everything.
    /// - Parameters:
    ///   - secret: reads a secret from where a provider's settings say.
    ///   - canRead: whether a file or folder is there and may be read.
    /// - Throws: all problems at once.
    init(
        _ sources: ConfigurationSources, secret: (SecretReference) -> Secret?, canRead: (String) -> Bool
    ) throws(ConfigurationError) {
        guard !sources.isUnreadable else { throw ConfigurationError(problems: sources.problems) }
        var reader = SettingReader(sources)
        clusterID = reader.text("cluster.id")
        node = NodeID(UInt64(reader.integer("cluster.node")))
        joins = reader.flag("cluster.join")
        members = reader.members("cluster.members", isOptional: joins)
        dataFolder = reader.text("cluster.data_folder")
        peerListen = reader.address("cluster.listen")
        let insecure = reader.flag("cluster.insecure")
        let files = ["cluster.certificate", "cluster.private_key", "cluster.authorities"].map {
            reader.optionalText($0)
        }
        heartbeatMilliseconds = UInt64(reader.integer("cluster.heartbeat_milliseconds"))
        electionMilliseconds = UInt64(reader.integer("cluster.election_milliseconds"))
        machineVersion = UInt32(reader.integer("cluster.compat_version"))
        settings = Settings()
        settings.admissionLimitTasks = UInt64(reader.integer("cluster.admission_tasks"))
        settings.admissionLimitBytes = UInt64(reader.integer("cluster.admission_megabytes")) << 20
        let priority = reader.integer("cluster.realtime_priority")
        realtimePriority = priority == 0 ? nil : Int32(priority)
        self.priority = UInt64(reader.integer("cluster.priority"))
        outstandingBytes = reader.integer("cluster.outstanding_megabytes") << 20
        snapshotBytesPerSecond = reader.integer("cluster.snapshot_megabytes_per_second") << 20
        httpListen = reader.address("http.listen")
        apiKeyFile = reader.text("http.api_key_file")
        balancerMilliseconds = reader.integer("http.balancer_milliseconds")
        let url = reader.text("postgres.url")
        postgres = url.isEmpty ? nil : url
        if !url.isEmpty, (try? PostgresConfiguration(connectionString: url)) == nil {
            reader.report(
                "postgres.url",
                "is no connection string of PostgreSQL, such as postgresql://user:password@host/database")
        }
        postgresConnections = reader.integer("postgres.connections")
        workspaceRoots = reader.list("workspace.roots")
        executorSlots = reader.integer("executor.slots")
        toolThreads = reader.integer("executor.tool_threads")
        allowPrivateRanges = reader.list("egress.allow_private")
        logLevel = reader.text("log.level")
        logFormat = reader.text("log.format")
        providers = reader.providers("providers", secret: secret)

        if let certificate = files[0], let key = files[1], let authorities = files[2] {
            peerTLS = PeerTLS(certificate: certificate, privateKey: key, authorities: authorities)
            if insecure { reader.report("cluster.insecure", "contradicts the certificate that is set") }
        } else {
            peerTLS = nil
            if files.contains(where: { $0 != nil }) {
                reader.report("cluster.certificate", "certificate, private_key and authorities go together")
            } else if !insecure {
                reader.report("cluster.certificate", "is not set; make one with `amas certs`")
            }
        }
        check(&reader)
        let read = zip(["cluster.certificate", "cluster.private_key", "cluster.authorities"], files).map {
            ($0, $1 ?? "")
        }
        for (key, path) in read + [("http.api_key_file", apiKeyFile)] where !path.isEmpty && !canRead(path) {
            reader.report(key, "cannot be read: \(path)")
        }
        for root in workspaceRoots where !canRead(root) { reader.report("workspace.roots", "cannot be read: \(root)") }
        guard reader.problems.isEmpty else { throw ConfigurationError(problems: reader.problems) }
    }

    private func check(_ reader: inout SettingReader) {
        if Set(members.map(\.id)).count != members.count { reader.report("cluster.members", "names an id twice") }
        if Set(members.map(\.name)).count != members.count { reader.report("cluster.members", "uses a name twice") }
        let peers = members.map(\.peer)
        if Set(peers).count != peers.count { reader.report("cluster.members", "uses a peer address twice") }
        if httpListen == peerListen, httpListen.port != 0 { reader.report("http.listen", "is cluster.listen as well") }
        if !joins, !members.isEmpty, !members.contains(where: { $0.id == node }) {
            reader.report("cluster.node", "\(node) is not among the members")
        }
        if !joins, !members.isEmpty, members.count % 2 == 0 {
            reader.report(
                "cluster.members", "an even number of voters tolerates no more than one fewer; use 1, 3, 5 or 7")
        }
        if heartbeatMilliseconds * 2 > electionMilliseconds {
            reader.report("cluster.election_milliseconds", "must be at least twice cluster.heartbeat_milliseconds")
        }
        if Logger.Level(rawValue: logLevel) == nil { reader.report("log.level", "is not a level: \(logLevel)") }
        if !["json", "text"].contains(logFormat) { reader.report("log.format", "is json or text, not \(logFormat)") }
        for range in allowPrivateRanges where IPRange(range) == nil {
            reader.report("egress.allow_private", "is not an address range: \(range)")
        }
        if clusterID.utf8.count > 64 || !clusterID.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) {
            reader.report("cluster.id", "is 1 to 64 visible ASCII characters")
        }
    }
}

/// Takes settings out of their sources, and gathers what is wrong with them. Every function returns something, so that reading
/// goes on to the end and finds every problem.
private struct SettingReader {
    private var sources: ConfigurationSources

    init(_ sources: ConfigurationSources) {
        self.sources = sources
    }

    var problems: [ConfigurationError.Problem] { sources.problems }

    mutating func report(_ setting: String, _ message: String, at origin: SettingOrigin? = nil) {
        sources.report(setting, message, at: origin)
    }

    private func setting(_ key: String) -> Setting {
        guard let setting = Setting.all.first(where: { $0.key == key }) else {
            preconditionFailure("every setting that is read is in the table: \(key)")
        }
        return setting
    }

    mutating func optionalText(_ key: String) -> String? {
        guard let value = sources.value(key) else { return setting(key).standard }
        guard let text = value.scalar?.string else {
            report(key, "must be one value")
            return nil
        }
        return text
    }

    mutating func text(_ key: String) -> String {
        guard let text = optionalText(key) else {
            if sources.value(key) == nil { report(key, "is not set") }
            return ""
        }
        // Empty is a value only where it is the default: it means "without".
        if text.isEmpty, setting(key).standard != "" { report(key, "is empty") }
        return text
    }

    mutating func integer(_ key: String) -> Int {
        guard case .integer(let range) = setting(key).kind else { preconditionFailure("\(key) is an integer") }
        let text = text(key)
        if text.isEmpty { return range.lowerBound }
        guard let number = Int(text), range.contains(number) else {
            report(key, "is a whole number from \(range.lowerBound) to \(range.upperBound), not \(text)")
            return range.lowerBound
        }
        return number
    }

    mutating func flag(_ key: String) -> Bool {
        switch text(key) {
        case "true": return true
        case "false", "": return false
        case let other:
            report(key, "is true or false, not \(other)")
            return false
        }
    }

    mutating func address(_ key: String) -> PeerAddress {
        let text = text(key)
        guard let address = PeerAddress(text) else {
            if !text.isEmpty { report(key, "is host:port, not \(text)") }
            return PeerAddress(host: "", port: 0)
        }
        return address
    }

    mutating func list(_ key: String) -> [String] {
        guard let value = sources.value(key) else { return [] }
        if let items = value.sequence {
            for item in items where item.string == nil {
                report(key, "must be a list of single values", at: sources.origin(key, part: item))
            }
            return items.compactMap { $0.string }
        }
        if let one = value.string { return one.isEmpty ? [] : [one] }
        report(key, "must be a list")
        return []
    }

    mutating func members(_ key: String, isOptional: Bool) -> [NodeConfiguration.Member] {
        guard let items = sources.value(key)?.sequence else {
            if !isOptional { report(key, "is not set: a list of id, name and peer") }
            return []
        }
        var members: [NodeConfiguration.Member] = []
        for (place, item) in items.enumerated() {
            let path = "\(key)[\(place)]"
            let origin = sources.origin(key, part: item)
            guard let mapping = item.mapping else {
                report(path, "needs id, name and peer", at: origin)
                continue
            }
            for (name, _) in mapping where !["id", "name", "peer"].contains(name.string ?? "") {
                report("\(path).\(name.string ?? "?")", "unknown setting", at: origin)
            }
            guard let id = item["id"]?.int, id > 0 else {
                report("\(path).id", "is a whole number above zero", at: origin)
                continue
            }
            guard let text = item["peer"]?.string, let peer = PeerAddress(text) else {
                report("\(path).peer", "is host:port", at: origin)
                continue
            }
            members.append(.init(id: NodeID(UInt64(id)), name: item["name"]?.string ?? "node\(id)", peer: peer))
        }
        return members
    }

    mutating func providers(_ key: String, secret: (SecretReference) -> Secret?) -> [ProviderConfiguration] {
        guard let value = sources.value(key), value.sequence?.isEmpty == false else { return [] }
        do {
            let settings = try YAMLDecoder().decode([ProviderSettings].self, from: value)
            return try ProviderSettings.validated(settings, limits: .init(), secret: secret)
        } catch let error as ProviderConfigurationError {
            for problem in error.problems { report(problem.field, problem.message, at: sources.origin(key)) }
        } catch {
            report(key, "cannot be read: \(error)")
        }
        return []
    }
}
