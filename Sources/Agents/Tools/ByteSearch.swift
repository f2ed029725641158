/// Plain search in bytes. The needles are a few bytes and the haystacks small, so the plain way is the fast one.
enum ByteSearch {
    /// The position of the first occurrence of `needle`, or nil.
    static func first(
        _ needle: [UInt8], in haystack: some RandomAccessCollection<UInt8>
    ) -> Int? {
        let found = haystack.withContiguousStorageIfAvailable { bytes -> Int? in
            guard let head = needle.first, bytes.count >= needle.count else { return nil }
            for start in 0...(bytes.count - needle.count) where bytes[start] == head {
                var index = 1
                while index < needle.count, bytes[start + index] == needle[index] { index += 1 }
                if index == needle.count { return start }
            }
            return nil
        }
        return found ?? nil
    }

    /// True where `text` occurs, byte by byte.
    static func contains(_ text: String, in haystack: some RandomAccessCollection<UInt8>) -> Bool {
        first(Array(text.utf8), in: haystack) != nil
    }
}
