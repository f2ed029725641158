import Glibc

/// The entries of one open folder, in the order of their bytes, so that every run sees the same order.
struct FolderListing {
    struct Entry {
        enum Kind { case folder, file, symbolicLink, special }

        /// As the file system has it, with the zero byte that ends it; it need not be UTF-8.
        var name: [CChar]
        var kind: Kind
        /// For people.
        var shown: String {
            String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    var entries: [Entry] = []
    /// The folder has more entries than were asked for.
    var isCut = false

    /// Returns nil where the operating system refuses.
    init?(of folder: borrowing OwnedDescriptor, limit: Int) {
        let copy = dup(folder.number)
        guard copy >= 0 else { return nil }
        guard let stream = fdopendir(copy) else {
            close(copy)
            return nil
        }
        defer { closedir(stream) }
        rewinddir(stream)
        while let entry = readdir(stream) {
            let name = Self.name(of: entry)
            if name == [46, 0] || name == [46, 46, 0] { continue }
            guard entries.count < limit else {
                isCut = true
                break
            }
            entries.append(Entry(name: name, kind: Self.kind(of: entry, named: name, in: folder.number)))
        }
        entries.sort { left, right in
            left.name.lexicographicallyPrecedes(right.name) { UInt8(bitPattern: $0) < UInt8(bitPattern: $1) }
        }
    }

    private static func name(of entry: UnsafeMutablePointer<dirent>) -> [CChar] {
        withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
            let characters = bytes.prefix { $0 != 0 }.map { CChar(bitPattern: $0) }
            return characters + [0]
        }
    }

    private static func kind(
        of entry: UnsafeMutablePointer<dirent>, named name: [CChar], in folder: Int32
    ) -> Entry.Kind {
        switch Int(entry.pointee.d_type) {
        case Int(DT_DIR): return .folder
        case Int(DT_REG): return .file
        case Int(DT_LNK): return .symbolicLink
        case Int(DT_UNKNOWN):
            // Some file systems do not say.
            var status = stat()
            guard fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return .special }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: return .folder
            case S_IFREG: return .file
            case S_IFLNK: return .symbolicLink
            default: return .special
            }
        default: return .special
        }
    }
}
