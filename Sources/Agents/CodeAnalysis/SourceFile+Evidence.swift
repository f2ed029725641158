extension SourceFile {
    /// How far around the shown text secrets are looked for, so that none is shown for being cut in two.
    private static let maskingMargin = 4_096

    /// The line that holds a byte, without its indentation, secrets masked, cut to `limit` bytes around that byte.
    func evidence(at offset: Int, limit: Int) -> String {
        guard !bytes.isEmpty else { return "" }
        let line = lineBytes(line(at: offset))
        var shown = line.drop { Ascii.isSpace($0) }
        while let last = shown.last, Ascii.isSpace(last) { shown.removeLast() }
        var isCut = (before: false, after: false)
        if shown.count > limit {
            let start = max(shown.startIndex, min(offset - limit / 4, shown.endIndex - limit))
            let end = min(shown.endIndex, start + limit)
            isCut = (start > shown.startIndex, end < shown.endIndex)
            shown = shown[start..<end]
        }
        let wide =
            max(
                line.startIndex, shown.startIndex - Self.maskingMargin)..<min(
                line.endIndex, shown.endIndex + Self.maskingMargin)
        let secrets = SecretScanner.secrets(in: bytes, range: wide, unquotedValues: language.isConfiguration)
        let text = SecretScanner.masked(bytes, range: shown.startIndex..<shown.endIndex, secrets: secrets)
        return ((isCut.before ? "…" : "") + text).cut(toBytes: limit + 32) + (isCut.after ? "…" : "")
    }
}
