import Egress
import Glibc
import LoopbackServer
import Synchronization
import Testing

@Suite("Cancellation, back-pressure, overload", .timeLimit(.minutes(2)))
struct EgressFlowTests {
    @Test(
        "cancelling the task closes the socket long before any deadline, before the head and in the middle of the body")
    func cancellation() async throws {
        let seen = Journal<String>()
        let server = try LoopbackServer { connection, request in
            if request.target == "/body" { try connection.write("HTTP/1.1 200 OK\r\n\r\nabc") }
            seen.add("\(request.target) arrived")
            if connection.waitForClose(seconds: 20) { seen.add("\(request.target) closed") }
            return .close
        }
        defer { server.stop() }
        let client = try client()
        for path in ["/head", "/body"] {
            let sent = try request(server, path)
            let task = Task { await failure { () async throws(EgressError) in try await client.collect(sent) } }
            #expect(await seen.has("\(path) arrived"))
            task.cancel()
            #expect(await seen.has("\(path) closed", within: .seconds(20)))
            #expect(await task.value == .cancelled)
        }
        #expect(await eventually { client.inFlight == 0 })
        await client.shutdown()
    }

    @Test("a task that is cancelled already sends nothing for long, and one cancelled in the queue never starts")
    func cancelledEarly() async throws {
        let isReleased = Gate()
        let server = try LoopbackServer { connection, _ in
            isReleased.wait()
            try connection.respond()
            return .keep
        }
        defer { server.stop() }
        var limits = EgressLimits()
        limits.concurrentTransfers = 1
        let client = try client(limits: limits)
        let sent = try request(server)
        let first = Task { await failure { () async throws(EgressError) in try await client.collect(sent) } }
        #expect(await eventually { server.accepted == 1 })
        let second = Task { await failure { () async throws(EgressError) in try await client.collect(sent) } }
        #expect(await eventually { client.inFlight == 2 })
        second.cancel()
        #expect(await second.value == .cancelled)
        #expect(await eventually { client.inFlight == 1 })
        isReleased.open()
        #expect(await first.value == nil)
        #expect(server.accepted == 1)
        await client.shutdown()
    }

    @Test("letting go of a body ends its transfer")
    func abandoned() async throws {
        let seen = Journal<String>()
        let server = try LoopbackServer { connection, _ in
            try connection.write("HTTP/1.1 200 OK\r\n\r\nabc")
            if connection.waitForClose(seconds: 20) { seen.add("closed") }
            return .close
        }
        defer { server.stop() }
        let client = try client()
        do {
            let response = try await client.send(request(server))
            #expect(response.status == 200)
        }
        #expect(await seen.has("closed", within: .seconds(20)))
        await client.shutdown()
    }

    @Test("a slow reader holds the server back, is not called idle, and misses no byte")
    func backPressure() async throws {
        let piece = (0..<64 << 10).map { UInt8(truncatingIfNeeded: $0 ^ $0 >> 8) }
        let pieces = 512
        let written = Atomic(0)
        let server = try LoopbackServer { connection, _ in
            connection.shrinkSendBuffer()
            try connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(piece.count * pieces)\r\n\r\n")
            for _ in 0..<pieces {
                try connection.write(piece)
                written.add(piece.count, ordering: .relaxed)
            }
            return .close
        }
        defer { server.stop() }
        let client = try client()
        var sent = try request(server, deadlines: .generous.with { $0.idle = .seconds(2) })
        sent.maximumResponseBytes = piece.count * pieces
        let response = try await client.send(sent)
        // The server comes to a stop: nothing more is written for longer than the idle deadline.
        var last = -1
        while last != written.load(ordering: .relaxed) {
            last = written.load(ordering: .relaxed)
            try await Task.sleep(for: .milliseconds(2500))
        }
        // Our buffer, what libcurl holds, and what the kernel takes on loopback.
        #expect(
            last < EgressLimits().bufferedBodyBytes + 8 << 20, "\(last) of \(piece.count * pieces) bytes were taken")
        let expected = Array((0..<8).map { _ in piece }.joined())
        var total = 0
        var longest = 0
        for try await chunk in response.body {
            let offset = total % piece.count
            // Not `==` on slices, which takes minutes for so many bytes in a debug build.
            let isExpected = chunk.withUnsafeBytes { found in
                expected.withUnsafeBytes { memcmp(found.baseAddress!, $0.baseAddress! + offset, found.count) == 0 }
            }
            #expect(isExpected)
            total += chunk.count
            longest = max(longest, chunk.count)
        }
        #expect(total == piece.count * pieces)
        #expect(longest <= EgressLimits().bufferedBodyBytes)
        await client.shutdown()
    }

    @Test("of a thousand requests at once those within the limits are served and the others refused at once")
    func overload() async throws {
        let isReleased = Gate()
        let busy = Atomic(0)
        let most = Mutex(0)
        let server = try LoopbackServer { connection, _ in
            let now = busy.add(1, ordering: .relaxed).newValue
            most.withLock { $0 = max($0, now) }
            isReleased.wait(seconds: 30)
            busy.subtract(1, ordering: .relaxed)
            try connection.respond(200, "x")
            return .keep
        }
        defer { server.stop() }
        var limits = EgressLimits()
        limits.concurrentTransfers = 8
        limits.waitingTransfers = 32
        limits.queueWait = .seconds(60)
        let client = try client(limits: limits)
        let sent = try request(server)
        let refused = Journal<EgressError>()
        let outcomes = await withTaskGroup(of: EgressError?.self) { group in
            for _ in 0..<1_000 {
                group.addTask {
                    let error = await failure { () async throws(EgressError) in try await client.collect(sent) }
                    if error == .overloaded { refused.add(.overloaded) }
                    return error
                }
            }
            // None can end before all that will be refused have been, and as many are served as may be at once.
            #expect(await eventually { refused.events.count == 960 && busy.load(ordering: .relaxed) == 8 })
            isReleased.open()
            return await group.reduce(into: [EgressError?: Int]()) { $0[$1, default: 0] += 1 }
        }
        #expect(outcomes == [nil: 40, .overloaded: 960])
        #expect(most.withLock { $0 } == 8)
        #expect(await eventually { client.inFlight == 0 })
        #expect(try await client.collect(sent).status == 200, "the client serves on")
        await client.shutdown()
    }

    @Test("a request that waits too long for its turn is refused, and a hanging endpoint takes no turn from others")
    func queueWait() async throws {
        let isReleased = Gate()
        let hanging = try LoopbackServer { connection, _ in
            isReleased.wait()
            try connection.respond()
            return .keep
        }
        let other = try LoopbackServer { connection, _ in
            try connection.respond(200, "served")
            return .keep
        }
        defer {
            isReleased.open()
            hanging.stop()
            other.stop()
        }
        var limits = EgressLimits()
        limits.concurrentTransfersPerEndpoint = 2
        limits.queueWait = .milliseconds(100)
        let client = try client(limits: limits)
        let stuck = try request(hanging)
        let stuckTasks = (0..<2).map { _ in
            Task { await failure { () async throws(EgressError) in try await client.collect(stuck) } }
        }
        #expect(await eventually { hanging.accepted == 2 })
        #expect(await failure { () async throws(EgressError) in try await client.collect(stuck) } == .overloaded)
        #expect(try await client.collect(request(other)).text == "served")
        isReleased.open()
        for task in stuckTasks { #expect(await task.value == nil) }
        await client.shutdown()
    }

    @Test("a client that is let go of ends its thread and its requests")
    func letGo() async throws {
        let seen = Journal<String>()
        let server = try LoopbackServer { connection, _ in
            try connection.write("HTTP/1.1 200 OK\r\n\r\nabc")
            if connection.waitForClose(seconds: 20) { seen.add("closed") }
            return .close
        }
        defer { server.stop() }
        var client: EgressClient? = try client()
        let response = try await client?.send(request(server))
        client = nil
        #expect(await seen.has("closed"))
        var body = try #require(response).body.makeAsyncIterator()
        #expect(try await body.next() == Array("abc".utf8))
        let error = await failure { () async throws(EgressError) in try await body.next() }
        #expect(error == .shutDown)
    }
}
