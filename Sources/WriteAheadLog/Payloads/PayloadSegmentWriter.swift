/// A segment that is being written. Nothing of it counts before `finish`.
final class PayloadSegmentWriter {
    private let storage: any LogStorage
    private let temporaryName: String
    private let file: any LogFile
    private(set) var entries: [PayloadEntry] = []
    private(set) var payloadBytes = 0

    /// - Parameter temporaryName: of the file until it is whole; one that is left over is replaced.
    init(in storage: any LogStorage, temporaryName: String) throws(PayloadStoreError) {
        self.storage = storage
        self.temporaryName = temporaryName
        file = try PayloadStoreError.storage { () throws(StorageError) in
            try PayloadSegmentWriter.removeLeftover(temporaryName, in: storage)
            return try storage.create(temporaryName)
        }
    }

    static func removeLeftover(_ name: String, in storage: any LogStorage) throws(StorageError) {
        if try storage.list().contains(name) { try storage.remove(name) }
    }

    func append(_ id: PayloadID, _ bytes: [UInt8]) throws(PayloadStoreError) {
        precondition(!bytes.isEmpty, "nothing is not stored")
        try PayloadStoreError.storage { () throws(StorageError) in try file.write(bytes, at: UInt64(payloadBytes)) }
        entries.append(PayloadEntry(id: id, length: bytes.count, checksum: PayloadSegment.checksum(bytes[...])))
        payloadBytes += bytes.count
    }

    /// Makes the file a segment. Durable, under its name, on return.
    func finish(sequence: UInt64) throws(PayloadStoreError) -> PayloadSegment {
        precondition(!entries.isEmpty, "an empty segment is not written")
        let tail = PayloadSegment.tail(of: entries, payloadBytes: payloadBytes)
        try PayloadStoreError.storage { () throws(StorageError) in
            try file.write(tail, at: UInt64(payloadBytes))
            #if AMAS_MUTANTS
                if LogMutant.active == .payloadsAreNotSynced {
                    try storage.rename(temporaryName, to: PayloadSegment.name(sequence))
                    return
                }
            #endif
            try file.sync()
            try storage.rename(temporaryName, to: PayloadSegment.name(sequence))
            try storage.syncDirectory()
        }
        return PayloadSegment(sequence: sequence, entries: entries, file: file)
    }

    /// Lets the file go, as after an error.
    func abandon() {
        // Whoever writes the next one removes it if this fails.
        try? storage.remove(temporaryName)
    }
}
