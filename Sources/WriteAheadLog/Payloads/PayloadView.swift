/// The payloads of one snapshot, laid end to end. They stay readable as long as this value lives.
public struct PayloadView: Sendable {
    public let manifest: PayloadManifest
    private let places: [PayloadStore.Place]
    private let store: PayloadStore
    /// The payload that was read last: chunks are smaller than payloads, and a payload is checked only as a whole.
    private var last: (place: Int, bytes: [UInt8])?

    init(manifest: PayloadManifest, places: [PayloadStore.Place], store: PayloadStore) {
        precondition(places.count == manifest.entries.count, "each payload is somewhere")
        self.manifest = manifest
        self.places = places
        self.store = store
    }

    /// The bytes from `offset` on, `count` of them unless the end comes before. Blocks on the disk.
    public mutating func read(at offset: Int, count: Int) throws(PayloadStoreError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        while bytes.count < count, let place = manifest.place(at: offset + bytes.count) {
            let payload = try payload(place)
            let start = offset + bytes.count - manifest.offset(of: place)
            bytes.append(contentsOf: payload[start...].prefix(count - bytes.count))
        }
        return bytes
    }

    private mutating func payload(_ place: Int) throws(PayloadStoreError) -> [UInt8] {
        if let last, last.place == place { return last.bytes }
        let bytes = try store.read(places[place])
        last = (place, bytes)
        return bytes
    }
}
