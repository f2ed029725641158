/// Everything the driver needs to know about one hop of a request, decided before it is handed over.
struct TransferPlan: Sendable {
    let request: EgressRequest
    /// The checked addresses of the URL's host: the only ones that a socket is opened to. Empty with a proxy.
    let addresses: [IPAddress]
    let policy: EgressPolicy
    /// The proxy to go through, nil for none.
    let proxy: EgressURL?
    let userAgent: String
    let deadlines: EgressDeadlines
    let limits: EgressLimits

    var maximumResponseBytes: Int { request.maximumResponseBytes ?? limits.responseBodyBytes }

    /// Whether a socket may be opened to this address.
    func denial(ofSocketTo address: IPAddress?) -> PolicyDenial? {
        guard proxy == nil else { return nil }
        guard let address else { return .malformedURL("an address of an unknown family") }
        guard addresses.contains(address) else { return .addressNotChecked(address) }
        return denial(ofRequestTo: address)
    }

    /// Whether the request may be sent on a connection to this address. The connection may be older than this request
    /// and its list of addresses, so it is judged by the policy alone.
    func denial(ofRequestTo address: IPAddress?) -> PolicyDenial? {
        guard proxy == nil else { return nil }
        guard let address else { return .malformedURL("an address of an unknown family") }
        do {
            try policy.check(address, for: request.purpose)
            return nil
        } catch {
            return error
        }
    }
}
