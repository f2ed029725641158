import CCurl
import Glibc

/// One hop of a request while the driver has it. Confined to libcurl's thread.
final class Transfer {
    let id: TransferID
    let plan: TransferPlan
    let channel: ResponseChannel
    var deadlines: TransferDeadlines
    /// Nil while the transfer waits for its turn.
    var easy: EasyHandle?

    private let clock = ContinuousClock()
    private var head: HeadParser
    private var receivedBytes = 0
    private var isConnected = false
    /// Why a callback told libcurl to stop; says more than libcurl's own code.
    private var verdict: EgressError?

    init(_ id: TransferID, _ plan: TransferPlan, _ channel: ResponseChannel, at now: ContinuousClock.Instant) {
        self.id = id
        self.plan = plan
        self.channel = channel
        deadlines = TransferDeadlines(plan.deadlines, queueWait: plan.limits.queueWait, at: now)
        head = HeadParser(limitBytes: plan.limits.responseHeadBytes)
    }

    /// What the end of the transfer means to the reader.
    func result(_ code: CURLcode) -> Result<Void, EgressError> {
        if let verdict { return .failure(verdict) }
        guard code != CURLE_OK else {
            return head.isComplete
                ? .success(()) : .failure(.protocolViolation("the connection closed before a response"))
        }
        let text = easy?.failureText(code) ?? ""
        return .failure(CurlFailure.error(code, text, wasConnected: isConnected))
    }
}

// MARK: what libcurl reports

extension Transfer {
    /// libcurl wants a socket; -1 (`CURL_SOCKET_BAD`) refuses it.
    func openSocket(_ address: UnsafePointer<curl_sockaddr>) -> curl_socket_t {
        // Not `address.pointee.addr`: the memory behind `curl_sockaddr` is longer than the type says, for IPv6.
        let offset = MemoryLayout<curl_sockaddr>.offset(of: \.addr) ?? 0
        let ip = IPAddress((UnsafeRawPointer(address) + offset).assumingMemoryBound(to: sockaddr.self))
        if let denial = plan.denial(ofSocketTo: ip) {
            verdict = .policyDenied(denial)
            return -1
        }
        // Child processes must not inherit it.
        let type = address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue)
        return socket(address.pointee.family, type, address.pointee.protocol)
    }

    /// A connection, new or kept, is about to carry the request. False stops it.
    func mayRequest(from peer: String) -> Bool {
        if let denial = plan.denial(ofRequestTo: IPAddress(peer)) {
            verdict = .policyDenied(denial)
            return false
        }
        isConnected = true
        deadlines.connected(at: clock.now)
        return true
    }

    /// False stops the transfer.
    func receive(headerLine line: UnsafeRawBufferPointer) -> Bool {
        switch head.take(line) {
        case .more:
            return true
        case .complete(let head):
            deadlines.progressed(at: clock.now)
            // These two tell the length of a body that does not come.
            let hasBody = plan.request.method != .head && head.status != 304
            let length = head.headers["content-length"].flatMap(Int.init) ?? 0
            guard !hasBody || length <= plan.maximumResponseBytes else { return refuseBody() }
            channel.deliver(head)
            return true
        case .tooLarge:
            verdict = .tooLarge(.responseHead(limitBytes: plan.limits.responseHeadBytes))
            return false
        case .malformed:
            verdict = .protocolViolation("the head of the response is malformed")
            return false
        }
    }

    enum BodyVerdict { case taken, held, stopped }

    func receive(body bytes: UnsafeRawBufferPointer) -> BodyVerdict {
        guard receivedBytes + bytes.count <= plan.maximumResponseBytes else {
            _ = refuseBody()
            return .stopped
        }
        guard channel.deliver(bytes) else {
            deadlines.held()
            return .held
        }
        receivedBytes += bytes.count
        deadlines.progressed(at: clock.now)
        return .taken
    }

    /// The reader has caught up.
    func release() {
        guard deadlines.phase == .held, let easy else { return }
        deadlines.progressed(at: clock.now)
        curl_easy_pause(easy.raw, CURLPAUSE_CONT)
    }

    private func refuseBody() -> Bool {
        verdict = .tooLarge(.responseBody(limitBytes: plan.maximumResponseBytes))
        return false
    }
}
