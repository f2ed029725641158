/// Every bound of this room. Beyond each of them a request fails with a typed error; nothing queues without end.
///
/// | Limit | Default | Beyond it |
/// |---|---|---|
/// | `concurrentTransfers` | 256 | requests wait |
/// | `concurrentTransfersPerEndpoint` | 64 | requests to that endpoint wait, others pass them |
/// | `waitingTransfers` | 1,024 | `overloaded`, at once |
/// | `queueWait` | 5 s | `overloaded` |
/// | `requestBodyBytes` | 16 MiB | `tooLarge(.requestBody)` |
/// | `responseBodyBytes` | 8 MiB (a request may ask for another) | `tooLarge(.responseBody)` |
/// | `responseHeadBytes` | 64 KiB | `tooLarge(.responseHead)` |
/// | `bufferedBodyBytes` | 256 KiB for each response | the transfer is held until the reader has caught up |
/// | `redirects` | 3 | `policyDenied(.tooManyRedirects)` |
/// | `keptConnections` | 128 | the oldest idle one is closed |
/// | `resolverThreads`, `waitingResolutions` | 4, 256 | names wait, then `overloaded` |
/// | `resolutionCacheEntries`, `resolutionCacheLifetime` | 1,024, 30 s | resolved again |
/// | `urlBytes` | 8 KiB | `policyDenied(.malformedURL)` |
public struct EgressLimits: Sendable, Equatable {
    public var concurrentTransfers = 256
    public var concurrentTransfersPerEndpoint = 64
    public var waitingTransfers = 1_024
    public var queueWait: Duration = .seconds(5)
    public var requestBodyBytes = 16 << 20
    public var responseBodyBytes = 8 << 20
    public var responseHeadBytes = 64 << 10
    public var bufferedBodyBytes = 256 << 10
    public var redirects = 3
    public var keptConnections = 128
    public var resolverThreads = 4
    public var waitingResolutions = 256
    public var resolutionCacheEntries = 1_024
    public var resolutionCacheLifetime: Duration = .seconds(30)
    /// A property of the type, because a URL is parsed before any client exists.
    public static let urlBytes = 8 << 10

    public init() {}
}
