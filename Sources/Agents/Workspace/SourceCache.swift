import Synchronization

/// The source trees that the tools of one run have asked for, each read once.
final class SourceCache: Sendable {
    private let trees = Mutex<[SourceRequest: SourceTree]>([:])

    subscript(request: SourceRequest) -> SourceTree? {
        get { trees.withLock { $0[request] } }
        set { trees.withLock { $0[request] = newValue } }
    }
}

/// What file tools are asked to look at: a path, or code that came with the task.
struct SourceRequest: Hashable, Sendable {
    enum Origin: Hashable, Sendable {
        case target(String)
        case code(String, language: Language?, filename: String?)
    }

    var origin: Origin

    /// - Throws: `invalidInput`, naming the argument.
    init(_ arguments: JSONValue, limits: Limits) throws(AgentError) {
        if let target = arguments["target"] {
            guard let path = target.stringValue, path.utf8.count <= limits.targetBytes else {
                throw .invalidInput([FieldError(field: "target", message: "must be a path")])
            }
            origin = .target(path)
            return
        }
        guard let code = arguments["code"]?.stringValue else {
            throw .invalidInput([FieldError(field: "target", message: "target or code is required")])
        }
        guard code.utf8.count <= limits.codeBytes else {
            let message = "is longer than \(limits.codeBytes) bytes"
            throw .invalidInput([FieldError(field: "code", message: message)])
        }
        var language: Language?
        if let name = arguments["language"]?.stringValue {
            language = Language(name: name)
            guard language != nil else {
                throw .invalidInput([FieldError(field: "language", message: "'\(name)' is not known")])
            }
        }
        origin = .code(code, language: language, filename: arguments["filename"]?.stringValue)
    }
}

extension ToolContext {
    /// The sources that `arguments` name, read on a tool thread, once per run.
    func sources(for arguments: JSONValue) async throws(AgentError) -> SourceTree {
        let request = try SourceRequest(arguments, limits: limits)
        if let known = sources[request] { return known }
        let (workspace, limits) = (workspace, limits)
        let tree = try await threads.run(deadline: deadline) { interrupt throws(AgentError) in
            switch request.origin {
            case .target(let path):
                return try SourceReader.read(path, in: workspace, limits: limits, interrupt: interrupt)
            case .code(let code, let language, let filename):
                return SourceTree(code: code, language: language, filename: filename)
            }
        }
        sources[request] = tree
        return tree
    }

    /// Runs `body` over the named sources on a tool thread.
    func examine<Value: Sendable>(
        _ arguments: JSONValue,
        _ body: @escaping @Sendable (SourceTree, Interrupt) throws(AgentError) -> Value
    ) async throws(AgentError) -> Value {
        let tree = try await sources(for: arguments)
        return try await threads.run(deadline: deadline) { interrupt throws(AgentError) in try body(tree, interrupt) }
    }
}

extension SourceTree {
    /// Code that came with a task, as one file.
    init(code: String, language: Language?, filename: String?) {
        let bytes = Array(code.utf8)
        var known = language
        if known == nil, filename == nil { known = Language.guess(from: bytes) }
        let file = SourceFile(path: filename ?? known?.exampleFilename ?? "code.txt", bytes: bytes, language: known)
        self.init(name: file.path, files: bytes.isEmpty ? [] : [file], skipped: Skipped(), path: nil)
    }
}
