import Foundation
import Glibc

/// A folder that is gone after the test.
struct TemporaryFolder: ~Copyable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "amas-certificates-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var files: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }
}

/// Runs the `openssl` command: another implementation's opinion of what we wrote.
///
/// Not by `Foundation.Process`, which waits for the end of a socket that the child processes of exit tests inherit.
func openssl(_ arguments: String...) throws -> (status: CInt, output: String) {
    struct SpawnFailed: Error {}
    let log = NSTemporaryDirectory() + "amas-openssl-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: log) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    var words: [UnsafeMutablePointer<CChar>?] = (["openssl"] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var child: pid_t = 0
    guard posix_spawnp(&child, "openssl", &actions, nil, &words, environ) == 0 else { throw SpawnFailed() }
    var status: CInt = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
    return (status, String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self))
}

func mode(_ path: String) -> mode_t {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
}
