import Glibc

/// A process that plays a range of seeds, seen from its parent.
struct Worker {
    let process: pid_t
    /// What it says.
    let output: Int32
    private(set) var seeds: Range<UInt64>
    /// The seed that it plays at the moment.
    private(set) var current: UInt64?
    private var partial: [UInt8] = []

    /// Plays with this program's own `worker` command. Nil if no process can be started; `errno` says why.
    static func ofThisProgram(_ seeds: Range<UInt64>, _ extra: [String] = []) -> Worker? {
        let words = ["amas-sim", "worker", "--from", "\(seeds.lowerBound)", "--count", "\(seeds.count)"] + extra
        return Worker(seeds: seeds, program: "/proc/self/exe", words)
    }

    /// Nil if no process can be started; `errno` says why.
    init?(seeds: Range<UInt64>, program: String, _ words: [String]) {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var process: pid_t = 0
        // The parent reports the seed; a backtrace comes with the replay.
        setenv("SWIFT_BACKTRACE", "enable=no", 1)
        let code = posix_spawn(&process, program, &actions, nil, &arguments, environ)
        close(ends[1])
        guard code == 0 else {
            close(ends[0])
            errno = code
            return nil
        }
        self.process = process
        self.seeds = seeds
        output = ends[0]
    }

    /// What there is to read; nil at the end.
    mutating func lines() -> [String]? {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count = buffer.withUnsafeMutableBytes { read(output, $0.baseAddress, $0.count) }
        guard count > 0 else { return nil }
        partial.append(contentsOf: buffer[..<count])
        var lines: [String] = []
        while let end = partial.firstIndex(of: UInt8(ascii: "\n")) {
            lines.append(String(decoding: partial[..<end], as: UTF8.self))
            partial.removeFirst(end + 1)
        }
        return lines
    }

    mutating func begins(_ seed: UInt64) {
        current = seed
    }

    mutating func ended(_ seed: UInt64) {
        current = nil
        seeds = (seed + 1)..<max(seed + 1, seeds.upperBound)
    }

    /// Waits for its end. Returns the signal that ended it, if one did.
    func reap() -> Int32? {
        close(output)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7F
        return signal == 0 ? nil : signal
    }

    func kill() {
        Glibc.kill(process, SIGKILL)
    }
}
