import Yams

/// Settings as they were written, before anything is checked: text for plain ones, YAML for lists.
struct ConfigurationSources {
    private(set) var problems: [ConfigurationError.Problem] = []
    /// Whether the file is no mapping at all: what it says of any setting is unknown then.
    private(set) var isUnreadable = false
    private var values: [String: (node: Node, origin: SettingOrigin)] = [:]

    /// - Parameters:
    ///   - yaml: the text of the file, if there is one.
    ///   - environment: only names that begin with `AMAS_` are looked at.
    ///   - overrides: `key=value` pairs of `--set`.
    init(yaml: String?, environment: [String: String], overrides: [String]) {
        if let yaml { read(yaml) }
        read(environment)
        for override in overrides {
            guard let equals = override.firstIndex(of: "=") else {
                report(override, "a --set flag is key=value", at: .flag)
                continue
            }
            let key = String(override[..<equals])
            guard let setting = Setting.all.first(where: { $0.key == key }) else {
                report(key, "unknown setting\(Self.suggestion(for: key, among: Setting.all.map(\.key)))", at: .flag)
                continue
            }
            set(setting, String(override[override.index(after: equals)...]), .flag)
        }
    }

    /// The value of a setting, or nil if it is set nowhere.
    func value(_ key: String) -> Node? { values[key]?.node }

    /// Where the setting, or one part of its value, was written.
    func origin(_ key: String, part: Node? = nil) -> SettingOrigin? {
        guard let origin = values[key]?.origin else { return nil }
        switch origin {
        case .line: return part?.mark.map { .line($0.line) } ?? origin
        case .environment, .flag: return origin
        }
    }

    mutating func report(_ setting: String, _ message: String, at origin: SettingOrigin? = nil) {
        problems.append(.init(setting: setting, origin: origin ?? self.origin(setting), message: message))
    }

    /// Variables of other programs are nobody's mistake; one that is almost the name of a setting is.
    private mutating func read(_ environment: [String: String]) {
        let names = Setting.all.map(\.environmentName)
        for setting in Setting.all {
            let name = setting.environmentName
            if let text = environment[name] { set(setting, text, .environment(name)) }
        }
        for name in environment.keys.sorted() where name.hasPrefix("AMAS_") && !names.contains(name) {
            let suggestion = Self.suggestion(for: name, among: names)
            if !suggestion.isEmpty { report(name, "unknown setting\(suggestion)", at: .environment(name)) }
        }
    }

    private mutating func read(_ yaml: String) {
        do {
            guard let root = try Yams.compose(yaml: yaml) else { return }
            guard root.mapping != nil else {
                isUnreadable = true
                return report("file", "must be a mapping of settings")
            }
            flatten(root, prefix: "")
        } catch {
            isUnreadable = true
            report("file", "is not YAML: \(error)")
        }
    }

    private mutating func flatten(_ node: Node, prefix: String) {
        guard let mapping = node.mapping else { return }
        for (name, value) in mapping {
            let key = prefix + (name.string ?? "?")
            let origin = name.mark.map { SettingOrigin.line($0.line) } ?? .line(1)
            if Setting.all.contains(where: { $0.key == key }) {
                values[key] = (value, origin)
            } else if Setting.all.contains(where: { $0.key.hasPrefix(key + ".") }) {
                if value.mapping != nil {
                    flatten(value, prefix: key + ".")
                } else if value.null == nil {
                    report(key, "holds settings, not one value", at: origin)
                }
            } else {
                report(key, "unknown setting\(Self.suggestion(for: key, among: Setting.all.map(\.key)))", at: origin)
            }
        }
    }

    private mutating func set(_ setting: Setting, _ text: String, _ origin: SettingOrigin) {
        switch setting.kind {
        case .text, .secretText, .integer, .flag, .address:
            values[setting.key] = (.scalar(.init(text)), origin)
        case .list:
            let parts = text.split(separator: ",").map { Node.scalar(.init(String($0))) }
            values[setting.key] = (.sequence(.init(parts)), origin)
        case .members, .providers:
            do {
                values[setting.key] = try Yams.compose(yaml: text).map { ($0, origin) }
            } catch {
                report(setting.key, "is not YAML: \(error)", at: origin)
            }
        }
    }

    /// ", did you mean …?" for a slip of up to two letters.
    private static func suggestion(for key: String, among names: [String]) -> String {
        let near = names.map { ($0, distance($0, key)) }.min { $0.1 < $1.1 }
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
