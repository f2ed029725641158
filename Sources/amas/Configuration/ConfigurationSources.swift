import Yams

/// Settings as they were written, before anything is checked: text for plain ones, YAML for lists.
struct ConfigurationSources {
    private(set) var problems: [ConfigurationError.Problem] = []
    private var values: [String: Node] = [:]

    /// - Parameters:
    ///   - yaml: the text of the file, if there is one.
    ///   - environment: only names that begin with `AMAS_` are looked at.
    ///   - overrides: `key=value` pairs of `--set`.
    init(yaml: String?, environment: [String: String], overrides: [String]) {
        if let yaml { read(yaml) }
        for setting in Setting.all {
            if let text = environment[setting.environmentName] { set(setting, text) }
        }
        for override in overrides {
            guard let equals = override.firstIndex(of: "=") else {
                report(override, "a --set flag is key=value")
                continue
            }
            let key = String(override[..<equals])
            guard let setting = Setting.all.first(where: { $0.key == key }) else {
                report(key, "unknown setting\(Self.suggestion(for: key))")
                continue
            }
            set(setting, String(override[override.index(after: equals)...]))
        }
    }

    /// The value of a setting, or nil if it is set nowhere.
    func value(_ key: String) -> Node? { values[key] }

    mutating func report(_ setting: String, _ message: String) {
        problems.append(.init(setting: setting, message: message))
    }

    private mutating func read(_ yaml: String) {
        do {
            guard let root = try Yams.compose(yaml: yaml) else { return }
            guard root.mapping != nil else { return report("file", "must be a mapping of settings") }
            flatten(root, prefix: "")
        } catch {
            report("file", "is not YAML: \(error)")
        }
    }

    private mutating func flatten(_ node: Node, prefix: String) {
        guard let mapping = node.mapping else { return }
        for (name, value) in mapping {
            let key = prefix + (name.string ?? "?")
            if Setting.all.contains(where: { $0.key == key }) {
                values[key] = value
            } else if value.mapping != nil, Setting.all.contains(where: { $0.key.hasPrefix(key + ".") }) {
                flatten(value, prefix: key + ".")
            } else {
                report(key, "unknown setting\(Self.suggestion(for: key))")
            }
        }
    }

    private mutating func set(_ setting: Setting, _ text: String) {
        switch setting.kind {
        case .text, .secretText, .integer, .flag, .address:
            values[setting.key] = .scalar(.init(text))
        case .list:
            let parts = text.split(separator: ",").map { Node.scalar(.init(String($0))) }
            values[setting.key] = .sequence(.init(parts))
        case .members, .providers:
            do {
                values[setting.key] = try Yams.compose(yaml: text)
            } catch {
                report(setting.key, "is not YAML: \(error)")
            }
        }
    }

    /// ", did you mean …?" for a slip of up to two letters.
    private static func suggestion(for key: String) -> String {
        let near = Setting.all.map { ($0.key, distance($0.key, key)) }.min { $0.1 < $1.1 }
        guard let near, near.1 <= 2 else { return "" }
        return ", did you mean \(near.0)?"
    }

    /// Levenshtein's edit distance.
    private static func distance(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left.utf8), Array(right.utf8))
        var row = Array(0...right.count)
        for (i, byte) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in right.enumerated() {
                let cost = byte == other ? diagonal : min(diagonal, row[j], row[j + 1]) + 1
                diagonal = row[j + 1]
                row[j + 1] = cost
            }
        }
        return row[right.count]
    }
}
