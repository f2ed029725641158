import FoundationEssentials
import Glibc

/// What `/proc` says about this process. The parsing is apart from the reading, so that it is tested with texts.
struct ProcessStatistics: Equatable {
    var cpuSeconds: Double
    var residentBytes: Double
    var virtualBytes: Double
    var threads: Double
    /// Clock ticks between the machine's start and the process's.
    var startTicks: Double

    /// Reads `/proc/self/stat`. The command name stands in parentheses and may itself hold spaces and parentheses, so
    /// the fields are counted from the last closing one.
    init?(stat: String, ticksPerSecond: Double, pageBytes: Double) {
        guard let end = stat.lastIndex(of: ")"), ticksPerSecond > 0 else { return nil }
        let fields = stat[stat.index(after: end)...].split(whereSeparator: \.isWhitespace)
        // proc(5) numbers from 1; the state, field 3, is the first one here.
        func field(_ number: Int) -> Double? {
            number - 3 < fields.count ? Double(fields[number - 3]) : nil
        }
        guard let user = field(14), let system = field(15), let threads = field(20), let start = field(22),
            let virtual = field(23), let resident = field(24)
        else { return nil }
        cpuSeconds = (user + system) / ticksPerSecond
        residentBytes = resident * pageBytes
        virtualBytes = virtual
        self.threads = threads
        startTicks = start
    }

    static func current() -> ProcessStatistics? {
        guard let stat = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8) else { return nil }
        return ProcessStatistics(
            stat: stat, ticksPerSecond: ticksPerSecond, pageBytes: Double(sysconf(Int32(_SC_PAGESIZE))))
    }

    static var ticksPerSecond: Double { Double(sysconf(Int32(_SC_CLK_TCK))) }

    /// Seconds since 1970 at which the machine started, from the text of `/proc/stat`.
    static func bootSeconds(stat: String) -> Double? {
        for line in stat.split(separator: "\n") where line.hasPrefix("btime ") {
            return Double(line.dropFirst("btime ".count))
        }
        return nil
    }

    static func startSeconds() -> Double? {
        guard let machine = try? String(contentsOfFile: "/proc/stat", encoding: .utf8),
            let boot = bootSeconds(stat: machine), let process = current()
        else { return nil }
        return boot + process.startTicks / ticksPerSecond
    }

    static func openFileDescriptors() -> Double? {
        // One of the entries is the descriptor that lists the folder.
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")).map { Double($0.count - 1) }
    }

    /// The soft limit; infinite where there is none.
    static func maximumFileDescriptors() -> Double? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
        return limit.rlim_cur == rlim_t.max ? .infinity : Double(limit.rlim_cur)
    }
}
