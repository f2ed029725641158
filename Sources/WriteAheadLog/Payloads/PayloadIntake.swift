/// The payloads of a snapshot on their way here. What the node has already is not asked for, and what has come is kept even if
/// the snapshot never is: the next one goes on from there.
///
/// From its beginning until `PayloadStore.release` nothing is collected that the snapshot may need.
public struct PayloadIntake {
    public let manifest: PayloadManifest
    private let store: PayloadStore
    private var sink: SegmentSink
    /// Numbers of the entries that are still to come.
    private var missing: ArraySlice<Int>
    /// What has come of the first of them.
    private var partial: [UInt8] = []

    /// Blocks on the disk.
    ///
    /// - Parameter index: how far the snapshot reaches.
    public init(_ manifest: PayloadManifest, of index: UInt64, into store: PayloadStore) throws(PayloadStoreError) {
        store.hold(index)
        self.manifest = manifest
        self.store = store
        sink = SegmentSink(store: store, temporaryName: PayloadStore.receivingName)
        var missing: [Int] = []
        for (number, entry) in manifest.entries.enumerated() where !store.isDurable(entry) {
            if let bytes = store.resident(entry.id) {
                try sink.append(entry.id, bytes)
            } else {
                missing.append(number)
            }
        }
        self.missing = missing[...]
    }

    /// The place in the whole from which bytes are wanted next; nil once nothing is missing.
    public var nextOffset: Int? { missing.first.map { manifest.offset(of: $0) + partial.count } }

    /// Takes what is wanted of the bytes that begin at `offset` in the whole; what is not is passed over. Blocks on the disk.
    ///
    /// - Throws: `damaged` if a payload is not what the manifest says; it is wanted again then.
    public mutating func take(_ bytes: ArraySlice<UInt8>, at offset: Int) throws(PayloadStoreError) {
        let end = offset + bytes.count
        while let number = missing.first {
            let entry = manifest.entries[number]
            let start = manifest.offset(of: number)
            let next = start + partial.count
            guard offset <= next, next < end else { return }
            let from = bytes.startIndex + (next - offset)
            partial.append(contentsOf: bytes[from...].prefix(entry.length - partial.count))
            guard partial.count == entry.length else { return }
            let payload = partial
            partial = []
            guard PayloadSegment.checksum(payload[...]) == entry.checksum else {
                throw .damaged(file: PayloadStore.receivingName, "a payload that was received")
            }
            try sink.append(entry.id, payload)
            missing = missing.dropFirst()
        }
    }

    /// Makes durable what has come. To be called when nothing is missing, and when the transfer is given up.
    public mutating func keep() throws(PayloadStoreError) {
        do throws(PayloadStoreError) {
            try sink.finish()
        } catch {
            sink.abandon()
            throw error
        }
    }
}
