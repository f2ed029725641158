import Foundation

/// Work that blocks on a disk at the start, before there is any thread of a room to do it.
enum BlockingWork {
    static func run(_ body: @escaping @Sendable () -> Void) {
        Thread(block: body).start()
    }
}
