import Testing

@testable import Postgres

@Suite("Statement cache")
struct StatementCacheTests {
    @Test("a text is prepared once")
    func once() {
        var cache = StatementCache(capacity: 4)
        #expect(cache.lookup("a", types: [20]) == .prepare(name: "s1", types: [20], deallocate: []))
        #expect(cache.lookup("a", types: [20]) == .prepared(name: "s1"))
    }

    @Test("NULL fits any prepared type, and types learned one by one settle on one statement")
    func nullsSettle() {
        var cache = StatementCache(capacity: 4)
        _ = cache.lookup("a", types: [20, 0])
        #expect(cache.lookup("a", types: [0, 0]) == .prepared(name: "s1"))
        #expect(cache.lookup("a", types: [0, 16]) == .prepare(name: "s2", types: [20, 16], deallocate: ["s1"]))
        #expect(cache.lookup("a", types: [20, 0]) == .prepared(name: "s2"))
        #expect(cache.lookup("a", types: [0, 16]) == .prepared(name: "s2"))
    }

    @Test("a contradicting type takes the place of the old one")
    func contradiction() {
        var cache = StatementCache(capacity: 4)
        _ = cache.lookup("a", types: [20])
        #expect(cache.lookup("a", types: [16]) == .prepare(name: "s2", types: [16], deallocate: ["s1"]))
        #expect(cache.lookup("a", types: [16, 16]) == .prepare(name: "s3", types: [16, 16], deallocate: ["s2"]))
    }

    @Test("beyond its capacity the least recently used one is deallocated")
    func eviction() {
        var cache = StatementCache(capacity: 2)
        _ = cache.lookup("a", types: [])
        _ = cache.lookup("b", types: [])
        _ = cache.lookup("a", types: [])
        #expect(cache.lookup("c", types: []) == .prepare(name: "s3", types: [], deallocate: ["s2"]))
        #expect(cache.count == 2)
        #expect(cache.lookup("a", types: []) == .prepared(name: "s1"))
    }

    @Test(
        "nothing is deallocated in front of what opens or ends a transaction",
        arguments: [
            "BEGIN", " begin isolation level serializable", "START TRANSACTION", "SET TRANSACTION READ ONLY",
            "ROLLBACK",
        ])
    func transactionControl(_ control: String) {
        var cache = StatementCache(capacity: 1)
        _ = cache.lookup("a", types: [])
        #expect(cache.lookup(control, types: []) == .prepare(name: "s2", types: [], deallocate: []))
        #expect(cache.lookup("b", types: []) == .prepare(name: "s3", types: [], deallocate: ["s1", "s2"]))
    }

    @Test("what the server refused is prepared anew, what it could not give up is tried again")
    func failures() {
        var cache = StatementCache(capacity: 2)
        _ = cache.lookup("a", types: [])
        cache.forget("s1")
        #expect(cache.lookup("a", types: []) == .prepare(name: "s2", types: [], deallocate: []))
        cache.orphan("s2")
        #expect(cache.lookup("a", types: []) == .prepare(name: "s3", types: [], deallocate: ["s2"]))
        cache.forgetAll()
        #expect(cache.lookup("a", types: []) == .prepare(name: "s4", types: [], deallocate: []))
    }
}

@Suite("Back-off")
struct BackoffTests {
    @Test("doubles up to its cap, shortened by at most half, and begins anew after success")
    func delays() {
        var backoff = Backoff(first: .milliseconds(100), longest: .milliseconds(350))
        let full = (0..<4).map { _ in backoff.delay(chance: 0).milliseconds }
        #expect(full == [100, 200, 350, 350])
        #expect(backoff.delay(chance: 0.999_999).milliseconds == 175)
        backoff.reset()
        #expect(backoff.delay(chance: 0) == .milliseconds(100))
    }
}
