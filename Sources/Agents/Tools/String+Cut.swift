extension String {
    /// The longest beginning of at most `limit` bytes that ends between characters, marked where something was cut.
    func cut(toBytes limit: Int, atLine: Bool = false) -> String {
        guard utf8.count > limit else { return self }
        let mark = atLine ? "\n\n… (cut)\n" : "…"
        let room = limit - mark.utf8.count
        guard room > 0 else { return "" }
        var end = utf8.index(startIndex, offsetBy: room)
        while end > startIndex, end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
        var head = self[..<end]
        if atLine, let newline = head.lastIndex(of: "\n") { head = head[..<newline] }
        return String(head) + mark
    }
}
