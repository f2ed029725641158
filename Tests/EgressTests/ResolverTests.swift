import LoopbackServer
import Synchronization
import Testing

@testable import Egress

@Suite("Names to addresses", .timeLimit(.minutes(1)))
struct ResolverTests {
    private let addresses = ["192.0.2.1"].compactMap(IPAddress.init)

    private func answer(_ resolver: Resolver, _ name: String, within limit: Duration = .seconds(60)) async -> Result<
        [IPAddress], EgressError
    > {
        do { return .success(try await resolver.addresses(of: name, within: limit)) } catch { return .failure(error) }
    }

    @Test("requests for one name in flight share one lookup, and its success is kept")
    func shared() async throws {
        let lookups = Atomic(0)
        let isReleased = Gate()
        let addresses = addresses
        let resolver = Resolver(limits: EgressLimits()) { _ in
            lookups.add(1, ordering: .relaxed)
            isReleased.wait()
            return .success(addresses)
        }
        let tasks = (0..<50).map { _ in Task { await answer(resolver, "a.test") } }
        #expect(await eventually { lookups.load(ordering: .relaxed) == 1 })
        isReleased.open()
        for task in tasks { #expect(await task.value == .success(addresses)) }
        #expect(try await resolver.addresses(of: "a.test", within: .seconds(30)) == addresses)
        #expect(lookups.load(ordering: .relaxed) == 1)
    }

    @Test("a failure is not kept, and success after its lifetime is not used")
    func notKept() async throws {
        let lookups = Atomic(0)
        let addresses = addresses
        var limits = EgressLimits()
        limits.resolutionCacheLifetime = .zero
        let resolver = Resolver(limits: limits) { name in
            lookups.add(1, ordering: .relaxed)
            return name == "a.test" ? .success(addresses) : .failure(.temporary)
        }
        for _ in 0..<2 {
            #expect(try await resolver.addresses(of: "a.test", within: .seconds(30)) == addresses)
            await #expect(throws: EgressError.resolution(.temporary)) {
                try await resolver.addresses(of: "b.test", within: .seconds(30))
            }
        }
        #expect(lookups.load(ordering: .relaxed) == 4)
    }

    @Test("an answer without addresses is no answer")
    func empty() async throws {
        let resolver = Resolver(limits: EgressLimits()) { _ in .success([]) }
        await #expect(throws: EgressError.resolution(.notFound)) {
            try await resolver.addresses(of: "a.test", within: .seconds(30))
        }
    }

    @Test(
        "a resolver that hangs is left after the deadline, or with the cancelled task, and costs no more than its threads"
    )
    func hanging() async throws {
        let isReleased = Gate()
        let running = Atomic(0)
        var limits = EgressLimits()
        limits.resolverThreads = 2
        limits.waitingResolutions = 3
        let resolver = Resolver(limits: limits) { _ in
            running.add(1, ordering: .relaxed)
            isReleased.wait()
            return .failure(.notFound)
        }
        await #expect(throws: EgressError.timeout(.resolve)) {
            try await resolver.addresses(of: "a.test", within: .milliseconds(50))
        }
        let cancelled = Task { await answer(resolver, "b.test") }
        #expect(await eventually { running.load(ordering: .relaxed) == 2 })
        cancelled.cancel()
        #expect(await cancelled.value == .failure(.cancelled))
        // Both threads hang: three names may wait, the fourth is refused.
        let waiting = (0..<3).map { number in Task { await answer(resolver, "w\(number).test") } }
        var attempt = 0
        while await answer(resolver, "x\(attempt).test", within: .milliseconds(20)) != .failure(.overloaded) {
            attempt += 1
        }
        #expect(running.load(ordering: .relaxed) == 2)
        isReleased.open()
        for task in waiting {
            let result = await task.value
            #expect(result == .failure(.resolution(.notFound)) || result == .failure(.overloaded))
        }
    }

    @Test("the cache holds no more than its limit")
    func cacheLimit() async throws {
        let lookups = Atomic(0)
        let addresses = addresses
        var limits = EgressLimits()
        limits.resolutionCacheEntries = 2
        let resolver = Resolver(limits: limits) { _ in
            lookups.add(1, ordering: .relaxed)
            return .success(addresses)
        }
        for name in ["a", "b", "c"] { _ = try await resolver.addresses(of: name, within: .seconds(30)) }
        for name in ["c", "b"] { _ = try await resolver.addresses(of: name, within: .seconds(30)) }
        #expect(lookups.load(ordering: .relaxed) == 3)
        _ = try await resolver.addresses(of: "a", within: .seconds(30))
        #expect(lookups.load(ordering: .relaxed) == 4, "the oldest had to go")
    }

    @Test("the system's resolver knows localhost and says so of a name that cannot be")
    func system() throws {
        let found = try systemHostLookup("localhost").get()
        #expect(found.contains { $0.description == "127.0.0.1" || $0.description == "::1" })
        if case .success = systemHostLookup("no-such-name.invalid") { Issue.record("an invalid name has an address") }
    }
}
