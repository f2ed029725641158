import DiskFaults
import WriteAheadLog

@testable import RaftServer

extension RaftServerConfiguration {
    /// The log lies on that disk, in segments that are soon full.
    mutating func lie(on disk: FullDisk) {
        openStorage = { (folder: String) throws(WriteAheadLogError) in try disk.open(folder) }
        limits.roomMilliseconds = 20
        log = DurableLog.Limits(maximumPayloadBytes: 512 << 10, maximumFrameBytes: 1 << 20, segmentBytes: 2 << 20)
    }
}
