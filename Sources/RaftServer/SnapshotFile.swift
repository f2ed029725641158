import CPlatform
import Glibc
import Raft

/// One open snapshot file; closed when released. Used by one thread at a time.
final class SnapshotFile: @unchecked Sendable {  // Handed from thread to thread, never shared.
    private let descriptor: Int32
    private let path: String
    private(set) var length: Int
    private var crc: UInt32 = 0
    private static let pieceBytes = 256 << 10

    init(creating path: String) throws {
        self.path = path
        descriptor = open(path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0o600)
        length = 0
        guard descriptor >= 0 else { throw SnapshotStore.Failure.io(operation: "create", path: path, errno: errno) }
    }

    init(reading path: String) throws {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SnapshotStore.Failure.io(operation: "open", path: path, errno: errno) }
        length = Int(lseek(descriptor, 0, SEEK_END))
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Appends bytes and carries the checksum on.
    func write(_ bytes: ArraySlice<UInt8>) throws {
        try bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            crc = amas_crc32c(crc, base, buffer.count)
            var done = 0
            while done < buffer.count {
                let count = Glibc.write(descriptor, base + done, buffer.count - done)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw SnapshotStore.Failure.io(operation: "write", path: path, errno: errno) }
                done += count
            }
        }
        length += bytes.count
    }

    func writeTrailer(stateLength: Int) throws {
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(UInt64(stateLength))
        try write(bytes[...])
        var checksum: [UInt8] = []
        checksum.appendLittleEndian(crc)
        try write(checksum[...])
    }

    func sync() throws {
        guard fsync(descriptor) == 0 else {
            throw SnapshotStore.Failure.io(operation: "sync", path: path, errno: errno)
        }
    }

    /// Exactly `count` bytes, or an error.
    func read(at offset: Int, count: Int) throws -> [UInt8] {
        var code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            initialized = 0
            while initialized < count, let base = buffer.baseAddress {
                let got = pread(descriptor, base + initialized, count - initialized, off_t(offset + initialized))
                if got < 0, errno == EINTR { continue }
                if got <= 0 {
                    code = got == 0 ? EIO : errno
                    return
                }
                initialized += got
            }
        }
        guard bytes.count == count else { throw SnapshotStore.Failure.io(operation: "read", path: path, errno: code) }
        return bytes
    }

    func checksum(upTo end: Int) throws -> UInt32 {
        var crc: UInt32 = 0
        var offset = 0
        while offset < end {
            let bytes = try read(at: offset, count: min(Self.pieceBytes, end - offset))
            crc = bytes.withUnsafeBytes { amas_crc32c(crc, $0.baseAddress, $0.count) }
            offset += bytes.count
        }
        return crc
    }

    static func syncFolder(_ folder: String) throws {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SnapshotStore.Failure.io(operation: "open", path: folder, errno: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else {
            throw SnapshotStore.Failure.io(operation: "sync", path: folder, errno: errno)
        }
    }
}

func sleepMilliseconds(_ milliseconds: UInt64) {
    var pause = timespec(tv_sec: Int(milliseconds / 1000), tv_nsec: Int(milliseconds % 1000) * 1_000_000)
    var rest = timespec()
    while nanosleep(&pause, &rest) != 0, errno == EINTR { pause = rest }
}
