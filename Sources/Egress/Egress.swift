// Egress: the only way out of AMAS over HTTP.
//
// What lives here
//   EgressPolicy      the one outbound policy, a pure value: what may be reached, and why not
//   EgressURL         a parsed and canonical address; what was checked is what is connected to
//   EgressClient      sends requests under the policy: `send` streams the answer, `collect` reads it whole
//   Resolver          names to addresses, on threads of its own, bounded and briefly cached
//   TransferLoop      one libcurl multi handle on one thread; everything that libcurl does happens there. Others reach it
//                     through `DriverMailbox`, and read from it through `ResponseChannel`
//   EgressLimits      every bound of the room, in one place
//
// The way of a request
//   check the URL against the policy → resolve, check every address → wait for a slot → libcurl connects to a checked
//   address only → head → body in chunks, held back while the reader is slow → the connection is kept for the next one.
//   A redirect starts again at the first step; libcurl itself never follows one.
//
// The policy is enforced three times, because each check covers what the one before cannot see: on the resolved
// addresses, when libcurl asks for a socket (so that not even a handshake leaves for an unchecked address), and when a
// request is about to be sent on a connection that was opened for an earlier one.
//
// What may not live here: knowledge of providers, agents or tasks; retries; any other way to open an outbound
// connection.

/// What the operator sets once for the whole client.
public struct EgressConfiguration: Sendable, Equatable {
    /// Sent as `User-Agent` unless the request carries its own.
    public var userAgent: String
    /// The HTTP proxy for endpoints that the operator configured, nil for none. The environment's proxy variables are
    /// never read. Targets that users name always go direct: behind a proxy their address could not be pinned.
    public var proxy: EgressProxy?
    public var limits: EgressLimits

    public init(userAgent: String = "amas", proxy: EgressProxy? = nil, limits: EgressLimits = EgressLimits()) {
        self.userAgent = userAgent
        self.proxy = proxy
        self.limits = limits
    }
}

/// An HTTP proxy: `http` requests are sent to it whole, `https` ones through a tunnel.
public struct EgressProxy: Sendable, Equatable {
    public var url: EgressURL
    /// Hosts that are reached without it.
    public var bypass: [HostPattern]

    public init(url: EgressURL, bypass: [HostPattern] = []) {
        self.url = url
        self.bypass = bypass
    }
}
