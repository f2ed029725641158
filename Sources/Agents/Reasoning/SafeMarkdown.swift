/// Text from outside, made harmless inside Markdown.
enum SafeMarkdown {
    /// Plain text on one line: signs with a meaning in Markdown or HTML lose it.
    static func text(_ text: String) -> String {
        var safe = ""
        safe.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n", "\r", "\t", "\u{2028}", "\u{2029}": safe += " "
            case "<": safe += "&lt;"
            case ">": safe += "&gt;"
            case "&": safe += "&amp;"
            case "\\", "`", "*", "[", "]", "|", "~": safe += "\\\(scalar)"
            default: if !isControl(scalar) { safe.unicodeScalars.append(scalar) }
            }
        }
        return safe
    }

    /// Text in code marks, on one line, also where it contains code marks itself.
    static func code(_ text: String) -> String {
        var inner = ""
        var run = 0
        var longest = 0
        for scalar in text.unicodeScalars where !isControl(scalar) || scalar == "\t" {
            run = scalar == "`" ? run + 1 : 0
            longest = max(longest, run)
            inner.unicodeScalars.append(scalar == "\t" ? " " : scalar)
        }
        let fence = String(repeating: "`", count: longest + 1)
        let pad = inner.hasPrefix("`") || inner.hasSuffix("`") ? " " : ""
        return inner.isEmpty ? "``` ```" : fence + pad + inner + pad + fence
    }

    /// A model's Markdown without what a viewer would run or fetch: HTML, images, and links that are no web addresses.
    static func sanitised(_ markdown: String) -> String {
        var isInFence = false
        let lines = markdown.split(separator: "\n", omittingEmptySubsequences: false).map { line -> String in
            let isFence = line.trimmed.hasPrefix("```") || line.trimmed.hasPrefix("~~~")
            if isFence { isInFence.toggle() }
            let visible = String(String.UnicodeScalarView(line.unicodeScalars.filter { !isControl($0) || $0 == "\t" }))
            return isInFence || isFence ? visible : sanitisedLine(visible)
        }
        return lines.joined(separator: "\n")
    }

    private static func sanitisedLine(_ line: String) -> String {
        var parts = line.split(separator: "`", omittingEmptySubsequences: false).map(String.init)
        // Every second part stands in code marks, unless the last one was never closed.
        for index in parts.indices where index.isMultiple(of: 2) || (index == parts.count - 1) {
            parts[index] = parts[index].replacing("<", with: "&lt;").replacing("![", with: "!\\[")
            for scheme in ["javascript:", "data:", "vbscript:", "file:"] {
                parts[index] = removing(scheme, from: parts[index])
            }
        }
        return parts.joined(separator: "`")
    }

    /// Takes the link away from `](scheme:`, however it is spelt.
    private static func removing(_ scheme: String, from text: String) -> String {
        let bytes = Array(text.utf8)
        let lowercased = bytes.map(Ascii.lowercased)
        guard ByteSearch.contains(scheme, in: lowercased) else { return text }
        var kept: [UInt8] = []
        var position = 0
        let mark = Array(scheme.utf8)
        while position < bytes.count {
            if lowercased[position...].starts(with: mark) {
                kept += Array("removed:".utf8)
                position += mark.count
            } else {
                kept.append(bytes[position])
                position += 1
            }
        }
        return String(decoding: kept, as: UTF8.self)
    }

    /// Control characters, and those that turn the direction of writing around.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<32, 127..<160, 0x200E...0x200F, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
