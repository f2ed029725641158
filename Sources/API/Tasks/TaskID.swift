import Telemetry

/// Ids of new tasks: `task_`, then 26 characters that sort by time (48 bits of milliseconds, 80 random bits, five bits
/// to a character), so that neighbours in time are neighbours in PostgreSQL's indexes.
enum TaskID {
    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    static func make(at time: WallTime, using random: inout some RandomNumberGenerator) -> String {
        let milliseconds = UInt64(clamping: time.microsecondsSince1970 / 1000) & (1 << 48 - 1)
        let chance: UInt64 = random.next()
        var high = milliseconds << 16 | random.next() & 0xFFFF
        var low = chance
        var characters = [UInt8](repeating: 0, count: 26)
        for place in (0..<26).reversed() {
            characters[place] = alphabet[Int(low & 31)]
            low = low >> 5 | high << 59
            high >>= 5
        }
        return "task_" + String(decoding: characters, as: UTF8.self)
    }
}
