import CCurl

extension Transfer {
    /// Tells libcurl everything about the transfer. Whatever is not set here has libcurl's default, which follows no
    /// redirect, keeps no cookie and reads no `.netrc`.
    func configure(_ easy: EasyHandle) throws(EgressError) {
        try easy.collectFailureText()
        try easy.set(CURLOPT_NOSIGNAL, 1)
        try easy.set(CURLOPT_URL, plan.request.url.text)
        try easy.set(CURLOPT_PROTOCOLS_STR, "http,https")
        try easy.set(CURLOPT_TCP_KEEPALIVE, 1)
        try configureRoute(easy)
        try configureTLS(easy)
        try configureProtocol(easy)
        try configureMethod(easy)
        try configureHeaders(easy)
        try configureCallbacks(easy)
    }

    /// Pins the checked addresses. The `+` lets libcurl forget them again instead of keeping every name for ever.
    private func configureRoute(_ easy: EasyHandle) throws(EgressError) {
        // The empty text, unlike nil, also turns the environment's proxies off.
        try easy.set(CURLOPT_PROXY, plan.proxy?.text ?? "")
        try easy.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        guard plan.proxy == nil, case .name(let name) = plan.request.url.endpoint.host else { return }
        let addresses = plan.addresses.map(\.inURL).joined(separator: ",")
        try easy.set(CURLOPT_RESOLVE, list: ["+\(name):\(plan.request.url.endpoint.port):\(addresses)"])
    }

    private func configureTLS(_ easy: EasyHandle) throws(EgressError) {
        try easy.set(CURLOPT_SSL_VERIFYPEER, 1)
        try easy.set(CURLOPT_SSL_VERIFYHOST, 2)
        try easy.set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        switch plan.request.trust {
        case .system: break
        case .authorities(let file):
            try easy.set(CURLOPT_CAINFO, file)
            // Otherwise the machine's folder of certificates is trusted beside the file.
            try easy.set(CURLOPT_CAPATH, nil)
        }
    }

    private func configureProtocol(_ easy: EasyHandle) throws(EgressError) {
        switch plan.request.protocols {
        case .http1Only, .automatic:
            try easy.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        case .http2OverTLS:
            try easy.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
            // Waits for a connection that is being made instead of opening one for each request.
            try easy.set(CURLOPT_PIPEWAIT, plan.request.url.endpoint.scheme == .https ? 1 : 0)
        }
    }

    private func configureMethod(_ easy: EasyHandle) throws(EgressError) {
        let request = plan.request
        switch request.method {
        case .get:
            try easy.set(CURLOPT_HTTPGET, 1)
        case .head:
            try easy.set(CURLOPT_NOBODY, 1)
        case .post, .put, .patch:
            try easy.set(CURLOPT_POST, 1)
            try easy.setBody(request.body)
        case .delete, .options:
            if !request.body.isEmpty {
                try easy.set(CURLOPT_POST, 1)
                try easy.setBody(request.body)
            }
        }
        switch request.method {
        case .get, .head, .post: break
        case .put, .patch, .delete, .options: try easy.set(CURLOPT_CUSTOMREQUEST, request.method.rawValue)
        }
    }

    private func configureHeaders(_ easy: EasyHandle) throws(EgressError) {
        let headers = plan.request.headers
        // libcurl reads "Name:" as "leave it out" and "Name;" as "send it empty".
        var lines = headers.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
        // Never wait for a 100-continue, and never call a body a form.
        lines.append("Expect:")
        if headers["content-type"] == nil { lines.append("Content-Type:") }
        if headers["user-agent"] == nil { lines.append("User-Agent: \(plan.userAgent)") }
        try easy.set(CURLOPT_HTTPHEADER, list: lines)
    }

    /// libcurl gets the transfer's address; the driver keeps the transfer alive until libcurl has let go of the handle.
    private func configureCallbacks(_ easy: EasyHandle) throws(EgressError) {
        let context = Unmanaged.passUnretained(self).toOpaque()
        try easy.set(CURLOPT_WRITEDATA, pointer: context)
        try easy.set(CURLOPT_WRITEFUNCTION, callback: TransferCallbacks.body)
        try easy.set(CURLOPT_HEADERDATA, pointer: context)
        try easy.set(CURLOPT_HEADERFUNCTION, callback: TransferCallbacks.headerLine)
        try easy.set(CURLOPT_OPENSOCKETDATA, pointer: context)
        try easy.check(amas_curl_set_open_socket(easy.raw, TransferCallbacks.openSocket))
        try easy.set(CURLOPT_PREREQDATA, pointer: context)
        try easy.check(amas_curl_set_before_request(easy.raw, TransferCallbacks.beforeRequest))
    }
}
