import Testing

@testable import Agents

@Suite("Languages and size")
struct LanguagesToolTests {
    @Test("files and lines are counted by language")
    func counts() async throws {
        let folder = try TemporaryFolder()
        try folder.write("a.swift", "let a = 1\n// c\n\n")
        try folder.write("b.swift", "let b = 1\nlet c = 1\n")
        try folder.write("c.py", "x = 1\n")
        try folder.write("README.md", "# T\n")
        let evidence = try await run(LanguagesTool(), in: folder)
        #expect(evidence.metric("files") == 4)
        #expect(evidence.metric("code_lines") == 4)
        #expect(evidence.metric("comment_lines") == 1)
        #expect(evidence.headline == "4 files with 4 lines of code, 75 % Swift")
        #expect(evidence.tables.first?.rows.map { $0[0] } == ["Swift", "Python", "Markdown"])
        #expect(evidence.tables.first?.rows.first == ["Swift", "2", "3", "1", "1", "75.0 %"])
    }
}

@Suite("Duplication")
struct DuplicationTests {
    private func passage(_ names: Int, literal: String = "1") -> String {
        (0..<12).map { "    result.append(transform(input[\($0 + names)], with: option\($0), limit: \(literal)))\n" }
            .joined()
    }

    @Test("a repeated passage is found once for each copy, comments and literals aside")
    func repeated() async throws {
        let folder = try TemporaryFolder()
        try folder.write("a.swift", "func a() {\n    prepare()\n\(passage(0))}\n")
        try folder.write(
            "b.swift", "struct Other { }\nfunc b() {\n    start(); // other\n\(passage(0, literal: "2"))}\n")
        try folder.write("c.py", "x = 1\n")
        let evidence = try await run(DuplicationTool(), in: folder)
        #expect(evidence.planted == [Planted("duplicate", "b.swift", 4)])
        #expect(evidence.findings.first?.title == "13 lines repeated from a.swift:3")
    }

    @Test("passages below the minimum, tables of literals and imports are no duplicates")
    func notRepeated() async throws {
        let folder = try TemporaryFolder()
        let short = "func f() {\n" + (0..<4).map { "    call\($0)(a, b)\n" }.joined() + "}\n"
        let table = "let t = [\n" + (0..<200).map { "    \($0), \($0 + 1),\n" }.joined() + "]\n"
        let imports = (0..<60).map { "import Module\($0).Part\n" }.joined()
        for name in ["a", "b"] { try folder.write("\(name).swift", imports + short + table + "let \(name) = 1\n") }
        #expect(try await run(DuplicationTool(), in: folder).planted.isEmpty)
    }

    @Test(
        "long tables and endless repetitions are read in linear time", .timeLimit(.minutes(2)),
        arguments: ["0x1f, ", "a b c d ", "f(x); ", "case a: return b\n"])
    func repetitive(piece: String) throws {
        let text = String(repeating: piece, count: 100_000 / piece.utf8.count)
        let streams = (0..<2).map { DuplicateFinder.Stream(file("f\($0).swift", text)) }
        let found = try DuplicateFinder.duplicates(in: streams, minimumTokens: 100, interrupt: Interrupt())
        #expect(found.isEmpty)
    }

    @Test(
        "every copied passage of at least the minimum is found, wherever it stands, by comparison with a plain search")
    func allFound() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(seed: seed)
        func words(_ count: Int) -> [String] {
            (0..<count).map { _ in "w\(Int.random(in: 0..<5_000, using: &generator))" }
        }
        for _ in 0..<20 {
            let minimum = 40
            let copied = words(Int.random(in: minimum...120, using: &generator))
            let first = words(Int.random(in: 0...150, using: &generator)) + copied + words(30)
            let second = words(Int.random(in: 0...150, using: &generator)) + copied + words(30)
            let streams = [first, second].enumerated().map { number, words in
                DuplicateFinder.Stream(file("f\(number).py", words.joined(separator: "\n")))
            }
            let found = try DuplicateFinder.duplicates(
                in: streams, minimumTokens: minimum, interrupt: Interrupt())
            #expect(found.count == 1, "seed \(seed)")
            #expect(found.first.map { $0.tokens >= copied.count } == true, "seed \(seed)")
        }
    }
}

@Suite("Notes left for later")
struct MarkersTests {
    @Test("marks count in comments, as words in capitals")
    func marks() async throws {
        let folder = try TemporaryFolder()
        try folder.write(
            "a.swift",
            """
            // TODO: one
            let a = "TODO not here"
            /* two
               FIXME(me) here
               and HACK there */
            // TODOS, todo, a_TODO, and BUGGY are words
            let TODO = 1
            """)
        let evidence = try await run(MarkersTool(), in: folder)
        #expect(
            evidence.planted == [
                Planted("marker.todo", "a.swift", 1), Planted("marker.fixme", "a.swift", 4),
                Planted("marker.hack", "a.swift", 5),
            ])
        #expect(evidence.headline == "notes left for later: 1 TODO, 1 FIXME, 1 HACK")
    }
}

@Suite("Dependencies")
struct DependenciesTests {
    private func read(_ path: String, _ text: String) -> [String] {
        Manifest.dependencies(in: file(path, text)).map {
            "\($0.line) \($0.name) \($0.requirement) \($0.pin.rawValue)\($0.isFetchedInPlain ? " plain" : "")"
        }
    }

    @Test("Package.swift")
    func swiftPackage() {
        let text = """
            let package = Package(dependencies: [
                .package(url: "https://github.com/apple/swift-nio.git", exact: "2.1.0"),
                .package(url: "https://github.com/a/b", from: "1.0.0"),
                // .package(url: "https://github.com/a/commented", from: "1.0.0"),
                .package(url: "http://example.com/c", branch: "main"),
                .package(path: "../local"),
                .package(url: "https://github.com/a/d", "1.0.0"..<"2.0.0"),
                .package(url: "https://github.com/a/e", .upToNextMinor(from: "1.2.0")),
            ])
            """
        #expect(
            read("x/Package.swift", text) == [
                "2 swift-nio 2.1.0 exact", "3 b 1.0.0 range", "5 c main none plain", "7 d 1.0.0 – 2.0.0 range",
                "8 e 1.2.0 range",
            ])
    }

    @Test("package.json")
    func npm() {
        let text = """
            {
              "name": "left",
              "dependencies": {
                "left": "^1.2.0",
                "exact": "1.0.0"
              },
              "devDependencies": { "any": "*", "open": ">=2", "local": "file:../x", "git": "git+http://x.example/y.git" }
            }
            """
        #expect(
            read("package.json", text) == [
                "5 exact 1.0.0 exact", "4 left ^1.2.0 range", "7 any * none",
                "7 git git+http://x.example/y.git none plain",
                "7 local file:../x exact", "7 open >=2 none",
            ])
        #expect(read("package.json", "{ broken").isEmpty)
    }

    @Test("Python")
    func python() {
        let text =
            "# comment\nrequests==2.31.0\nflask[async] >= 2.0, < 3 ; python_version > '3'\nnumpy\n-r other.txt\nx @ https://h/x#egg=x # why\nd~=1.0\n"
        #expect(
            read("requirements-dev.txt", text) == [
                "2 requests ==2.31.0 exact", "3 flask >= 2.0, < 3 range", "4 numpy  none",
                "6 x @ https://h/x#egg=x none",
                "7 d ~=1.0 range",
            ])
        let project = """
            [project]
            name = "x"
            dependencies = [
              "httpx>=0.2,<1",  # why
              'rich',
            ]
            [tool.poetry.dependencies]
            python = "^3.11"
            django = "^4.2"
            celery = { version = "*", extras = ["redis"] }
            """
        #expect(
            read("pyproject.toml", project) == [
                "4 httpx >=0.2,<1 range", "5 rich  none", "9 django ^4.2 range", "10 celery * none",
            ])
    }

    @Test("Go, Cargo and Maven")
    func others() {
        let go =
            "module x\nrequire github.com/a/b v1.2.3\nrequire (\n\tgithub.com/c/d v0.1.0 // indirect\n)\nreplace x => ../y\n"
        #expect(read("go.mod", go) == ["2 github.com/a/b v1.2.3 exact", "4 github.com/c/d v0.1.0 exact"])
        let cargo = """
            [package]
            version = "1.0.0"
            [dependencies]
            serde = "1.0"
            tokio = { version = "=1.2.3", features = ["full"] }
            any = "*"
            local = { path = "../x" }
            [dev-dependencies.rand]
            version = "0.8"
            """
        #expect(
            read("Cargo.toml", cargo) == [
                "4 serde 1.0 range", "5 tokio =1.2.3 exact", "6 any * none", "7 local  exact", "8 rand 0.8 range",
            ])
        let maven = """
            <project>
              <dependencies>
                <dependency>
                  <groupId>org.x</groupId><artifactId>y</artifactId>
                  <version>1.0</version>
                </dependency>
                <!-- <dependency><groupId>no</groupId></dependency> -->
                <dependency><groupId>a</groupId><artifactId>b</artifactId><version>LATEST</version></dependency>
              </dependencies>
            </project>
            """
        #expect(read("pom.xml", maven) == ["3 org.x:y 1.0 exact", "8 a:b LATEST none"])
    }

    @Test("what is left open or fetched in plain is a finding at its line")
    func findings() async throws {
        let folder = try TemporaryFolder()
        try folder.write("web/package.json", "{\"dependencies\": {\n\"a\": \"latest\",\n\"b\": \"1.0.0\"}}\n")
        try folder.write("requirements.txt", "x==1\nhttp @ git+http://h/x\n")
        let evidence = try await run(DependenciesTool(), in: folder)
        #expect(
            evidence.planted == [
                Planted("dependency.unpinned", "web/package.json", 2),
                Planted("dependency.unpinned", "requirements.txt", 2),
                Planted("dependency.plain-transport", "requirements.txt", 2),
            ])
        #expect(evidence.headline == "4 dependencies in 2 manifests")
    }
}
