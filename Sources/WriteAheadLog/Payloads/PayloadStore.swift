import Synchronization

/// The payloads of one node: bytes that its state names by their digest.
///
/// The log brings them, so they need no sync of their own until the log is cut. What was brought since the last snapshot is in
/// memory; `save` writes it to a segment before the snapshot that needs it gets its name, and `collect` drops the segments
/// that the snapshot in force does not need. After a crash the log brings again what was in memory.
///
/// All functions may be called from any thread; those that block say so. What one thread does: `put` and `mark` that which
/// applies, `save` and `collect` that which writes a snapshot.
public final class PayloadStore: Sendable {
    /// Every bound of payloads on disk.
    ///
    /// | limit | default | at the limit |
    /// |---|---|---|
    /// | `segmentBytes` | 64 MiB | the next payload begins another segment |
    /// | `rewrittenBytes` | 64 MiB | what else is mostly dead waits for the next snapshot |
    /// | `segmentCount` | 64 | beyond it the smallest segments are written together |
    public struct Limits: Equatable, Sendable {
        /// A length that claims more is damage.
        static let greatestPayloadBytes = 64 << 20
        /// Payloads in one segment.
        public var segmentBytes = 64 << 20
        /// Payloads that one `save` moves from old segments to new ones.
        public var rewrittenBytes = 64 << 20
        public var segmentCount = 64

        public init() {}
    }

    struct Place {
        let segment: PayloadSegment
        let number: Int

        var entry: PayloadEntry { segment.entries[number] }
    }

    fileprivate struct Resident {
        var bytes: [UInt8]
        /// The last mark that had been made when it came.
        var mark: UInt64
    }

    fileprivate struct State {
        /// Nil once closed.
        var storage: (any LogStorage)?
        var resident: [PayloadID: Resident] = [:]
        var residentBytes = 0
        var mark: UInt64 = 0
        /// Oldest first.
        var segments: [PayloadSegment] = []
        /// Where each payload on disk is; of several copies the newest.
        var places: [PayloadID: Place] = [:]
        var nextSequence: UInt64 = 1
        /// A snapshot that reaches up to here is being received: nothing that it may need is dropped.
        var held: UInt64?
        var damage: PayloadStoreError?
    }

    let limits: Limits
    private let state: Mutex<State>

    private static let writingName = "payload.writing"
    static let receivingName = "payload.receiving"

    /// Finds what the folder holds. Blocks on the disk.
    ///
    /// - Throws: `damaged` if a segment is not whole: the node is replaced, never wiped.
    public static func open(
        in storage: any LogStorage, limits: Limits = Limits()
    ) throws(PayloadStoreError) -> PayloadStore {
        let names = try PayloadStoreError.storage { () throws(StorageError) in
            try PayloadSegmentWriter.removeLeftover(writingName, in: storage)
            try PayloadSegmentWriter.removeLeftover(receivingName, in: storage)
            return try storage.list()
        }
        var state = State()
        for sequence in names.compactMap(PayloadSegment.sequence(of:)).sorted() {
            state.add(try PayloadSegment.open(PayloadSegment.name(sequence), in: storage))
            state.nextSequence = sequence + 1
        }
        state.storage = storage
        return PayloadStore(limits: limits, state: state)
    }

    private init(limits: Limits, state: State) {
        self.limits = limits
        self.state = Mutex(state)
    }

    /// Lets go of the folder, which whoever starts next may want. What is here can still be read; nothing is written any more.
    public func close() { state.withLock { $0.storage = nil } }

    // MARK: What the log brings

    /// Takes bytes that an entry has brought. They can be read on return, and are durable once a snapshot needs them.
    public func put(_ id: PayloadID, _ bytes: [UInt8]) {
        precondition(!bytes.isEmpty && bytes.count <= Limits.greatestPayloadBytes, "payloads are bounded")
        state.withLock { state in
            if let old = state.resident[id] { state.residentBytes -= old.bytes.count }
            state.resident[id] = Resident(bytes: bytes, mark: state.mark)
            state.residentBytes += bytes.count
        }
    }

    /// A point in the log, for `save`: between what came before and what comes after.
    public func mark() -> UInt64 {
        state.withLock { state in
            defer { state.mark += 1 }
            return state.mark
        }
    }

    // MARK: Reading

    /// The bytes if they are in memory. Never blocks on the disk.
    public func resident(_ id: PayloadID) -> [UInt8]? {
        state.withLock { $0.resident[id]?.bytes }
    }

    /// The bytes. Blocks on the disk.
    ///
    /// - Throws: `missing` for what no state in force needs any more.
    public func read(_ id: PayloadID) throws(PayloadStoreError) -> [UInt8] {
        let found = state.withLock { state in
            state.resident[id].map { ([UInt8]?.some($0.bytes), Place?.none) } ?? (nil, state.places[id])
        }
        if let bytes = found.0 { return bytes }
        guard let place = found.1 else { throw .missing(id) }
        return try read(place)
    }

    /// Blocks on the disk.
    func read(_ place: Place) throws(PayloadStoreError) -> [UInt8] {
        do {
            return try place.segment.read(place.number)
        } catch {
            if case .damaged = error { state.withLock { $0.damage = $0.damage ?? error } }
            throw error
        }
    }

    /// What a read has found damaged, the first of it. Such a node makes no snapshot any more, and completes nobody's.
    public var damage: PayloadStoreError? { state.withLock { $0.damage } }

    /// How many payloads of a manifest are not durable here.
    public func missing(of manifest: PayloadManifest) -> Int {
        state.withLock { state in manifest.entries.count { state.places[$0.id]?.entry != $0 } }
    }

    /// For metrics.
    public struct Statistics: Equatable, Sendable {
        public var segments = 0
        /// Payloads in segments, dead ones included.
        public var bytesOnDisk = 0
        /// Payloads that no segment has yet.
        public var bytesInMemory = 0
    }

    public var statistics: Statistics {
        state.withLock { state in
            Statistics(
                segments: state.segments.count, bytesOnDisk: state.segments.reduce(0) { $0 + $1.payloadBytes },
                bytesInMemory: state.residentBytes)
        }
    }

    /// All that a manifest names, to be read however long that takes and whatever is collected meanwhile.
    ///
    /// - Throws: `missing` if some of it is gone already.
    public func view(of manifest: PayloadManifest) throws(PayloadStoreError) -> PayloadView {
        var lost: PayloadID?
        let places = state.withLock { state in
            manifest.entries.compactMap { entry in
                let place = state.places[entry.id]
                if place?.entry != entry { lost = entry.id }
                return place
            }
        }
        if let lost { throw .missing(lost) }
        return PayloadView(manifest: manifest, places: places, store: self)
    }

    // MARK: Snapshots

    /// Makes everything durable that a state needs. Blocks on the disk.
    ///
    /// - Parameters:
    ///   - references: what the state needs, each once, in the order of the ids.
    ///   - mark: of the moment at which the state was taken.
    /// - Throws: nothing that was there before is lost then, and the call may be repeated.
    public func save(
        _ references: [NeededPayload], takenAt mark: UInt64
    ) throws(PayloadStoreError) -> PayloadManifest {
        let (resident, places, segments) = state.withLock { ($0.resident, $0.places, $0.segments) }
        let moved = Rewriting(references, places: places, segments: segments, limits: limits).sequences
        var sink = SegmentSink(store: self, temporaryName: Self.writingName)
        do throws(PayloadStoreError) {
            for reference in references {
                if let place = places[reference.id], !moved.contains(place.segment.sequence) { continue }
                if let bytes = resident[reference.id]?.bytes {
                    try sink.append(reference.id, bytes)
                } else if let place = places[reference.id] {
                    try sink.append(reference.id, try read(place))
                } else {
                    throw .missing(reference.id)
                }
            }
            try sink.finish()
        } catch {
            sink.abandon()
            throw error
        }
        return state.withLock { state in
            for (id, old) in resident where old.mark <= mark {
                // What came again since belongs to a later state.
                guard let present = state.resident[id], present.mark <= mark else { continue }
                state.resident[id] = nil
                state.residentBytes -= present.bytes.count
            }
            let entries = references.compactMap { state.places[$0.id]?.entry }
            precondition(entries.count == references.count, "what was written is on the disk")
            return PayloadManifest(entries)
        }
    }

    /// Drops the segments that hold nothing of `manifest`: that of the newest snapshot in force, up to `index`. Blocks on the
    /// disk; what cannot be removed goes at another time.
    public func collect(keeping manifest: PayloadManifest, of index: UInt64) {
        let (storage, dead) = state.withLock { state -> ((any LogStorage)?, [PayloadSegment]) in
            if let held = state.held, held > index { return (nil, []) }
            let live = Set(manifest.entries.compactMap { state.places[$0.id]?.segment.sequence })
            let dead = state.segments.filter { !live.contains($0.sequence) }
            state.segments.removeAll { !live.contains($0.sequence) }
            for segment in dead {
                for entry in segment.entries where state.places[entry.id]?.segment === segment {
                    state.places[entry.id] = nil
                }
            }
            return (state.storage, dead)
        }
        for segment in dead { try? storage?.remove(segment.name) }
    }

    // MARK: For the intake

    func hold(_ index: UInt64) { state.withLock { $0.held = index } }

    /// The snapshot that was being received is in force, or not wanted any more.
    public func release() { state.withLock { $0.held = nil } }

    func isDurable(_ entry: PayloadEntry) -> Bool { state.withLock { $0.places[entry.id]?.entry == entry } }

    func nextSequence() -> UInt64 {
        state.withLock { state in
            defer { state.nextSequence += 1 }
            return state.nextSequence
        }
    }

    func openStorage() throws(PayloadStoreError) -> any LogStorage {
        guard let storage = state.withLock({ $0.storage }) else { throw .closed }
        return storage
    }

    func add(_ segment: PayloadSegment) { state.withLock { $0.add(segment) } }
}

extension PayloadStore.State {
    fileprivate mutating func add(_ segment: PayloadSegment) {
        segments.append(segment)
        for (number, entry) in segment.entries.enumerated() {
            places[entry.id] = PayloadStore.Place(segment: segment, number: number)
        }
    }
}

/// Writes payloads to segments, one after the other.
struct SegmentSink {
    let store: PayloadStore
    let temporaryName: String
    private var writer: PayloadSegmentWriter?

    init(store: PayloadStore, temporaryName: String) {
        self.store = store
        self.temporaryName = temporaryName
    }

    mutating func append(_ id: PayloadID, _ bytes: [UInt8]) throws(PayloadStoreError) {
        if let writer, writer.payloadBytes + bytes.count > store.limits.segmentBytes { try finish() }
        if writer == nil {
            writer = try PayloadSegmentWriter(in: store.openStorage(), temporaryName: temporaryName)
        }
        try writer?.append(id, bytes)
    }

    /// What was appended is durable on return, and can be read.
    mutating func finish() throws(PayloadStoreError) {
        guard let writer else { return }
        store.add(try writer.finish(sequence: store.nextSequence()))
        self.writer = nil
    }

    mutating func abandon() {
        writer?.abandon()
        writer = nil
    }
}

/// Which segments are not worth their room: what lives in them moves to a new one.
struct Rewriting {
    private(set) var sequences: Set<UInt64> = []

    init(
        _ references: [NeededPayload], places: [PayloadID: PayloadStore.Place], segments: [PayloadSegment],
        limits: PayloadStore.Limits
    ) {
        var live: [UInt64: Int] = [:]
        for reference in references {
            if let place = places[reference.id] { live[place.segment.sequence, default: 0] += reference.length }
        }
        // A segment without any life goes as a whole, when the snapshot is in force.
        let candidates = segments.compactMap { segment in live[segment.sequence].map { (segment, bytes: $0) } }
            .sorted { $0.bytes < $1.bytes }
        var left = limits.rewrittenBytes
        var count = candidates.count
        for (segment, bytes) in candidates {
            guard bytes * 2 < segment.payloadBytes || count >= limits.segmentCount, bytes <= left else { continue }
            left -= bytes
            count -= 1
            sequences.insert(segment.sequence)
        }
    }
}
