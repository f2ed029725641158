import CCurl

/// What libcurl's codes mean in this room's terms.
enum CurlFailure {
    /// `wasConnected` tells a request that cannot have reached the server from one that may have.
    static func error(_ code: CURLcode, _ text: String, wasConnected: Bool) -> EgressError {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY:
            return .resolution(.failed(text))
        case CURLE_COULDNT_CONNECT, CURLE_PROXY:
            return .connect(text)
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE,
            CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CRL_BADFILE, CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_INVALIDCERTSTATUS:
            return .tls(text)
        case CURLE_OPERATION_TIMEDOUT:
            return .timeout(wasConnected ? .total : .connect)
        case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_HTTP2_STREAM:
            return wasConnected ? .connectionLost(text) : .connect(text)
        default:
            return wasConnected ? .protocolViolation(text) : .connect(text)
        }
    }
}
