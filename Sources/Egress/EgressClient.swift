import CCurl
public import Logging
import Synchronization

/// The way out: every request is judged by the policy, goes to a checked address, and ends within its deadlines.
/// Callable from any task and thread.
///
/// Nothing is repeated here, with one exception that is libcurl's: when a kept connection turns out to have been closed
/// by the server before anything of a response came, the request is sent again on a new connection.
///
/// Cancelling the task that waits for a response, or for the next piece of its body, answers it at once with
/// `cancelled` and closes the connection (HTTP/1) or resets the stream (HTTP/2).
public final class EgressClient: Sendable {
    private let configuration: EgressConfiguration
    private let currentPolicy: Mutex<EgressPolicy>
    private let resolver: Resolver
    private let mailbox: DriverMailbox
    private let logger: Logger
    private let clock = ContinuousClock()

    /// Must be called once before any other thread uses libcurl; a static constant is, and once.
    private static let isLibraryReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    /// Starts libcurl's thread. It ends at ``shutdown()``, or when the client is let go of.
    public init(
        configuration: EgressConfiguration = EgressConfiguration(), policy: EgressPolicy, logger: Logger,
        lookup: @escaping HostLookup = systemHostLookup
    ) {
        precondition(EgressClient.isLibraryReady, "libcurl does not initialise")
        self.configuration = configuration
        self.logger = logger
        currentPolicy = Mutex(policy)
        resolver = Resolver(limits: configuration.limits, lookup: lookup)
        let mailbox = DriverMailbox(limits: configuration.limits)
        self.mailbox = mailbox
        let limits = configuration.limits
        let hasStarted = DedicatedThread.start("amas-egress") {
            guard let loop = TransferLoop(mailbox: mailbox, limits: limits) else {
                preconditionFailure("libcurl gives no multi handle")
            }
            loop.run()
        }
        precondition(hasStarted, "the system gives no thread to a node that starts")
    }

    deinit { mailbox.stop() }

    /// The policy in force. A new one holds for every hop that starts after it was set.
    public var policy: EgressPolicy {
        get { currentPolicy.withLock { $0 } }
        set { currentPolicy.withLock { $0 = newValue } }
    }

    /// Requests that were admitted and have not ended, waiting ones included.
    public var inFlight: Int { mailbox.admitted }

    /// Sends the request and returns with the head of the response; the body follows in pieces.
    public func send(_ request: EgressRequest) async throws(EgressError) -> EgressResponse {
        try RequestSyntax.check(request, limits: configuration.limits)
        let end = clock.now + request.deadlines.total
        var hop = request
        for _ in 0...configuration.limits.redirects {
            let response = try await sendOnce(hop, until: end)
            do {
                guard let next = try RedirectRules.next(after: hop, response.head) else { return response }
                hop = next
            } catch {
                throw refused(hop.url, error)
            }
        }
        throw refused(hop.url, .tooManyRedirects(limit: configuration.limits.redirects))
    }

    /// Sends the request and reads the whole body.
    public func collect(_ request: EgressRequest) async throws(EgressError) -> EgressReply {
        var request = request
        if request.protocols == .automatic { request.protocols = .http2OverTLS }
        let response = try await send(request)
        var body: [UInt8] = []
        for try await chunk in response.body {
            if body.isEmpty { body = chunk } else { body += chunk }
        }
        return EgressReply(head: response.head, url: response.url, body: body)
    }

    /// Resolves and judges a host that a user named, for a tool that does not speak HTTP to it. The tool connects to
    /// one of the addresses given and to nothing else.
    public func resolve(
        userTarget text: String, port: UInt16, within limit: Duration = .seconds(2)
    ) async throws(EgressError) -> CheckedDestination {
        let policy = self.policy
        let host: Host
        do {
            if let address = IPAddress(text) {
                host = .address(address)
            } else {
                host = try HostSyntax.parse(text).get()
            }
            try policy.checkUserHost(host)
        } catch {
            throw .policyDenied(error)
        }
        let addresses = try await checkedAddresses(of: host, for: .userTarget, under: policy, within: limit)
        return CheckedDestination(host: host, port: port, addresses: addresses)
    }

    /// Ends every request with `shutDown` and returns when libcurl's thread has released everything.
    public func shutdown() async {
        mailbox.stop()
        await mailbox.stopped()
    }
}

// MARK: one hop

extension EgressClient {
    private func sendOnce(_ request: EgressRequest, until end: ContinuousClock.Instant) async throws(EgressError)
        -> EgressResponse
    {
        let policy = self.policy
        let endpoint = request.url.endpoint
        do {
            try policy.check(endpoint, for: request.purpose)
        } catch {
            throw refused(request.url, error)
        }
        let proxy = proxy(to: endpoint, for: request.purpose)
        var addresses: [IPAddress] = []
        if proxy == nil {
            let limit = min(request.deadlines.connect, end - clock.now)
            addresses = try await checkedAddresses(
                of: endpoint.host, for: request.purpose, under: policy, within: limit)
        }
        var deadlines = request.deadlines
        deadlines.total = end - clock.now
        let plan = TransferPlan(
            request: request, addresses: addresses, policy: policy, proxy: proxy?.url,
            userAgent: configuration.userAgent,
            deadlines: deadlines, limits: configuration.limits)
        let transfer = try TransferHandle(plan, mailbox: mailbox)
        return EgressResponse(head: try await transfer.head(), url: request.url, body: EgressBody(transfer: transfer))
    }

    private func checkedAddresses(
        of host: Host, for purpose: EgressPurpose, under policy: EgressPolicy, within limit: Duration
    ) async throws(EgressError) -> [IPAddress] {
        let addresses: [IPAddress]
        switch host {
        case .address(let address): addresses = [address]
        case .name(let name): addresses = try await resolver.addresses(of: name, within: limit)
        }
        do {
            try policy.check(addresses, for: purpose)
        } catch {
            logger.notice("outbound host refused", metadata: ["host": "\(host)", "reason": "\(error)"])
            throw .policyDenied(error)
        }
        return addresses
    }

    private func proxy(to endpoint: Endpoint, for purpose: EgressPurpose) -> EgressProxy? {
        guard let proxy = configuration.proxy, !proxy.bypass.contains(where: { $0.matches(endpoint.host) }) else {
            return nil
        }
        switch purpose {
        case .operatorConfigured: return proxy
        case .userTarget: return nil
        }
    }

    private func refused(_ url: EgressURL, _ denial: PolicyDenial) -> EgressError {
        logger.notice("outbound request refused", metadata: ["url": "\(url)", "reason": "\(denial)"])
        return .policyDenied(denial)
    }
}
