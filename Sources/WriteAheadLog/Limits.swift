extension DurableLog {
    /// Every bound of this room.
    ///
    /// | limit | default | at the limit |
    /// |---|---|---|
    /// | `maximumPayloadBytes` | 8 MiB | `append` throws `payloadTooLarge` and takes nothing |
    /// | `maximumFrameBytes` | 16 MiB | `append` takes fewer records than offered |
    /// | `segmentBytes` | 64 MiB | `sync` goes on in a new segment |
    /// | `zeroFillBytes` | 1 MiB | a spare is filled by writes of this size, each synced |
    /// | `readAheadBytes` | 1 MiB | recovery reads at least this much at once |
    public struct Limits: Equatable, Sendable {
        /// Payload of one entry. Fixed once for a cluster: every member must be able to store what another accepted.
        public var maximumPayloadBytes: Int
        /// One frame, hence one write and one sync, with its sector overhead (8 of 512 bytes).
        public var maximumFrameBytes: Int
        /// A multiple of 4096. May change between starts; existing segments keep their size.
        public var segmentBytes: Int
        /// Small enough that filling a spare does not hold up the log's own syncs for long.
        public var zeroFillBytes: Int
        public var readAheadBytes: Int

        public init(
            maximumPayloadBytes: Int = 8 << 20, maximumFrameBytes: Int = 16 << 20, segmentBytes: Int = 64 << 20,
            zeroFillBytes: Int = 1 << 20, readAheadBytes: Int = 1 << 20
        ) {
            self.maximumPayloadBytes = maximumPayloadBytes
            self.maximumFrameBytes = maximumFrameBytes
            self.segmentBytes = segmentBytes
            self.zeroFillBytes = zeroFillBytes
            self.readAheadBytes = readAheadBytes
        }

        /// What contradicts what, for the one who wrote the configuration; empty if the limits can be used.
        public var problems: [String] {
            var problems: [String] = []
            if segmentBytes % 4096 != 0 { problems.append("segmentBytes must be a multiple of 4096") }
            if maximumFrameBytes < Frame.byteCount(ofContent: Record.headerBytes + max(0, maximumPayloadBytes)) {
                problems.append("maximumFrameBytes must hold the largest payload with its overhead")
            }
            if segmentBytes < Segment.overheadBytes + maximumFrameBytes {
                problems.append("segmentBytes must hold the largest frame and \(Segment.overheadBytes) bytes more")
            }
            if maximumPayloadBytes < 0 || zeroFillBytes < 4096 || readAheadBytes < Sector.byteCount {
                problems.append("zeroFillBytes is at least 4096, readAheadBytes at least 512, no limit is negative")
            }
            if segmentBytes > Int(UInt32.max) { problems.append("segmentBytes must be below 4 GiB") }
            return problems
        }
    }
}
