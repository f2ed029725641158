import CPlatform
import Glibc

/// Runs a program to its end with a bound on its time and output. Blocks: for tool threads only.
///
/// The child gets exactly the given environment, no input, no descriptor but its output, and a process group of its
/// own, which is killed whole when a bound is reached or the work is interrupted.
enum ChildProcess {
    struct Output {
        var bytes: [UInt8]
        /// The exit status, or nil where the child was killed for having written enough.
        var status: Int32?
    }

    /// How often an interrupt is asked for while the child is silent.
    private static let pollMilliseconds: Int32 = 50

    /// - Throws: `childProcess` where it does not start, is ended by a signal or runs too long; `cancelled`,
    ///   `deadlineExceeded`.
    static func run(
        _ program: String, _ arguments: [String], environment: [String], timeLimit: Duration, outputLimit: Int,
        interrupt: Interrupt
    ) throws(AgentError) -> Output {
        var ends: [Int32] = [-1, -1]
        guard amas_pipe(&ends) == 0 else { throw failure(program, SystemError.last) }
        let reading = OwnedDescriptor(ends[0])
        let child = try spawn(program, arguments, environment: environment, output: OwnedDescriptor(ends[1]))
        do throws(AgentError) {
            let started = ContinuousClock.now
            var bytes: [UInt8] = []
            let isWhole = try read(from: reading, into: &bytes, limit: outputLimit) { () throws(AgentError) in
                try interrupt.check()
                if ContinuousClock.now - started > timeLimit {
                    throw failure(program, "took longer than \(timeLimit.seconds) s")
                }
            }
            if !isWhole { kill(-child, SIGKILL) }
            let status = try wait(for: child, program: program, started: started, timeLimit: timeLimit, interrupt)
            return Output(bytes: bytes, status: isWhole ? status : nil)
        } catch {
            // The leader of the group is a zombie until it is waited for, so its number is still its own.
            kill(-child, SIGKILL)
            var ignored: Int32 = 0
            while waitpid(child, &ignored, 0) < 0, errno == EINTR {}
            throw error
        }
    }

    private static func failure(_ program: String, _ reason: String) -> AgentError {
        .childProcess(program: program.split(separator: "/").last.map(String.init) ?? program, reason: reason)
    }

    private static func spawn(
        _ program: String, _ arguments: [String], environment: [String], output: consuming OwnedDescriptor
    ) throws(AgentError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output.number, 1)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        // Other rooms' sockets and log files are not the child's business.
        amas_spawn_close_from(&actions, 3)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setpgroup(&attributes, 0)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var argumentPointers = ([program] + arguments).map { strdup($0) } + [nil]
        var environmentPointers = environment.map { strdup($0) } + [nil]
        defer { for pointer in argumentPointers + environmentPointers { free(pointer) } }
        var child: pid_t = 0
        let status = posix_spawn(&child, program, &actions, &attributes, &argumentPointers, &environmentPointers)
        guard status == 0 else { throw failure(program, SystemError.message(status)) }
        return child
    }

    /// True where the output ended by itself, false where it reached the limit.
    private static func read(
        from descriptor: borrowing OwnedDescriptor, into bytes: inout [UInt8], limit: Int,
        check: () throws(AgentError) -> Void
    ) throws(AgentError) -> Bool {
        let number = descriptor.number
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            try check()
            var waiting = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
            let ready = poll(&waiting, 1, pollMilliseconds)
            if ready == 0 || (ready < 0 && errno == EINTR) { continue }
            guard ready > 0 else { throw .childProcess(program: "pipe", reason: SystemError.last) }
            let received = Glibc.read(number, &buffer, buffer.count)
            if received < 0, errno == EINTR { continue }
            guard received > 0 else { return true }
            bytes += buffer.prefix(min(received, limit - bytes.count))
            if bytes.count >= limit { return false }
        }
    }

    /// A child may close its output and go on; its time is bounded all the same.
    private static func wait(
        for child: pid_t, program: String, started: ContinuousClock.Instant, timeLimit: Duration, _ interrupt: Interrupt
    ) throws(AgentError) -> Int32 {
        var status: Int32 = 0
        while true {
            let waited = waitpid(child, &status, WNOHANG)
            if waited == child { break }
            if waited < 0, errno != EINTR { throw failure(program, SystemError.last) }
            try interrupt.check()
            if ContinuousClock.now - started > timeLimit {
                throw failure(program, "took longer than \(timeLimit.seconds) s")
            }
            var pause = timespec(tv_sec: 0, tv_nsec: 2_000_000)
            nanosleep(&pause, nil)
        }
        // The low seven bits are the signal, the next eight the exit status.
        return status & 0x7f == 0 ? (status >> 8) & 0xff : -(status & 0x7f)
    }
}
