extension Language {
    /// The language of a file by its name, then by its first line, then, for C headers, by its words.
    static func detect(path: String, bytes: [UInt8]) -> Language {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        if let known = byFilename[name.lowercased()] { return known }
        if name.hasPrefix("Dockerfile") || name.hasSuffix(".Dockerfile") { return .dockerfile }
        if name.hasPrefix(".env") { return .ini }
        if let dot = name.lastIndex(of: "."), dot != name.startIndex {
            let suffix = name[name.index(after: dot)...].lowercased()
            if suffix == "h" { return looksLikeCpp(bytes) ? .cpp : .c }
            if let known = byExtension[suffix] { return known }
        }
        return byFirstLine(bytes) ?? .text
    }

    /// The most likely language of code without a name: the one whose telling words are met most often.
    static func guess(from bytes: [UInt8]) -> Language? {
        if let known = byFirstLine(bytes) { return known }
        let sample = bytes.prefix(16_384)
        var best: (language: Language, score: Int)?
        for (language, words) in tellingWords {
            let score = words.count { ByteSearch.contains($0, in: sample) }
            if score > 0, score > best?.score ?? 0 { best = (language, score) }
        }
        return best?.language
    }

    private static func byFirstLine(_ bytes: [UInt8]) -> Language? {
        guard bytes.starts(with: [Ascii.hash, 33]) else { return nil }
        let line = String(decoding: bytes.prefix(128).prefix { $0 != Ascii.newline }, as: UTF8.self)
        let interpreters: [(String, Language)] = [
            ("python", .python), ("node", .javascript), ("ruby", .ruby), ("perl", .perl), ("php", .php), ("lua", .lua),
            ("swift", .swift), ("Rscript", .r), ("sh", .shell),
        ]
        return interpreters.first { line.contains($0.0) }?.1
    }

    private static func looksLikeCpp(_ bytes: [UInt8]) -> Bool {
        let sample = bytes.prefix(65_536)
        return ["namespace ", "template<", "template <", "std::", "public:", "private:"].contains {
            ByteSearch.contains($0, in: sample)
        }
    }

    /// Ordered: of two languages with the same score the first wins.
    private static let tellingWords: [(Language, [String])] = [
        (.swift, ["func ", "let ", "var ", "import Foundation", " -> ", "guard ", "init(", "try?", "??"]),
        (.python, ["def ", "import ", "self.", "elif ", "None", "print(", "__name__", "):\n", "except"]),
        (.typescript, ["interface ", ": string", ": number", "const ", "=> ", "export ", "===", "private "]),
        (.javascript, ["function ", "const ", "=> ", "require(", "===", "var ", "console.", "let "]),
        (.go, ["package ", "func ", ":= ", "import (", "err != nil", "fmt.", "defer ", "chan "]),
        (.rust, ["fn ", "let mut ", "impl ", "pub ", "::", "match ", "-> ", "&self", "println!"]),
        (.java, ["public class ", "import java", "public static void", "private ", "new ", "System.out", "@Override"]),
        (.cpp, ["#include <", "std::", "namespace ", "template", "cout", "::", "nullptr"]),
        (.c, ["#include <", "#include \"", "int main(", "printf(", "char *", "->", "malloc(", "sizeof"]),
        (.php, ["<?php", "$this->", "echo ", "function ", "=> "]),
        (.ruby, ["def ", "end\n", "require '", "puts ", " do |", "@"]),
        (.shell, ["fi\n", "then\n", "echo ", "esac", "${", "done"]),
        (.sql, ["SELECT ", "INSERT INTO ", "CREATE TABLE ", " FROM ", " WHERE "]),
    ]
}
