import Testing

@testable import Egress

@Suite("Between libcurl and the reader")
struct ResponseStreamTests {
    private let head = ResponseHead(version: .http1_1, status: 200, headers: [])

    private func receive(_ count: Int, in stream: inout ResponseStream) -> Bool {
        [UInt8](repeating: 7, count: count).withUnsafeBytes { stream.receive($0) }
    }

    @Test("bytes that do not fit hold the transfer, and taking the rest releases it")
    func holding() {
        var stream = ResponseStream(capacity: 10)
        #expect(receive(6, in: &stream))
        #expect(receive(4, in: &stream))
        #expect(!receive(1, in: &stream))
        #expect(stream.isHeld && stream.bufferedBytes == 10)
        #expect(stream.take() == .chunk([UInt8](repeating: 7, count: 10), releases: true))
        #expect(!stream.isHeld)
        #expect(stream.take() == .pending)
        #expect(receive(1, in: &stream))
        #expect(stream.take() == .chunk([7], releases: false))
    }

    @Test("a piece larger than the capacity is taken when nothing else waits, so that it cannot wait for ever")
    func largePiece() {
        var stream = ResponseStream(capacity: 10)
        #expect(receive(16, in: &stream))
        #expect(!receive(1, in: &stream))
    }

    @Test("what came before an error is read before it; after a cancellation nothing is")
    func ends() {
        var failed = ResponseStream(capacity: 10)
        #expect(receive(3, in: &failed))
        failed.finish(.failure(.connectionLost("reset")))
        failed.finish(.success(()))
        #expect(failed.take() == .chunk([7, 7, 7], releases: false))
        #expect(failed.take() == .failed(.connectionLost("reset")))
        var cancelled = ResponseStream(capacity: 10)
        #expect(receive(3, in: &cancelled))
        cancelled.finish(.failure(.cancelled))
        #expect(receive(100, in: &cancelled), "late bytes are dropped, not held")
        #expect(cancelled.take() == .failed(.cancelled))
    }

    @Test("the head is waited for, given, or failed")
    func heads() {
        var stream = ResponseStream(capacity: 10)
        #expect(stream.headState() == .pending)
        stream.receive(head)
        #expect(stream.headState() == .arrived(head))
        var failed = ResponseStream(capacity: 10)
        failed.finish(.failure(.timeout(.firstByte)))
        failed.receive(head)
        #expect(failed.headState() == .failed(.timeout(.firstByte)))
    }
}

@Suite("Deadlines of a transfer")
struct TransferDeadlinesTests {
    private let start = ContinuousClock().now
    private let limits = EgressDeadlines(
        connect: .seconds(2), firstByte: .seconds(20), idle: .seconds(15), total: .seconds(60))

    private func at(_ seconds: Int) -> ContinuousClock.Instant { start + .seconds(seconds) }

    @Test("each phase has its own deadline and names it")
    func phases() {
        var deadlines = TransferDeadlines(limits, queueWait: .seconds(5), at: start)
        #expect(deadlines.next == at(5))
        #expect(deadlines.expiry(at: at(4)) == nil)
        #expect(deadlines.expiry(at: at(5)) == .overloaded)
        deadlines.started(at: at(4))
        #expect(deadlines.expiry(at: at(5)) == nil)
        #expect(deadlines.expiry(at: at(6)) == .timeout(.connect))
        deadlines.connected(at: at(5))
        #expect(deadlines.expiry(at: at(24)) == nil)
        #expect(deadlines.expiry(at: at(25)) == .timeout(.firstByte))
        deadlines.progressed(at: at(20))
        #expect(deadlines.expiry(at: at(35)) == .timeout(.idle))
        deadlines.progressed(at: at(34))
        #expect(deadlines.expiry(at: at(48)) == nil)
        #expect(deadlines.next == at(49))
    }

    @Test("a transfer that its reader holds back is not idle, but the total deadline runs")
    func held() {
        var deadlines = TransferDeadlines(limits, queueWait: .seconds(5), at: start)
        deadlines.started(at: start)
        deadlines.connected(at: start)
        deadlines.progressed(at: start)
        deadlines.held()
        #expect(deadlines.expiry(at: at(59)) == nil)
        #expect(deadlines.next == at(60))
        #expect(deadlines.expiry(at: at(60)) == .timeout(.total))
        deadlines.progressed(at: at(50))
        #expect(deadlines.next == at(60), "the total deadline comes before the idle one")
        #expect(deadlines.expiry(at: at(70)) == .timeout(.total))
    }
}

@Suite("Which transfer starts")
struct TransferQueueTests {
    private let one = Endpoint(scheme: .http, host: .name("one.test"))
    private let two = Endpoint(scheme: .http, host: .name("two.test"))

    @Test("first come, first served, up to the limit")
    func order() {
        var queue = TransferQueue<Int>(concurrent: 2, concurrentPerEndpoint: 2)
        for id in 1...4 { queue.add(id, to: one) }
        #expect(queue.takeStartable() == [1, 2])
        #expect(queue.takeStartable() == [])
        queue.finished(one)
        #expect(queue.takeStartable() == [3])
    }

    @Test("an endpoint at its limit holds back its own requests only")
    func bulkhead() {
        var queue = TransferQueue<Int>(concurrent: 10, concurrentPerEndpoint: 1)
        queue.add(1, to: one)
        queue.add(2, to: one)
        queue.add(3, to: two)
        #expect(queue.takeStartable() == [1, 3])
        queue.finished(two)
        #expect(queue.takeStartable() == [])
        queue.finished(one)
        #expect(queue.takeStartable() == [2])
    }

    @Test("one that was given up never starts")
    func removal() {
        var queue = TransferQueue<Int>(concurrent: 1, concurrentPerEndpoint: 1)
        for id in 1...3 { queue.add(id, to: one) }
        #expect(queue.takeStartable() == [1])
        queue.remove(2)
        queue.finished(one)
        #expect(queue.takeStartable() == [3])
    }
}

@Suite("Heads of responses")
struct HeadParserTests {
    private func parse(_ lines: [String], limit: Int = 1_000) -> [HeadParser.Outcome] {
        var parser = HeadParser(limitBytes: limit)
        return lines.map { line in Array((line + "\r\n").utf8).withUnsafeBytes { parser.take($0) } }
    }

    @Test("the final head is the one that counts: interim answers and trailers are dropped")
    func interim() {
        let outcomes = parse([
            "HTTP/1.1 103 Early Hints", "Link: x", "", "HTTP/2 200", "a:1", "B:  two words ", "c:", "", "trailer: x",
            "",
        ])
        let head = ResponseHead(
            version: .http2, status: 200,
            headers: [HTTPHeader("a", "1"), HTTPHeader("B", "two words"), HTTPHeader("c", "")])
        #expect(outcomes.filter { $0 != .more } == [.complete(head)])
        #expect(outcomes[7] == .complete(head))
        #expect(head.headers["b"] == "two words")
    }

    @Test("a head may be as long as the limit and no longer")
    func limit() {
        let lines = ["HTTP/1.1 200 OK", "a: b", ""]
        let bytes = lines.reduce(0) { $0 + $1.utf8.count + 2 }
        #expect(parse(lines, limit: bytes).last != .tooLarge)
        #expect(parse(lines, limit: bytes - 1).last == .tooLarge)
    }

    @Test(
        "what is no head is malformed",
        arguments: [["x: y"], ["HTTP/1.1"], ["HTTP/1.1 abc"], ["HTTP/9 200"], ["HTTP/1.1 200 OK", ": x"], [""]])
    func malformed(lines: [String]) {
        #expect(parse(lines).last == .malformed)
    }
}

@Suite("Requests")
struct RequestSyntaxTests {
    private func check(
        _ method: HTTPMethod = .post, headers: [HTTPHeader] = [], body: Int = 0, limits: EgressLimits = EgressLimits()
    ) throws {
        let request = EgressRequest(
            method, try EgressURL("http://a.test/"), for: .userTarget, headers: headers,
            body: [UInt8](repeating: 0, count: body))
        try RequestSyntax.check(request, limits: limits)
    }

    @Test("no header can smuggle another line or steer the connection")
    func headers() throws {
        #expect(throws: Never.self) { try check(headers: [HTTPHeader("X-A", "b\tc é"), HTTPHeader("X-Empty", "")]) }
        for (name, value) in [
            ("X", "a\r\nEvil: 1"), ("X", "a\nb"), ("X", "a\u{0}"), ("X Y", "a"), ("X:", "a"), ("", "a"), ("X\r\n", "a"),
            ("Host", "evil.test"),
            ("content-length", "5"), ("Transfer-Encoding", "chunked"), ("Connection", "close"),
            ("Expect", "100-continue"),
            ("Upgrade", "h2c"), ("Proxy-Authorization", "x"),
        ] {
            #expect(throws: EgressError.self, "\(name)") { try check(headers: [HTTPHeader(name, value)]) }
        }
    }

    @Test("a body goes with the methods that have one, up to the limit")
    func bodies() throws {
        var limits = EgressLimits()
        limits.requestBodyBytes = 10
        #expect(throws: Never.self) { try check(body: 10, limits: limits) }
        #expect(throws: EgressError.tooLarge(.requestBody(limitBytes: 10))) { try check(body: 11, limits: limits) }
        for method in [HTTPMethod.get, .head] {
            #expect(throws: EgressError.self) { try check(method, body: 1) }
        }
    }
}

@Suite("Secrets")
struct SecretTests {
    @Test("no way to print a secret shows it")
    func printing() {
        let secret = Secret("hunter2")
        let header = HTTPHeader("Authorization", prefix: "Bearer ", secret: secret)
        var dumped = ""
        dump(secret, to: &dumped)
        dump(header, to: &dumped)
        for text in [
            "\(secret)", String(reflecting: secret), "\([secret])", "\(header)", String(reflecting: header), dumped,
        ] {
            #expect(!text.contains("hunter2"), "\(text)")
        }
        #expect(secret.reveal() == "hunter2" && header.value == "Bearer hunter2")
    }

    @Test("the value is masked in what comes back")
    func masking() {
        #expect(Secret("abc").masked(in: "key abc, abc!") == "key (secret), (secret)!")
        #expect(Secret("").masked(in: "key abc") == "key abc")
    }
}
