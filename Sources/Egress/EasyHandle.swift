import CCurl

/// One libcurl easy handle and the memory that libcurl reads while a transfer runs. Confined to libcurl's thread.
final class EasyHandle {
    let raw: UnsafeMutableRawPointer
    /// Filled by libcurl with a sentence about the failure.
    private let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    private var lists: [UnsafeMutablePointer<curl_slist>] = []

    init?() {
        guard let handle = curl_easy_init() else {
            errorText.deallocate()
            return nil
        }
        raw = handle
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        curl_easy_cleanup(raw)
        releaseLists()
        errorText.deallocate()
    }

    /// Back to the defaults, for the next transfer. Connections and TLS sessions stay with the multi handle.
    func reset() {
        curl_easy_reset(raw)
        releaseLists()
        errorText[0] = 0
    }

    /// What went wrong, in libcurl's words.
    func failureText(_ code: CURLcode) -> String {
        errorText[0] == 0 ? String(cString: curl_easy_strerror(code)) : String(cString: errorText)
    }

    func collectFailureText() throws(EgressError) {
        try check(amas_curl_set_pointer(raw, CURLOPT_ERRORBUFFER, errorText))
    }

    func set(_ option: CURLoption, _ value: Int) throws(EgressError) {
        try check(amas_curl_set_long(raw, option, value))
    }

    /// libcurl copies the text.
    func set(_ option: CURLoption, _ value: String?) throws(EgressError) {
        if let value {
            try check(value.withCString { amas_curl_set_string(raw, option, $0) })
        } else {
            try check(amas_curl_set_string(raw, option, nil))
        }
    }

    func set(_ option: CURLoption, pointer: UnsafeMutableRawPointer?) throws(EgressError) {
        try check(amas_curl_set_pointer(raw, option, pointer))
    }

    func set(_ option: CURLoption, callback: amas_curl_data_callback) throws(EgressError) {
        try check(amas_curl_set_callback(raw, option, callback))
    }

    func set(_ option: CURLoption, list texts: [String]) throws(EgressError) {
        var list: UnsafeMutablePointer<curl_slist>?
        for text in texts {
            guard let longer = curl_slist_append(list, text) else {
                curl_slist_free_all(list)
                throw .invalidRequest("out of memory")
            }
            list = longer
        }
        guard let list else { return }
        lists.append(list)
        try check(amas_curl_set_list(raw, option, list))
    }

    /// libcurl copies the bytes.
    func setBody(_ bytes: [UInt8]) throws(EgressError) {
        try check(amas_curl_set_offset(raw, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(bytes.count)))
        let code = bytes.withUnsafeBytes { buffer in
            // An empty array may have no address, which libcurl would read as "no body set".
            buffer.baseAddress.map {
                amas_curl_set_pointer(raw, CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: $0))
            }
                ?? "".withCString { amas_curl_set_string(raw, CURLOPT_COPYPOSTFIELDS, $0) }
        }
        try check(code)
    }

    /// An option that libcurl refuses is never ignored: it could be the one that verifies a certificate.
    func check(_ code: CURLcode) throws(EgressError) {
        guard code == CURLE_OK else {
            throw .invalidRequest("libcurl refuses an option: \(String(cString: curl_easy_strerror(code)))")
        }
    }

    private func releaseLists() {
        for list in lists { curl_slist_free_all(list) }
        lists = []
    }
}
