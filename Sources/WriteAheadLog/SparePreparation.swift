/// The work of `DurableLog.sparePreparation`.
public struct SparePreparation: Sendable {
    let storage: any LogStorage
    let limits: DurableLog.Limits

    /// Makes and fills the file. Blocks for as long as the disk takes to write one segment; runs on any one thread
    /// while the log is in use on its own. Throws `noSpace` or `failed`, and leaves no file behind then.
    public func run() -> Result<PreparedSpare, WriteAheadLogError> {
        do {
            return .success(try PreparedSpare.fill(PreparedSpare.backgroundName, in: storage, limits: limits))
        } catch {
            return .failure(error)
        }
    }
}

/// A zero-filled, synced file that waits to become a segment.
public struct PreparedSpare: Equatable, Sendable {
    /// Two names, because a log that runs out of segments does not wait for the preparation that is under way.
    static let backgroundName = "background.spare"
    static let inlineName = "inline.spare"
    static let names = [backgroundName, inlineName]

    let name: String
    let byteCount: Int

    static func fill(
        _ name: String, in storage: any LogStorage, limits: DurableLog.Limits
    ) throws(WriteAheadLogError) -> PreparedSpare {
        precondition(names.contains(name) && limits.problems.isEmpty, "a spare of a known name and a legal size")
        do {
            try storage.removeIfPresent(name)
            let file = try storage.create(name)
            try file.reserve(UInt64(limits.segmentBytes))
            try fill(file, limits)
            return PreparedSpare(name: name, byteCount: limits.segmentBytes)
        } catch {
            // What this leaves behind, if it fails too, is removed by the next attempt or the next start.
            try? storage.removeIfPresent(name)
            throw error.isNoSpace ? .noSpace(error) : .failed(error)
        }
    }

    /// Writes zeros although reserved blocks read as zeros already: the first write to such a block changes the file
    /// system's own records, which would make every later fdatasync slower.
    private static func fill(_ file: any LogFile, _ limits: DurableLog.Limits) throws(StorageError) {
        for offset in stride(from: 0, to: limits.segmentBytes, by: limits.zeroFillBytes) {
            try file.zero(min(limits.zeroFillBytes, limits.segmentBytes - offset), at: UInt64(offset))
            // One by one, so that the log's own syncs never queue behind a whole segment.
            try file.sync()
        }
    }
}
