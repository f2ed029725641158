/// The payloads that a snapshot needs, in the order of their ids. Laid end to end in this order they are the snapshot's
/// second part: sender and receiver name a place in it by its offset.
public struct PayloadManifest: Hashable, Sendable {
    public let entries: [PayloadEntry]
    /// Where each entry begins in the whole, and where the last one ends.
    private let offsets: [Int]

    public static let empty = PayloadManifest([])

    init(_ entries: [PayloadEntry]) {
        self.entries = entries
        var offsets = [0]
        offsets.reserveCapacity(entries.count + 1)
        for entry in entries { offsets.append(offsets[offsets.count - 1] + entry.length) }
        self.offsets = offsets
    }

    public var isEmpty: Bool { entries.isEmpty }
    /// Bytes of all payloads.
    public var byteCount: Int { offsets[entries.count] }

    func offset(of place: Int) -> Int { offsets[place] }

    /// The entry that holds the byte at `offset`; nil behind the end.
    func place(at offset: Int) -> Int? {
        guard (0..<byteCount).contains(offset) else { return nil }
        var (low, high) = (0, entries.count - 1)
        while low < high {
            let middle = (low + high + 1) / 2
            if offsets[middle] <= offset { low = middle } else { high = middle - 1 }
        }
        return low
    }

    // MARK: Bytes

    public func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(entries.count * PayloadEntry.byteCount)
        for entry in entries { entry.append(to: &bytes) }
        return bytes
    }

    /// Nil unless `bytes` are entries in order, each once.
    public init?(decoding bytes: ArraySlice<UInt8>) {
        guard let entries = PayloadEntry.list(decoding: bytes),
            zip(entries, entries.dropFirst()).allSatisfy({ $0.id < $1.id })
        else { return nil }
        self.init(entries)
    }
}
