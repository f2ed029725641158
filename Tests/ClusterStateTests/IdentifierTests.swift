import ClusterState
import Raft
import Testing

@Suite("Identifiers")
struct IdentifierTests {
    @Test("a task's key takes printable ASCII ids of bounded length and any tenant of bounded length")
    func taskKeys() throws {
        let good = try #require(TaskKey(tenant: "default", id: "task_01"))
        #expect(good.tenant == "default" && good.id == "task_01" && "\(good)" == "default/task_01")
        #expect(TaskKey(tenant: "", id: "a") == nil)
        #expect(TaskKey(tenant: "t", id: "") == nil)
        #expect(TaskKey(tenant: "t", id: "a b") == nil)
        #expect(TaskKey(tenant: "t", id: "ä") == nil)
        #expect(TaskKey(tenant: "t", id: String(repeating: "x", count: 64)) != nil)
        #expect(TaskKey(tenant: "t", id: String(repeating: "x", count: 65)) == nil)
        #expect(TaskKey(tenant: String(repeating: "x", count: 129), id: "a") == nil)
    }

    @Test("what Unicode calls equal are two tenants")
    func bytesNotCharacters() throws {
        let composed = try #require(TaskKey(tenant: "\u{E9}", id: "a"))
        let decomposed = try #require(TaskKey(tenant: "e\u{301}", id: "a"))
        #expect(composed.tenant == decomposed.tenant, "Swift compares strings by canonical equivalence")
        #expect(composed != decomposed)
        #expect(composed < decomposed || decomposed < composed)
    }

    @Test("keys of different tenants never meet, whatever the ids")
    func noCollision() {
        #expect(TaskKey(tenant: "ab", id: "c") != TaskKey(tenant: "a", id: "bc"))
    }

    @Test("a younger generation is younger at any index")
    func revisions() {
        let old = Revision(generation: 1, index: LogIndex(1 << 48 - 1))
        let new = Revision(generation: 2, index: LogIndex(1))
        #expect(old < new)
        #expect(new.generation == 2 && new.index == LogIndex(1))
        #expect(Revision(rawValue: new.rawValue) == new)
    }

    @Test("an event offset survives its text, and nothing else is one")
    func offsets() {
        let offset = EventOffset(index: LogIndex(42), ordinal: 7)
        #expect(EventOffset(offset.description) == offset)
        for text in ["", ".", "1", "1.", ".1", "1.2.3", "-1.2", "1.4294967296", "a.b", "1.2 "] {
            #expect(EventOffset(text) == nil, "\(text)")
        }
        #expect(offset < EventOffset(index: LogIndex(42), ordinal: 8))
        #expect(EventOffset(index: LogIndex(42), ordinal: 8) < EventOffset(index: LogIndex(43), ordinal: 0))
    }

    @Test("a hash survives its bytes")
    func hashes() throws {
        let bytes = (0..<32).map { UInt8($0) }
        let hash = try #require(StateHash(bytes: bytes))
        #expect(hash.bytes == bytes)
        #expect("\(hash)".hasPrefix("000102030405") && "\(hash)".utf8.count == 64)
        #expect(StateHash(bytes: bytes.dropLast()) == nil)
    }
}
