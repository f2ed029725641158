extension Language {
    static let byExtension: [String: Language] = [
        "swift": .swift, "py": .python, "pyi": .python, "pyw": .python, "js": .javascript, "mjs": .javascript,
        "cjs": .javascript, "jsx": .javascript, "ts": .typescript, "tsx": .typescript, "mts": .typescript,
        "cts": .typescript, "go": .go, "rs": .rust, "java": .java, "c": .c, "cc": .cpp, "cpp": .cpp, "cxx": .cpp,
        "hpp": .cpp, "hh": .cpp, "hxx": .cpp, "ipp": .cpp, "inl": .cpp, "m": .objectiveC, "mm": .objectiveC,
        "cs": .csharp, "kt": .kotlin, "kts": .kotlin, "scala": .scala, "dart": .dart, "rb": .ruby, "rake": .ruby,
        "php": .php, "pl": .perl, "pm": .perl, "lua": .lua, "r": .r, "ex": .elixir, "exs": .elixir, "hs": .haskell,
        "sh": .shell, "bash": .shell, "zsh": .shell, "ksh": .shell, "sql": .sql, "html": .html, "htm": .html,
        "vue": .html, "svelte": .html, "css": .css, "scss": .css, "less": .css, "xml": .xml, "xsd": .xml, "xsl": .xml,
        "plist": .xml, "svg": .xml, "csproj": .xml, "json": .json, "jsonl": .json, "ipynb": .json, "resolved": .json,
        "yaml": .yaml, "yml": .yaml, "toml": .toml, "ini": .ini, "cfg": .ini, "conf": .ini, "properties": .ini,
        "env": .ini, "proto": .protobuf, "tf": .terraform, "tfvars": .terraform, "hcl": .terraform,
        "dockerfile": .dockerfile, "mk": .makefile, "cmake": .cmake, "md": .markdown, "markdown": .markdown,
        "rst": .markdown, "txt": .text, "h": .c,
    ]

    static let byFilename: [String: Language] = [
        "dockerfile": .dockerfile, "containerfile": .dockerfile, "makefile": .makefile, "gnumakefile": .makefile,
        "cmakelists.txt": .cmake, "gemfile": .ruby, "rakefile": .ruby, "podfile": .ruby, "jenkinsfile": .java,
        "cargo.lock": .toml, "poetry.lock": .toml, ".gitignore": .text, ".gitattributes": .text, ".bashrc": .shell,
        ".profile": .shell, ".npmrc": .ini, ".pypirc": .ini, ".netrc": .text, ".swift-format": .json,
    ]

    static let otherNames: [String: Language] = [
        "golang": .go, "js": .javascript, "node": .javascript, "c#": .csharp, "objc": .objectiveC, "bash": .shell,
        "objective-c++": .objectiveC, "docker": .dockerfile, "make": .makefile, "hcl": .terraform, "plain": .text,
    ]

    /// The names that `parameters.language` takes.
    static let inputNames: [String] = {
        let names = allCases.map { $0.rawValue.lowercased() } + byExtension.keys + otherNames.keys
        return Set(names).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }()
}
