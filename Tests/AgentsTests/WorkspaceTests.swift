import Testing

@testable import Agents

@Suite("Workspace")
struct WorkspaceTests {
    @Test("a path is shown as it may be given back")
    func shownPaths() throws {
        let folder = try TemporaryFolder()
        try folder.write("a/b.swift", "let x = 1\n")
        let workspace = try Workspace(roots: [folder.path])
        for target in ["a/b.swift", "./a//b.swift", "a/../a/b.swift", "\(folder.path)/a/b.swift"] {
            #expect(try workspace.resolve(target).shown == "a/b.swift")
        }
        #expect(try workspace.resolve(".").shown == ".")
        #expect(try workspace.resolve("a").shown == "a")
    }

    @Test("what leads out is refused by name, whether it exists or not")
    func escapes() throws {
        let outside = try TemporaryFolder()
        try outside.write("secret.txt", "x")
        let folder = try TemporaryFolder()
        try folder.write("inside.txt", "x")
        try folder.link("way-out", to: outside.path)
        try folder.link("file-out", to: "\(outside.path)/secret.txt")
        try folder.link("dangling", to: "\(outside.path)/nothing")
        try folder.link("way-in", to: "inside.txt")
        let workspace = try Workspace(roots: [folder.path])
        let escapes = [
            "..", "../x", "a/../../x", "/etc/passwd", "/nonexistent", "way-out", "way-out/secret.txt", "file-out",
            "../\(folder.path.split(separator: "/").last ?? "")-beside", "/..",
        ]
        for target in escapes {
            #expect(throws: AgentError.outsideWorkspace(path: target)) { try workspace.resolve(target) }
        }
        for target in ["", "nothing", "a/b", "dangling", "inside.txt/x", "\(folder.path)/nothing", "a\u{0}b"] {
            #expect(throws: AgentError.targetNotFound(path: target)) { try workspace.resolve(target) }
        }
        #expect(try workspace.resolve("way-in").shown == "inside.txt")
    }

    @Test("a second root is reached by absolute path only")
    func secondRoot() throws {
        let (first, second) = (try TemporaryFolder(), try TemporaryFolder())
        try second.write("x.txt", "x")
        let workspace = try Workspace(roots: [first.path, second.path])
        #expect(try workspace.resolve("\(second.path)/x.txt").shown == "\(second.path)/x.txt")
        #expect(throws: AgentError.targetNotFound(path: "x.txt")) { try workspace.resolve("x.txt") }
    }

    @Test("a root that is no folder is refused")
    func badRoots() throws {
        let folder = try TemporaryFolder()
        try folder.write("file", "x")
        for roots in [[], ["/nonexistent"], ["\(folder.path)/file"]] {
            #expect {
                try Workspace(roots: roots)
            } throws: {
                if case .badRoot = $0 as? AgentError { true } else { false }
            }
        }
    }
}

@Suite("Reading a tree")
struct SourceReaderTests {
    private func read(_ folder: TemporaryFolder, _ target: String = ".", limits: Limits = Limits()) throws -> SourceTree
    {
        try SourceReader.read(
            target, in: Workspace(roots: [folder.path]), limits: limits, interrupt: Interrupt())
    }

    @Test("links are not followed, tools' folders and binary files are passed by, all are counted")
    func skipped() throws {
        let outside = try TemporaryFolder()
        try outside.write("leak.py", "eval(x)\n")
        let folder = try TemporaryFolder()
        try folder.write("main.py", "x = 1\n")
        try folder.write(".git/config", "x")
        try folder.write(".build-debug/x.swift", "x")
        try folder.write("web/node_modules/x/index.js", "x")
        try folder.write("vendor/x.go", "x")
        try folder.write("picture.png", bytes: [137, 80, 78, 71, 0, 1, 2])
        try folder.write(".env", "A=1\n")
        try folder.link("out", to: outside.path)
        try folder.link("leak.py", to: "\(outside.path)/leak.py")
        try folder.link("loop", to: ".")
        let tree = try read(folder)
        #expect(tree.files.map(\.path) == [".env", "main.py"])
        #expect(tree.skipped.folders == 4)
        #expect(tree.skipped.symbolicLinks == 3)
        #expect(tree.skipped.binary == 1)
        #expect(tree.skipped.notes == ["Skipped: 4 folders of tools or dependencies, 1 binary file, 3 symbolic links."])
    }

    @Test("a file at the size limit is read, one byte more is not and costs coverage")
    func fileSize() throws {
        let folder = try TemporaryFolder()
        var limits = Limits()
        limits.fileBytes = 1_000
        try folder.write("fits.txt", String(repeating: "x", count: 1_000))
        try folder.write("huge.txt", String(repeating: "x", count: 1_001))
        let tree = try read(folder, limits: limits)
        #expect(tree.files.map(\.path) == ["fits.txt"])
        #expect(tree.skipped.tooLarge == 1)
        #expect(tree.coverage == Coverage(examined: 1_000, seen: 2_001))
    }

    @Test("the limits on files, bytes, depth and entries hold exactly")
    func limits() throws {
        let folder = try TemporaryFolder()
        for number in 0..<6 { try folder.write("f\(number).txt", "1234567890") }
        try folder.write("a/b/c/deep.txt", "1234567890")

        var limits = Limits()
        limits.files = 4
        var tree = try read(folder, limits: limits)
        #expect(tree.files.count == 4)
        #expect(tree.skipped.beyondLimits == 3)

        limits = Limits()
        limits.totalBytes = 30
        tree = try read(folder, limits: limits)
        #expect(tree.files.count == 3)
        #expect(tree.skipped.beyondLimitsBytes == 40)

        limits = Limits()
        limits.depth = 3
        #expect(try read(folder, limits: limits).files.count == 7)
        limits.depth = 2
        tree = try read(folder, limits: limits)
        #expect(tree.files.count == 6)
        #expect(tree.skipped.tooDeep == 1)

        limits = Limits()
        limits.entries = 5
        tree = try read(folder, limits: limits)
        #expect(tree.files.count <= 5)
        #expect(tree.skipped.entriesExhausted)
        #expect(tree.skipped.notes.contains { $0.contains("ended early") })
    }

    @Test("a tree as deep as the file system allows ends at the depth limit")
    func deepTree() throws {
        let folder = try TemporaryFolder()
        try folder.write((0..<200).map { _ in "d" }.joined(separator: "/") + "/x.txt", "x")
        let tree = try read(folder)
        #expect(tree.files.isEmpty)
        #expect(tree.skipped.tooDeep == 1)
    }

    @Test("a single file is a target, a device is not")
    func singleFile() throws {
        let folder = try TemporaryFolder()
        try folder.write("a/x.py", "x = 1\n")
        #expect(try read(folder, "a/x.py").files.map(\.path) == ["a/x.py"])
        #expect {
            try SourceReader.read(
                "/dev/null", in: Workspace(roots: ["/dev"]), limits: Limits(), interrupt: Interrupt())
        } throws: {
            if case .unreadable = $0 as? AgentError { true } else { false }
        }
    }

    @Test("an interrupt ends the walk between files")
    func interrupted() throws {
        let folder = try TemporaryFolder()
        try folder.write("x.py", "x = 1\n")
        let workspace = try Workspace(roots: [folder.path])
        let interrupt = Interrupt()
        interrupt.cancel()
        #expect(throws: AgentError.cancelled) {
            try SourceReader.read(".", in: workspace, limits: Limits(), interrupt: interrupt)
        }
        #expect(throws: AgentError.deadlineExceeded) {
            try SourceReader.read(
                ".", in: workspace, limits: Limits(), interrupt: Interrupt(deadline: ContinuousClock.now))
        }
    }
}
