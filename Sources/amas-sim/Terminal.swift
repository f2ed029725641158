import Glibc

enum Terminal {
    static func print(_ line: String) { put(line, STDOUT_FILENO) }
    /// For people.
    static func say(_ line: String) { put(line, STDERR_FILENO) }

    private static func put(_ line: String, _ descriptor: Int32) {
        var bytes = Array((line + "\n").utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count <= 0 { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
