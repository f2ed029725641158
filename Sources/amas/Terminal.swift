import Glibc

/// Results go to the standard output, everything said about them to the standard error.
enum Terminal {
    static func output(_ text: String) { write(printable(text) + "\n", to: STDOUT_FILENO) }
    static func error(_ text: String) { write(printable(text) + "\n", to: STDERR_FILENO) }

    /// Replaces the last line of the standard error where a person watches it.
    static func progress(_ text: String) {
        guard isatty(STDERR_FILENO) == 1 else { return }
        write("\r\u{1B}[K" + printable(text), to: STDERR_FILENO)
    }

    /// What others have written, such as a task's title, must not move the cursor or pass itself off as our own words.
    static func printable(_ text: String) -> String {
        let isClean = text.unicodeScalars.allSatisfy { !isControl($0) }
        return isClean
            ? text : String(String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? "\u{FFFD}" : $0 }))
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A: false
        // C0, DEL and C1; what turns the direction of writing around.
        case ..<0x20, 0x7F..<0xA0, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }

    /// Columns wide enough for their longest cell, two spaces apart. A cell is one line.
    static func table(_ rows: [[String]]) -> String {
        let rows = rows.map { $0.map { String($0.map { $0.isNewline || $0 == "\t" ? " " : $0 }) } }
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                line += cell
                if column + 1 < row.count { line += String(repeating: " ", count: widths[column] - cell.count + 2) }
            }
            return line
        }.joined(separator: "\n")
    }
}
