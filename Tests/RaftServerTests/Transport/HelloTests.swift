import NIOCore
import Raft
import Testing

@testable import RaftServer

@Suite("Hello and its judgement")
struct HelloTests {
    private let own = RawPeer.hello(1)

    private func refusal(
        of hello: Hello, credential: PeerCredential = .none, dialled: UInt64? = nil, known: KnownProcess? = nil,
        verdict: PeerTransport.Verdict = .accepted
    ) -> HandshakeRefusal.Reason? {
        HandshakePolicy(own: own, isKnown: { _ in verdict })
            .refusal(of: hello, credential: credential, dialled: dialled.map { NodeID($0) }, known: known)?.reason
    }

    @Test("a hello and a refusal survive the wire, and bytes of later releases are ignored")
    func roundTrip() throws {
        let hello = RawPeer.hello(7, boot: 9) { $0.address = PeerAddress(host: "node-7.example", port: 7000) }
        var encoded = hello.encoded()
        #expect(try Hello(decoding: encoded) == hello)
        encoded.writeString("a field of a later release")
        #expect(try Hello(decoding: encoded) == hello)
        let refusal = HandshakeRefusal(reason: .otherIncarnation, detail: "ünexpected")
        #expect(try HandshakeRefusal(decoding: refusal.encoded()) == refusal)
        var unknown = refusal.encoded()
        unknown.setInteger(UInt16(999), at: 0, endianness: .little)
        #expect(try HandshakeRefusal(decoding: unknown) == HandshakeRefusal(reason: .other, detail: "ünexpected"))
    }

    @Test("a hello cut anywhere is refused, never misread")
    func truncated() throws {
        let hello = RawPeer.hello(7) { $0.recognizedAt = LogIndex(9) }
        let encoded = hello.encoded()
        let earlierLength = encoded.readableBytes - 8
        for length in 0..<encoded.readableBytes {
            guard let part = encoded.getSlice(at: 0, length: length) else { continue }
            if length == earlierLength {
                #expect(try Hello(decoding: part).recognizedAt == .zero, "of a version that did not say it")
                continue
            }
            #expect(throws: Hello.DecodingError.truncated) { try Hello(decoding: part) }
        }
    }

    @Test("who fits is accepted")
    func accepted() {
        let names = PeerCredential.certified(uriNames: ["amas://other/node/2", "amas://test-cluster/node/2"])
        let known = KnownProcess(incarnation: TestNode.incarnation, boot: BootID(1))
        #expect(refusal(of: RawPeer.hello(2)) == nil)
        #expect(refusal(of: RawPeer.hello(2), credential: names, dialled: 2, known: known) == nil)
        #expect(refusal(of: RawPeer.hello(2) { $0.protocolVersions = 1...9 }) == nil)
    }

    @Test("each thing that does not fit has its reason")
    func reasons() {
        let newer = KnownProcess(incarnation: TestNode.incarnation, boot: BootID(2))
        let recorded = PeerTransport.Verdict.otherIncarnation(Incarnation(5))
        #expect(refusal(of: RawPeer.hello(2) { $0.protocolVersions = 2...3 }) == .incompatibleProtocol)
        #expect(refusal(of: RawPeer.hello(2) { $0.clusterID = "other" }) == .otherCluster)
        #expect(refusal(of: RawPeer.hello(1)) == .ownIdentity)
        #expect(refusal(of: RawPeer.hello(0)) == .ownIdentity)
        #expect(refusal(of: RawPeer.hello(2), dialled: 3) == .wrongNode)
        #expect(refusal(of: RawPeer.hello(2), credential: .certified(uriNames: [])) == .certificateNamesAnother)
        #expect(
            refusal(of: RawPeer.hello(2), credential: .certified(uriNames: ["amas://test-cluster/node/22"]))
                == .certificateNamesAnother)
        #expect(refusal(of: RawPeer.hello(2), verdict: .unknownNode) == .unknownNode)
        #expect(refusal(of: RawPeer.hello(2), verdict: recorded) == .otherIncarnation)
        #expect(refusal(of: RawPeer.hello(2), known: newer) == .olderBoot)
    }

    @Test("boots of another incarnation are not compared")
    func otherIncarnationsBoot() {
        let former = KnownProcess(incarnation: Incarnation(77), boot: BootID(9))
        #expect(refusal(of: RawPeer.hello(2), known: former) == nil)
    }

    @Test(
        "addresses read what they write",
        arguments: ["127.0.0.1:80", "[::1]:65535", "node-1.amas.svc:7000", "localhost:0"])
    func addresses(text: String) throws {
        let address = try #require(PeerAddress(text))
        #expect("\(address)" == text)
    }

    @Test(
        "what is no address is none",
        arguments: ["", ":1", "host", "host:", "host:65536", "host:-1", "::1:80", "[::1:80"])
    func noAddress(text: String) {
        #expect(PeerAddress(text) == nil)
    }
}
