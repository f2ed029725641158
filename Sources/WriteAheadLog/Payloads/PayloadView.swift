/// The payloads of one snapshot, laid end to end. They stay readable as long as this value lives.
public struct PayloadView: Sendable {
    public let manifest: PayloadManifest
    private let places: [PayloadStore.Place]

    init(manifest: PayloadManifest, places: [PayloadStore.Place]) {
        precondition(places.count == manifest.entries.count, "each payload is somewhere")
        self.manifest = manifest
        self.places = places
    }

    /// The bytes from `offset` on, `count` of them unless the end comes before. Blocks on the disk.
    public func read(at offset: Int, count: Int) throws(PayloadStoreError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        while bytes.count < count, let place = manifest.place(at: offset + bytes.count) {
            let payload = try places[place].read()
            let start = offset + bytes.count - manifest.offset(of: place)
            bytes.append(contentsOf: payload[start...].prefix(count - bytes.count))
        }
        return bytes
    }
}
