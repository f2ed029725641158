import Testing
import WriteAheadLog

@Suite("The identity of a data folder")
struct IdentityTests {
    @Test("is made once; every start has a greater number")
    func boot() throws {
        let disk = VirtualDisk()
        for boot in 1...5 as ClosedRange<UInt64> {
            let opened = try TestLog.open(disk, whenEmpty: .format(incarnation: 1000 + boot))
            let expected = NodeIdentity(clusterID: "test-cluster", nodeID: 7, incarnation: 1001, boot: boot)
            #expect(opened.identity == expected)
            disk.losePower(keeping: .none)
            #expect(try NodeIdentity.read(from: disk)?.boot == boot, "it was durable before the log was given out")
        }
    }

    @Test("a node's next folder counts its runs from beyond those of the one before")
    func firstBoot() throws {
        let disk = VirtualDisk()
        for boot in [500, 501, 502] as [UInt64] {
            let opened = try DurableLog.open(
                in: disk, owner: TestLog.owner, whenEmpty: .format(incarnation: 1), firstBoot: 500)
            #expect(opened.identity.boot == boot)
            disk.losePower(keeping: .none)
        }
    }

    @Test("of another cluster, node or group is refused, naming both")
    func otherOwner() throws {
        let disk = VirtualDisk()
        _ = try TestLog.open(disk)
        let strangers: [(LogOwner, OwnerMismatch, String)] = [
            (LogOwner(clusterID: "other", nodeID: 7), .cluster(expected: "other", found: "test-cluster"), "identity"),
            (LogOwner(clusterID: "test-cluster", nodeID: 8), .node(expected: 8, found: 7), "identity"),
            (
                LogOwner(clusterID: "test-cluster", nodeID: 7, group: 2), .group(expected: 2, found: 0),
                TestLog.segmentName(1)
            ),
        ]
        for (owner, mismatch, file) in strangers {
            let error = WriteAheadLogError.belongsElsewhere(file: file, mismatch: mismatch)
            #expect(throws: error) { try TestLog.open(disk, owner: owner) }
            #expect(!error.isFatal)
        }
        let description = "\(WriteAheadLogError.belongsElsewhere(file: "identity", mismatch: strangers[0].1))"
        #expect(description.contains("other") && description.contains("test-cluster"))
        #expect(try NodeIdentity.read(from: disk)?.boot == 1, "a refused start is not a start")
    }

    @Test("of another incarnation than the segments' is refused")
    func otherIncarnation() throws {
        let (disk, other) = (VirtualDisk(), VirtualDisk())
        _ = try TestLog.open(disk)
        _ = try TestLog.open(other, whenEmpty: .format(incarnation: 99))
        disk["identity"] = other["identity"]
        let mismatch = OwnerMismatch.incarnation(expected: 99, found: TestLog.incarnation)
        #expect(throws: WriteAheadLogError.belongsElsewhere(file: TestLog.segmentName(1), mismatch: mismatch)) {
            try TestLog.open(disk)
        }
    }

    @Test("without its log, or a log without it, is refused")
    func halves() throws {
        let disk = VirtualDisk()
        _ = try TestLog.open(disk)
        let withoutLog = disk.copy()
        withoutLog.delete(TestLog.segmentName(1))
        #expect(throws: WriteAheadLogError.refused(.identityWithoutLog(folder: "virtual"))) {
            try TestLog.open(withoutLog)
        }
        disk.delete("identity")
        #expect(throws: WriteAheadLogError.refused(.logWithoutIdentity(folder: "virtual"))) { try TestLog.open(disk) }
    }

    @Test("is not made where the caller knows that there was one")
    func refuseEmpty() throws {
        let disk = VirtualDisk()
        #expect(throws: WriteAheadLogError.refused(.empty(folder: "virtual"))) {
            try TestLog.open(disk, whenEmpty: .refuse)
        }
        #expect(disk.fileNames.isEmpty)
        _ = try TestLog.open(disk)
        _ = try TestLog.open(disk, whenEmpty: .refuse)
    }

    @Test("takes a cluster id of the largest size")
    func longClusterID() throws {
        let owner = LogOwner(clusterID: String(repeating: "c", count: NodeIdentity.maximumClusterIDBytes), nodeID: .max)
        let disk = VirtualDisk()
        _ = try TestLog.open(disk, owner: owner)
        #expect(try TestLog.open(disk, owner: owner).identity.clusterID == owner.clusterID)
    }
}
