import CCurl

/// The C functions that libcurl calls, each on libcurl's thread, each passing on to the transfer.
enum TransferCallbacks {
    static let body: amas_curl_data_callback = { pointer, size, count, context in
        guard let context else { return 0 }
        let bytes = UnsafeRawBufferPointer(start: pointer, count: size * count)
        switch transfer(context).receive(body: bytes) {
        case .taken: return bytes.count
        case .held: return Int(CURL_WRITEFUNC_PAUSE)
        // Fewer bytes than given means failure; one more is "fewer" too, and differs from a count of zero.
        case .stopped: return bytes.count + 1
        }
    }

    static let headerLine: amas_curl_data_callback = { pointer, size, count, context in
        guard let context else { return 0 }
        let line = UnsafeRawBufferPointer(start: pointer, count: size * count)
        return transfer(context).receive(headerLine: line) ? line.count : line.count + 1
    }

    static let openSocket:
        @convention(c) (UnsafeMutableRawPointer?, curlsocktype, UnsafeMutablePointer<curl_sockaddr>?) -> curl_socket_t =
            {
                context, _, address in
                guard let context, let address else { return -1 }
                return transfer(context).openSocket(address)
            }

    static let beforeRequest:
        @convention(c) (
            UnsafeMutableRawPointer?, UnsafeMutablePointer<CChar>?, UnsafeMutablePointer<CChar>?, Int32, Int32
        ) -> Int32 = {
            context, peer, _, _, _ in
            guard let context, let peer else { return CURL_PREREQFUNC_ABORT }
            return transfer(context).mayRequest(from: String(cString: peer))
                ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
        }

    private static func transfer(_ context: UnsafeMutableRawPointer) -> Transfer {
        Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
    }
}
