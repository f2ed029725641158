import Glibc

/// An open file descriptor that is closed exactly once.
struct OwnedDescriptor: ~Copyable {
    let number: Int32

    init(_ number: Int32) { self.number = number }

    deinit { close(number) }

    /// Where the descriptor really leads, as the kernel sees it now.
    var realPath: String? {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let length = buffer.withUnsafeMutableBytes { bytes in
            readlink(
                "/proc/self/fd/\(number)", bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        guard length > 0, length < buffer.count else { return nil }
        return String(decoding: buffer[..<length], as: UTF8.self)
    }
}
