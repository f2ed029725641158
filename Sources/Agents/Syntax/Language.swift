/// The languages that are told apart. The raw value is the name that people read.
enum Language: String, Sendable, Hashable, CaseIterable {
    case swift = "Swift"
    case python = "Python"
    case javascript = "JavaScript"
    case typescript = "TypeScript"
    case go = "Go"
    case rust = "Rust"
    case java = "Java"
    case c = "C"
    case cpp = "C++"
    case objectiveC = "Objective-C"
    case csharp = "C#"
    case kotlin = "Kotlin"
    case scala = "Scala"
    case dart = "Dart"
    case ruby = "Ruby"
    case php = "PHP"
    case perl = "Perl"
    case lua = "Lua"
    case r = "R"
    case elixir = "Elixir"
    case haskell = "Haskell"
    case shell = "Shell"
    case sql = "SQL"
    case html = "HTML"
    case css = "CSS"
    case xml = "XML"
    case json = "JSON"
    case yaml = "YAML"
    case toml = "TOML"
    case ini = "INI"
    case protobuf = "Protocol Buffers"
    case terraform = "Terraform"
    case dockerfile = "Dockerfile"
    case makefile = "Makefile"
    case cmake = "CMake"
    case markdown = "Markdown"
    case text = "Text"

    /// A language by the name a person gives it, or by its usual file extension, in any case.
    init?(name: String) {
        let lowercased = name.lowercased()
        if let named = Self.allCases.first(where: { $0.rawValue.lowercased() == lowercased }) {
            self = named
        } else if let known = Self.byExtension[lowercased] ?? Self.otherNames[lowercased] {
            self = known
        } else {
            return nil
        }
    }

    /// Has functions and statements: its tokens are kept and its lines count as code in headlines.
    var isProgramming: Bool {
        switch self {
        case .swift, .python, .javascript, .typescript, .go, .rust, .java, .c, .cpp, .objectiveC, .csharp, .kotlin,
            .scala, .dart, .ruby, .php, .perl, .lua, .r, .elixir, .haskell, .shell, .sql:
            true
        case .html, .css, .xml, .json, .yaml, .toml, .ini, .protobuf, .terraform, .dockerfile, .makefile, .cmake,
            .markdown, .text:
            false
        }
    }

    /// Values stand there without quotes, so a secret may too.
    var isConfiguration: Bool {
        switch self {
        case .yaml, .toml, .ini, .dockerfile, .makefile, .shell, .text, .terraform: true
        case .swift, .python, .javascript, .typescript, .go, .rust, .java, .c, .cpp, .objectiveC, .csharp, .kotlin,
            .scala, .dart, .ruby, .php, .perl, .lua, .r, .elixir, .haskell, .sql, .html, .css, .xml, .json, .protobuf,
            .cmake, .markdown:
            false
        }
    }

    /// A file name for code that came without one.
    var exampleFilename: String {
        let usual = Self.byExtension.filter { $0.value == self }.keys
        return "code.\(usual.min { ($0.count, $0) < ($1.count, $1) } ?? "txt")"
    }
}
