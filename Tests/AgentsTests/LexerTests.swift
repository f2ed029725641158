import Testing

@testable import Agents

@Suite("Lexer")
struct LexerTests {
    /// The kinds and texts of all tokens, one letter a kind.
    private func tokens(_ path: String, _ text: String) -> [String] {
        let source = file(path, text)
        return source.tokens.map { token in
            let letter =
                switch token.kind {
                case .name: "n"
                case .number: "0"
                case .string: "s"
                case .interpolation: "i"
                case .pattern: "p"
                case .comment: "c"
                case .sign: "."
                case .directive: "#"
                }
            return letter + ":" + source.text(token)
        }
    }

    @Test(
        "strings keep what looks like code or comment",
        arguments: [
            (
                "a.swift", ##"f("// no", #"a"b"#, 1)"##,
                ["n:f", ".:(", "s:\"// no\"", ".:,", "s:#\"a\"b\"#", ".:,", "0:1", ".:)"]
            ),
            ("a.swift", #"x = "a \(f("}")) b""#, ["n:x", ".:=", #"i:"a \(f("}")) b""#]),
            ("a.swift", "\"\"\"\n\"x\" {\n\"\"\" y", ["s:\"\"\"\n\"x\" {\n\"\"\"", "n:y"]),
            ("a.swift", "/* a /* b */ c */ d", ["c:/* a /* b */ c */", "n:d"]),
            ("a.swift", "a / b / c", ["n:a", ".:/", "n:b", ".:/", "n:c"]),
            ("a.py", "x = 'it''s' # no", ["n:x", ".:=", "s:'it'", "s:'s'", "c:# no"]),
            ("a.py", "rb'\\'' f'{a}' f''", ["s:rb'\\''", "i:f'{a}'", "s:f''"]),
            ("a.py", "\"\"\"a\n# no\n\"\"\"", ["s:\"\"\"a\n# no\n\"\"\""]),
            (
                "a.js", "a = /[/]\"/g.test(b) / 2",
                ["n:a", ".:=", "p:/[/]\"/g", ".:.", "n:test", ".:(", "n:b", ".:)", ".:/", "0:2"]
            ),
            ("a.ts", "`a ${`b ${c}`} }` + d", ["i:`a ${`b ${c}`} }`", ".:+", "n:d"]),
            ("a.go", "`raw \\` + '\\''", ["s:`raw \\`", ".:+", "s:'\\''"]),
            (
                "a.rs", "fn f<'a>(c: &'a str) { r#\"\"x\"\"#; '\\'' ; b'x' }",
                [
                    "n:fn", "n:f", ".:<", ".:'a", ".:>", ".:(", "n:c", ".::", ".:&", ".:'a", "n:str", ".:)", ".:{",
                    "s:r#\"\"x\"\"#",
                    ".:;", "s:'\\''", ".:;", "s:b'x'", ".:}",
                ]
            ),
            ("a.cpp", "R\"x(a)\" )x\" 1'000 L\"w\"", ["s:R\"x(a)\" )x\"", "0:1'000", "s:L\"w\""]),
            ("a.c", "#define A \\\n  '\"'\nint x; // c", ["#:#define A \\\n  '\"'", "n:int", "n:x", ".:;", "c:// c"]),
            ("a.sh", "echo ${#a} # c", ["n:echo", ".:$", ".:{", ".:#", "n:a", ".:}", "c:# c"]),
        ] as [(String, String, [String])])
    func literals(path: String, text: String, expected: [String]) {
        #expect(tokens(path, text) == expected)
    }

    @Test("any bytes in any language give ordered tokens inside the file, and lines add up")
    func anyBytes() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(seed: seed)
        let pieces = [
            "\"", "'", "`", "/*", "*/", "//", "#", "\\", "\n", "{", "}", "(", ")", "${", "\\(", "#\"", "\"#", "r#\"",
            "R\"x(", "<!--", "-->", "\"\"\"", "a", "func", "1", " ", "\r\n", "é", "--[[", "]]", "@\"", "$\"", "#if",
            "#else", "#endif", "/", "[",
        ]
        for language in Language.allCases {
            for _ in 0..<30 {
                var bytes: [UInt8] = []
                for _ in 0..<Int.random(in: 0...120, using: &generator) {
                    if Int.random(in: 0..<8, using: &generator) == 0 {
                        bytes.append(UInt8.random(in: 0...255, using: &generator))
                    } else {
                        bytes += Array((pieces.randomElement(using: &generator) ?? "").utf8)
                    }
                }
                let source = SourceFile(path: "x", bytes: bytes, language: language)
                var end = 0
                for token in source.tokens {
                    #expect(token.start >= end && token.end > token.start, "seed \(seed), \(language)")
                    end = token.end
                }
                #expect(end <= bytes.count, "seed \(seed), \(language)")
                #expect(source.lines.total == source.lineStarts.count, "seed \(seed), \(language)")
                _ = FunctionFinder.functions(in: source)
                _ = CallRules.matches(in: CodeView(source))
            }
        }
    }

    @Test(
        "a line made to be read again and again is read in linear time", .serialized, .timeLimit(.minutes(2)),
        arguments: [
            "/[", "r#", "#", "a(", "(a", "{", "'", "\"\\(", "`${", "f(/a", "x?", "/*", "new a.", "fn a<", "func a<",
        ])
    func adversarial(piece: String) {
        // Quadratic work on these bytes would take minutes and run into the time limit.
        let bytes = Array(String(repeating: piece, count: 30_000 / piece.utf8.count).utf8)
        for language in [Language.swift, .javascript, .typescript, .rust, .cpp, .java, .go, .python] {
            let source = SourceFile(path: "x", bytes: bytes, language: language)
            _ = FunctionFinder.functions(in: source)
        }
    }

    @Test(
        "lines are code, comment or blank",
        arguments: [
            ("a.swift", "import X\n\n// c\nlet a = 1 // d\n/* e\n\nf */\n", 2, 4, 1),
            ("a.py", "\"\"\"doc\nmore\"\"\"\n# c\n\nx = 1\n", 3, 1, 1),
            ("a.md", "# Title\n\nText\n", 2, 0, 1),
            ("a.html", "<p>don't</p>\n<!-- c -->\n", 1, 1, 0),
            ("a.yaml", "a: 1 # c\n# d\nb: it's\n", 2, 1, 0),
            ("empty.c", "", 0, 0, 0),
        ])
    func lines(path: String, text: String, code: Int, comment: Int, blank: Int) {
        let lines = file(path, text).lines
        #expect((lines.code, lines.comment, lines.blank) == (code, comment, blank))
    }
}

@Suite("Languages")
struct LanguageTests {
    @Test(
        "files are told apart by name, first line and, for headers, words",
        arguments: [
            ("a/B.swift", "", Language.swift), ("Dockerfile", "", .dockerfile), ("x/Makefile", "", .makefile),
            ("run", "#!/usr/bin/env python3\n", .python), ("run", "#!/bin/sh\n", .shell), ("a.h", "int f(void);", .c),
            ("a.h", "namespace x { }", .cpp), ("a.TSX", "", .typescript), ("notes", "hello", .text),
            (".env.local", "", .ini),
            (".hidden", "", .text),
        ] as [(String, String, Language)])
    func detection(path: String, text: String, expected: Language) {
        #expect(file(path, text).language == expected)
    }

    @Test(
        "code without a name is recognised",
        arguments: [
            ("def f(self):\n    return None\n", Language.python),
            ("func f() -> Int {\n    guard let x = y else { return 0 }\n}\n", .swift),
            ("package main\nfunc f() { x := 1; if err != nil {} }\n", .go),
            ("fn f(x: &str) -> u8 { let mut y = 0; match x {} }\n", .rust),
            ("#include <stdio.h>\nint main(void) { printf(\"x\"); }\n", .c),
            ("const f = (x) => { console.log(x === 1) }\n", .javascript),
        ] as [(String, Language)])
    func guess(text: String, expected: Language) {
        #expect(Language.guess(from: Array(text.utf8)) == expected)
    }

    @Test("every name that the input takes is a language")
    func inputNames() {
        for name in Language.inputNames { #expect(Language(name: name) != nil, "\(name)") }
        #expect(Language(name: "klingon") == nil)
        #expect(Language.swift.exampleFilename == "code.swift")
    }
}
