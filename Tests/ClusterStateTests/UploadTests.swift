import FoundationEssentials
import Raft
import SwiftProtobuf
import Testing

@testable import ClusterState

@Suite("Results in chunks")
struct UploadTests {
    /// One node, one running task, and results as large as the settings allow.
    private struct Run {
        var cluster: Cluster
        let source = MemoryPayloads()
        var epoch: UInt64 = 0

        init(limits: Limits = .version1, resultLimit: UInt64 = 4 << 20, steps: Int = 2) throws {
            cluster = try Cluster(
                nodes: 1, settings: .with { $0.resultLimitBytes = resultLimit }, limits: limits,
                version: ClusterState.supportedMachineVersion)
            cluster.state.payloadSource = source
            try cluster.submit("a") { $0.steps = TaskSpec.steps(steps) }
            try cluster.start("a", steps: [0])
            epoch = try cluster.task("a").record.epoch
        }

        var state: ClusterState { cluster.state }

        @discardableResult
        mutating func chunk(
            _ result: Payload, _ range: Range<Int>, task: String = "a", epoch: UInt64? = nil
        ) throws -> Outcome {
            let epoch = epoch ?? self.epoch
            let applied = try cluster.request(
                .resultChunk(
                    .with {
                        $0.taskID = task
                        $0.epoch = epoch
                        $0.sha256 = result.sha256
                        $0.offset = UInt64(range.lowerBound)
                        $0.data = Data(result.inlineBytes.dropFirst(range.lowerBound).prefix(range.count))
                    }))
            source.take(applied)
            Invariants.check(cluster.state, "after a chunk")
            return applied.outcome
        }

        mutating func upload(_ result: Payload, pieces: Int = 400_000) throws {
            for start in stride(from: 0, to: result.inlineBytes.count, by: pieces) {
                let end = min(start + pieces, result.inlineBytes.count)
                #expect(try chunk(result, start..<end) == .done(count: UInt64(end)))
            }
        }

        @discardableResult
        mutating func complete(_ result: Payload, finish: Finish? = nil) throws -> Applied {
            let epoch = epoch
            let applied = try cluster.request(
                .stepCompleted(
                    .with {
                        $0.taskID = "a"
                        $0.epoch = epoch
                        $0.outcomeCode = .completed
                        $0.result = result
                        if let finish { $0.finish = finish }
                    }))
            Invariants.check(cluster.state, "after the step")
            return applied
        }
    }

    private static func large(_ count: Int = 1_500_000, seed: UInt64 = 1) -> Payload {
        Payload(bytes: PayloadTests.noise(count, seed: seed))
    }

    @Test("a result larger than a command is seen when the step that names it is completed, and not before")
    func visible() throws {
        var run = try Run()
        let result = Self.large()
        try run.upload(result)
        #expect(run.state.payloadCount == 4 && run.state.steps(of: key("a"))[0].record?.hasResult == false)
        #expect(try run.complete(result.asUploaded).rejection == nil)
        let stored = try #require(run.state.steps(of: key("a"))[0].record?.result)
        #expect(stored.sha256 == result.sha256 && stored.length == 1_500_000)
        #expect(try run.state.content(of: stored) == PayloadTests.noise(1_500_000))
        #expect(run.state.uploads(of: key("a")).isEmpty && run.state.payloadCount == 4)
    }

    @Test("the result of the task itself can be uploaded too, also the same as that of the step")
    func finish() throws {
        var run = try Run(steps: 1)
        let result = Self.large()
        try run.upload(result)
        let finish = Finish.with {
            $0.outcomeCode = .completed
            $0.result = result.asUploaded
        }
        #expect(try run.complete(result.asUploaded, finish: finish).rejection == nil)
        #expect(
            try run.state.content(of: try #require(run.state.result(of: key("a")))) == PayloadTests.noise(1_500_000))
        #expect(run.state.uploads(of: key("a")).isEmpty)
    }

    @Test("a chunk that comes again, early or out of place changes nothing and is told what is here")
    func order() throws {
        var run = try Run()
        let result = Self.large()
        #expect(try run.chunk(result, 0..<1_000) == .done(count: 1_000))
        let hash = run.state.payloads.map(\.digest)
        #expect(try run.chunk(result, 0..<1_000) == .done(count: 1_000))
        #expect(try run.chunk(result, 2_000..<3_000) == .done(count: 1_000))
        #expect(run.state.payloads.map(\.digest) == hash)
        #expect(try run.chunk(Self.large(seed: 2), 5..<10) == .rejected(.invalid(field: "offset")))
    }

    @Test("a step cannot name what was not uploaded, or not all of it, or another length")
    func incomplete() throws {
        var run = try Run()
        let result = Self.large()
        #expect(try run.complete(result.asUploaded).rejection == .invalid(field: "result"))
        try run.chunk(result, 0..<1_000)
        #expect(try run.complete(result.asUploaded).rejection == .invalid(field: "result"))
        try run.upload(Self.large(2_000, seed: 3), pieces: 2_000)
        var lying = Self.large(2_000, seed: 3).asUploaded
        lying.length = 2_001
        #expect(try run.complete(lying).rejection == .invalid(field: "result"))
    }

    @Test("chunks of another epoch, of a task that is being cancelled or has ended, are refused")
    func refused() throws {
        var run = try Run()
        let result = Self.large()
        #expect(try run.chunk(result, 0..<10, epoch: run.epoch + 1) == .rejected(.fenced(current: Epoch(run.epoch))))
        #expect(try run.chunk(result, 0..<10, task: "b") == .rejected(.unknownTask))
        try run.cluster.cancel("a")
        #expect(try run.chunk(result, 0..<10) == .rejected(.wrongState(.cancelling)))
    }

    enum Ending: CaseIterable {
        case cancelled, failed, finished, nodeLost
    }

    @Test("what was uploaded and never named goes with the assignment", arguments: Ending.allCases)
    func collected(ending: Ending) throws {
        var run = try Run()
        try run.upload(Self.large())
        #expect(run.state.payloadCount == 4)
        switch ending {
        case .cancelled:
            try run.cluster.cancel("a")
            run.cluster.pass(milliseconds: 6_000)
            try run.cluster.fireAllTimers()
        case .failed: try run.cluster.finish("a", .failed)
        case .finished: try run.complete(Payload(bytes: [1]), finish: .resultOfStep(0))
        case .nodeLost: try run.cluster.leave(1)
        }
        #expect(run.state.payloadCount == 0)
        Invariants.check(run.state, "collected")
    }

    @Test("a chunk of the greatest size is taken, one byte more is not")
    func chunkBytes() throws {
        var limits = Limits()
        limits.chunkBytes = 1_000
        var run = try Run(limits: limits)
        let result = Self.large(5_000)
        #expect(try run.chunk(result, 0..<1_001) == .rejected(.tooLarge(limitBytes: 1_000)))
        #expect(try run.chunk(result, 0..<0) == .rejected(.invalid(field: "data")))
        #expect(try run.chunk(result, 0..<1_000) == .done(count: 1_000))
    }

    @Test("a result of the greatest size is taken, one byte more is not")
    func resultBytes() throws {
        var run = try Run(resultLimit: 10_000)
        try run.upload(Self.large(10_000), pieces: 4_000)
        #expect(try run.complete(Self.large(10_000).asUploaded).rejection == nil)
        run = try Run(resultLimit: 10_000)
        try run.chunk(Self.large(10_001), 0..<8_000)
        #expect(try run.chunk(Self.large(10_001), 8_000..<10_001) == .rejected(.tooLarge(limitBytes: 10_000)))
    }

    @Test("all uploads of a task together stay within what admission has set aside")
    func reserved() throws {
        var run = try Run(resultLimit: 10_000, steps: 2)
        let reserved = try run.cluster.task("a").record.reservedBytes
        #expect(reserved == 30_000)
        for seed in 1...3 { try run.upload(Self.large(10_000, seed: UInt64(seed)), pieces: 10_000) }
        #expect(try run.chunk(Self.large(10_000, seed: 4), 0..<1) == .rejected(.tooLarge(limitBytes: reserved)))
    }

    @Test("so many chunks make a result, and so many results are open at once")
    func counts() throws {
        var limits = Limits()
        (limits.chunksPerResult, limits.uploadsPerTask) = (3, 2)
        var run = try Run(limits: limits)
        let result = Self.large(5_000)
        for place in 0..<3 { try run.chunk(result, (place * 10)..<(place * 10 + 10)) }
        #expect(try run.chunk(result, 30..<40) == .rejected(.invalid(field: "offset")))
        try run.chunk(Self.large(5_000, seed: 2), 0..<10)
        #expect(try run.chunk(Self.large(5_000, seed: 3), 0..<10) == .rejected(.invalid(field: "sha256")))
    }

    @Test(
        "settings allow results beyond a command from the version that can carry them", arguments: [1, 4] as [UInt32])
    func settings(version: UInt32) throws {
        let greatest = version == 4 ? Limits.version1.resultBytes : UInt64(Limits.version1.commandBytes)
        for (limit, isTaken) in [(greatest, true), (greatest + 1, false)] {
            var cluster = try Cluster(nodes: 1, version: version)
            let applied = try cluster.propose(
                .settingsChanged(.with { $0.settings = .with { $0.resultLimitBytes = limit } }))
            #expect((applied.rejection == nil) == isTaken)
        }
    }

    @Test("an upload goes on after a snapshot")
    func snapshot() throws {
        var run = try Run()
        let result = Self.large()
        try run.chunk(result, 0..<400_000)
        var writer = SnapshotWriter(run.state)
        var reader = SnapshotReader()
        while let chunk = writer.next() { try reader.append(chunk) }
        var restored = try reader.finish()
        restored.payloadSource = run.source
        run.cluster.state = restored
        #expect(try run.chunk(result, 0..<400_000) == .done(count: 400_000))
        try run.chunk(result, 400_000..<900_000)
        try run.chunk(result, 900_000..<1_400_000)
        try run.chunk(result, 1_400_000..<1_500_000)
        #expect(try run.complete(result.asUploaded).rejection == nil)
        let stored = try #require(run.state.steps(of: key("a"))[0].record?.result)
        #expect(try run.state.content(of: stored) == PayloadTests.noise(1_500_000))
    }
}
