import Raft

/// A key of a table. Its bytes are part of the hash chain and of snapshots.
protocol TableKey: Comparable, Sendable {
    func append(to bytes: inout [UInt8])
    /// Nil unless `bytes` are exactly what `append` writes.
    init?(bytes: ArraySlice<UInt8>)
}

extension TaskKey: TableKey {
    func append(to bytes: inout [UInt8]) { bytes.append(contentsOf: self.bytes) }
}

/// The key of a table with one row.
struct SingleKey: TableKey {
    init() {}
    init?(bytes: ArraySlice<UInt8>) { if !bytes.isEmpty { return nil } }
    func append(to bytes: inout [UInt8]) {}
    static func < (left: SingleKey, right: SingleKey) -> Bool { false }
}

/// A key of one number: node ids, priorities, buckets.
struct NumberKey: TableKey {
    let value: UInt64

    init(_ value: UInt64) { self.value = value }

    init?(bytes: ArraySlice<UInt8>) {
        var reader = ByteReader(bytes)
        guard let value = reader.bigEndian(UInt64.self), reader.isAtEnd else { return nil }
        self.value = value
    }

    func append(to bytes: inout [UInt8]) { bytes.appendBigEndian(value) }
    static func < (left: NumberKey, right: NumberKey) -> Bool { left.value < right.value }
}

/// One boot of a node.
struct SessionKey: TableKey {
    let node: NodeID
    let boot: BootID

    init(node: NodeID, boot: BootID) {
        self.node = node
        self.boot = boot
    }

    init(_ session: Envelope.Session) { self.init(node: session.node, boot: session.boot) }

    init?(bytes: ArraySlice<UInt8>) {
        var reader = ByteReader(bytes)
        guard let node = reader.bigEndian(UInt64.self), let boot = reader.bigEndian(UInt64.self), reader.isAtEnd
        else { return nil }
        self.init(node: NodeID(node), boot: BootID(boot))
    }

    func append(to bytes: inout [UInt8]) {
        bytes.appendBigEndian(node.rawValue)
        bytes.appendBigEndian(boot.rawValue)
    }

    static func < (left: SessionKey, right: SessionKey) -> Bool {
        left.node == right.node ? left.boot < right.boot : left.node < right.node
    }
}

/// A command of a session.
struct OutcomeKey: TableKey {
    let session: SessionKey
    let sequence: UInt64

    init(session: SessionKey, sequence: UInt64) {
        self.session = session
        self.sequence = sequence
    }

    init?(bytes: ArraySlice<UInt8>) {
        guard bytes.count == 24, let session = SessionKey(bytes: bytes.prefix(16)),
            let sequence = NumberKey(bytes: bytes.dropFirst(16))
        else { return nil }
        self.init(session: session, sequence: sequence.value)
    }

    func append(to bytes: inout [UInt8]) {
        session.append(to: &bytes)
        bytes.appendBigEndian(sequence)
    }

    static func < (left: OutcomeKey, right: OutcomeKey) -> Bool {
        left.session == right.session ? left.sequence < right.sequence : left.session < right.session
    }
}

/// One attempt at one step.
struct StepKey: TableKey {
    let task: TaskKey
    let step: UInt32
    let attempt: UInt32

    init(task: TaskKey, step: UInt32, attempt: UInt32) {
        self.task = task
        self.step = step
        self.attempt = attempt
    }

    init?(bytes: ArraySlice<UInt8>) {
        guard bytes.count > 8, let task = TaskKey(bytes: bytes.dropLast(8)) else { return nil }
        var reader = ByteReader(bytes.suffix(8))
        guard let step = reader.bigEndian(UInt32.self), let attempt = reader.bigEndian(UInt32.self) else { return nil }
        self.init(task: task, step: step, attempt: attempt)
    }

    func append(to bytes: inout [UInt8]) {
        task.append(to: &bytes)
        bytes.appendBigEndian(step)
        bytes.appendBigEndian(attempt)
    }

    static func < (left: StepKey, right: StepKey) -> Bool {
        if left.task != right.task { return left.task < right.task }
        return left.step == right.step ? left.attempt < right.attempt : left.step < right.step
    }
}

/// A result that is being uploaded for a task.
struct UploadKey: TableKey {
    let task: TaskKey
    /// Of the result.
    let digest: StateHash

    init(task: TaskKey, digest: StateHash) {
        self.task = task
        self.digest = digest
    }

    init?(bytes: ArraySlice<UInt8>) {
        guard bytes.count > StateHash.byteCount, let task = TaskKey(bytes: bytes.dropLast(StateHash.byteCount)),
            let digest = StateHash(bytes: bytes.suffix(StateHash.byteCount))
        else { return nil }
        self.init(task: task, digest: digest)
    }

    func append(to bytes: inout [UInt8]) {
        task.append(to: &bytes)
        digest.append(to: &bytes)
    }

    static func < (left: UploadKey, right: UploadKey) -> Bool {
        left.task == right.task ? left.digest < right.digest : left.task < right.task
    }
}

extension EventOffset: TableKey {
    init?(bytes: ArraySlice<UInt8>) {
        var reader = ByteReader(bytes)
        guard let index = reader.bigEndian(UInt64.self), let ordinal = reader.bigEndian(UInt32.self), reader.isAtEnd
        else { return nil }
        self.init(index: LogIndex(index), ordinal: ordinal)
    }

    func append(to bytes: inout [UInt8]) {
        bytes.appendBigEndian(index.rawValue)
        bytes.appendBigEndian(ordinal)
    }
}

/// Several byte strings as one key. Each but the last is preceded by its length, so that no two lists collide.
struct BytesKey: TableKey {
    let bytes: [UInt8]

    init?(bytes: ArraySlice<UInt8>) { self.bytes = [UInt8](bytes) }

    init(_ parts: [String.UTF8View], prefix: [UInt8] = []) {
        var bytes = prefix
        bytes.reserveCapacity(prefix.count + parts.reduce(0) { $0 + $1.count + 2 })
        for (index, part) in parts.enumerated() {
            precondition(part.count <= UInt16.max, "the parts of a key are checked where they enter")
            if index < parts.count - 1 { bytes.appendBigEndian(UInt16(part.count)) }
            bytes.append(contentsOf: part)
        }
        self.bytes = bytes
    }

    func append(to bytes: inout [UInt8]) { bytes.append(contentsOf: self.bytes) }
    static func < (left: BytesKey, right: BytesKey) -> Bool { Bytes.precedes(left.bytes, right.bytes) }
}

/// What is still to be done about what.
struct WorkKey: TableKey {
    enum Subject: Equatable, Sendable {
        case release(SessionKey)
        case settle(TaskKey)
        case forget(SessionKey)
        case rewind
    }

    let subject: Subject
    private let bytes: [UInt8]

    init(_ subject: Subject) {
        self.subject = subject
        var bytes: [UInt8] = [UInt8(truncatingIfNeeded: Self.code(of: subject).rawValue)]
        switch subject {
        case .release(let session), .forget(let session): session.append(to: &bytes)
        case .settle(let task): task.append(to: &bytes)
        case .rewind: break
        }
        self.bytes = bytes
    }

    init?(bytes: ArraySlice<UInt8>) {
        guard let code = bytes.first, let kind = WorkKindCode(rawValue: Int(code)) else { return nil }
        let rest = bytes.dropFirst()
        switch kind {
        case .release:
            guard let session = SessionKey(bytes: rest) else { return nil }
            self.init(.release(session))
        case .settle:
            guard let task = TaskKey(bytes: rest) else { return nil }
            self.init(.settle(task))
        case .forget:
            guard let session = SessionKey(bytes: rest) else { return nil }
            self.init(.forget(session))
        case .rewind:
            guard rest.isEmpty else { return nil }
            self.init(.rewind)
        case .unspecified, .UNRECOGNIZED:
            return nil
        }
    }

    func append(to bytes: inout [UInt8]) { bytes.append(contentsOf: self.bytes) }
    static func < (left: WorkKey, right: WorkKey) -> Bool { Bytes.precedes(left.bytes, right.bytes) }
    static func == (left: WorkKey, right: WorkKey) -> Bool { left.bytes == right.bytes }

    private static func code(of subject: Subject) -> WorkKindCode {
        switch subject {
        case .release: .release
        case .settle: .settle
        case .forget: .forget
        case .rewind: .rewind
        }
    }
}
