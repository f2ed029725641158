import Logging
import Raft
import Synchronization
import Testing

@testable import RaftServer

@Suite("Proposals while the leader's log is synced")
struct GatheringTests {
    @Test("gather, and are appended together once the sync is done")
    func together() async throws {
        let leader = await LoneLeader(.patient)
        await leader.propose("first")
        for number in 0..<20 { await leader.propose("\(number)") }
        #expect(leader.commands == ["first"], "its sync is not done")
        await leader.finishWrite()
        #expect(leader.commands == ["first"] + (0..<20).map { "\($0)" })
        #expect(leader.writeCount == 2, "in one write")
        leader.stop()
    }

    @Test("up to a limit of bytes: beyond it they are appended while the disk is slow")
    func limit() async throws {
        var limits = ServerLimits.patient
        limits.gatheredBytes = 1000
        let leader = await LoneLeader(limits)
        await leader.propose("first")
        await leader.propose(String(repeating: "x", count: 500))
        #expect(leader.writeCount == 1)
        await leader.propose(String(repeating: "y", count: 500))
        #expect(leader.writeCount == 2)
        #expect(leader.commands.count == 3, "nothing is lost and nothing is doubled")
        leader.stop()
    }

    @Test("for a moment: other members can commit without a disk that stands still")
    func moment() async throws {
        let leader = await LoneLeader(ServerLimits())
        await leader.propose("first")
        await leader.propose("second")
        await condition { leader.writeCount == 2 }
        #expect(leader.commands == ["first", "second"])
        leader.stop()
    }
}

extension ServerLimits {
    /// However slow the machine is.
    fileprivate static var patient: ServerLimits {
        var limits = ServerLimits()
        limits.gatheringMilliseconds = 600_000
        return limits
    }
}

/// The thread of a cluster of one, whose disk is the test.
private final class LoneLeader: Sendable {
    private struct State {
        var writes: [Write] = []
        var standing: Standing?
    }

    private let mailbox = Mailbox<LoopEvent>()
    private let state: Mutex<State>
    private let thread = Mutex<ServerThread?>(nil)

    /// Returns when it leads and nothing waits for the disk.
    init(_ limits: ServerLimits) async {
        state = Mutex(State())
        let mailbox = mailbox
        let ports = LoopPorts(
            send: { _, _, _ in },
            write: { [weak self] in if case .write(let write) = $0 { self?.state.withLock { $0.writes.append(write) } }
            },
            apply: { mailbox.post(.applied($0[$0.count - 1].index)) }, recognized: { nil }, install: { _ in },
            startSnapshot: { _, _, _ in }, stopSnapshots: {}, snapshotReceipt: { _, _ in }, receiveChunk: { _, _ in },
            releaseReceiver: {}, release: { _, _ in }, unanswered: { _ in [] }, proposalRefused: { _, _ in },
            failAll: { _ in }, stopRequests: { _ in }, expire: {}, ephemeral: { _, _ in },
            standingChanged: { [weak self] standing in self?.state.withLock { $0.standing = standing } },
            failed: { fatalError($0) })
        var settings = RaftSettings(seed: 1)
        // Its disk is as slow as the test.
        settings.diskStallMilliseconds = 600_000
        let membership = Membership(voters: [NodeID(1)])
        let start = RaftLoop.Start(
            id: NodeID(1), boot: BootID(1), settings: settings,
            restored: .init(
                hardState: .initial, snapshot: SnapshotDescriptor(position: .zero, membership: membership),
                base: .zero, entries: []),
            storedSnapshot: nil, clusterTimeMicroseconds: 0, halt: nil)
        let store = SnapshotStore(folder: "/dev/null", payloads: .nowhere)
        thread.withLock {
            $0 = ServerThread(name: "amas-raft") {
                RaftLoop(
                    start: start, mailbox: mailbox, ports: ports, limits: limits,
                    logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                    reads: PendingReads(limits: limits, boot: BootID(1)), store: store,
                    status: PublishedStatus()
                ).run()
            }
        }
        await condition {
            finishWrites()
            return state.withLock { $0.standing?.role == .leader && $0.writes.isEmpty }
        }
        await settled()
        finishWrites()
        await settled()
        state.withLock { $0.writes = [] }
    }

    func stop() {
        mailbox.close()
        thread.withLock { $0 }?.join()
    }

    /// Returns when the thread has done what it does about it.
    func propose(_ value: String) async {
        mailbox.post(.proposals([Ledger.envelope(value, session: nil, sequence: 0, floor: 0)]))
        await settled()
    }

    /// The oldest write is on the disk.
    func finishWrite() async {
        if let token = state.withLock({ $0.writes.first?.token }) { mailbox.post(.persisted(token)) }
        await settled()
    }

    private func finishWrites() {
        let tokens = state.withLock { state in
            defer { state.writes = [] }
            return state.writes.map(\.token)
        }
        if let last = tokens.last { mailbox.post(.persisted(last)) }
    }

    /// Twice: the first answer comes from the midst of a round of events, the second from a later one.
    private func settled() async {
        for _ in 0..<2 {
            await withCheckedContinuation { done in mailbox.post(.ping(answer: { done.resume() })) }
        }
    }

    var writeCount: Int { state.withLock { $0.writes.count } }
    var commands: [String] {
        state.withLock { $0.writes }.flatMap(\.entries).filter { $0.kind == .command }.compactMap { entry in
            (try? Envelope(decoding: entry.data[...])).map { String(decoding: $0.body, as: UTF8.self) }
        }
    }
}
