import Testing

@testable import API

@Suite("JSON")
struct JSONTests {
    private func reason(_ text: String, _ limits: JSONLimits = JSONLimits()) -> JSONError.Reason? {
        reason(Array(text.utf8), limits)
    }

    private func reason(_ bytes: [UInt8], _ limits: JSONLimits = JSONLimits()) -> JSONError.Reason? {
        do throws(JSONError) {
            _ = try JSONReader.read(bytes, limits: limits)
            return nil
        } catch {
            return error.reason
        }
    }

    @Test(
        "what the grammar allows is read",
        arguments: [
            "null", " true ", "false", "0", "-0", "10", "-1.5", "1e3", "1E+3", "1.25e-2", "9223372036854775807",
            "123456789012345678901234567890", "\"\"", "\"a\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\u00e9\"",
            "\"\\ud83d\\ude00\"", "\"\u{7f}\"", "\"é😀\"", "[]", "[1]", "[ 1 , [ ] , { } ]", "{}", "{\"a\":1}",
            "{ \"a\" : { \"b\" : [ 1 , 2 ] } , \"c\" : null }", "\t\n\r 1 \t\n\r", "[[[[[[]]]]]]", "{\"\":0}",
        ])
    func accepts(_ text: String) {
        #expect(reason(text) == nil)
    }

    @Test(
        "what the grammar does not allow is refused",
        arguments: [
            "", " ", "nul", "nulll", "True", "01", "-", "+1", "1.", ".5", "1e", "1e+", "1.e3", "--1", "0x1", "1_000",
            "Infinity", "NaN", "\"", "\"\\x\"", "\"\\u12\"", "\"\\u123g\"", "\"\u{1}\"", "\"\t\"", "\"\n\"", "'a'",
            "[", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1,,2]", "{", "}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}",
            "{a:1}", "{1:1}", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "{,}", "1 2", "[] []", "[1}", "{\"a\":1]", "//1",
            "1 //",
            "\u{feff}1", "[1]x", "-01", "1e5.5", "\"\\ud83d\"", "\"\\ude00\"", "\"\\ud83dx\"", "\"\\ud83d\\u0041\"",
        ])
    func refuses(_ text: String) {
        #expect(reason(text) != nil)
    }

    @Test("values have the right type and place")
    func values() throws {
        let text = #"{"a": -12, "b": 1.5, "c": "x\u00e9\ud83d\ude00", "d": [true, null]}"#
        let node = try JSONReader.read(Array(text.utf8))
        #expect(node["a"]?.integer == -12)
        guard case .number(1.5)? = node["b"]?.value else { throw JSONError(reason: .invalidNumber, offset: 0) }
        #expect(node["c"]?.stringValue == "xé😀")
        #expect(node["d"]?.array?.count == 2)
        let range = try #require(node["d"]?.range)
        #expect(String(decoding: Array(text.utf8)[range], as: UTF8.self) == "[true, null]")
    }

    @Test("a name occurs once in an object, however many there are")
    func duplicates() {
        #expect(reason(#"{"a":1,"b":2,"a":3}"#) == .duplicateName("a"))
        let many = (0..<100).map { "\"n\($0)\":0" }.joined(separator: ",")
        #expect(reason("{\(many)}") == nil)
        #expect(reason("{\(many),\"n37\":1}") == .duplicateName("n37"))
        #expect(reason(#"{"a":1,"\u0061":2}"#) == .duplicateName("a"))
    }

    @Test("depth, strings and values have limits, and what is just within is read")
    func limits() {
        let limits = JSONLimits(depth: 4, stringBytes: 8, values: 6)
        #expect(reason("[[[[]]]]", limits) == nil)
        #expect(reason("[[[[[]]]]]", limits) == .tooDeep(limit: 4))
        #expect(reason("\"12345678\"", limits) == nil)
        #expect(reason("\"123456789\"", limits) == .stringTooLong(limitBytes: 8))
        #expect(reason(#""\u00e9\u00e9\u00e9\u00e9""#, limits) == nil)
        #expect(reason(#""\u00e9\u00e9\u00e9\u00e9a""#, limits) == .stringTooLong(limitBytes: 8))
        #expect(reason("[1,2,3,4,5]", limits) == nil)
        #expect(reason("[1,2,3,4,5,6]", limits) == .tooManyValues(limit: 6))
        #expect(reason(String(repeating: "[", count: 100_000)) == .tooDeep(limit: 64))
    }

    @Test("strings are UTF-8 without U+0000, and numbers fit")
    func content() {
        #expect(reason([0x22, 0xFF, 0x22]) == .invalidUTF8)
        #expect(reason([0x22, 0xC0, 0x80, 0x22]) == .invalidUTF8)
        #expect(reason([0x22, 0xED, 0xA0, 0x80, 0x22]) == .invalidUTF8)
        #expect(reason(#""\u0000""#) == .nulCharacter)
        #expect(reason("1e400") == .numberOutOfRange)
        #expect(reason("1e-400") == nil)
    }

    @Test("what the writer writes, the reader reads back")
    func roundTrip() throws {
        let texts = [
            "", "plain", "\"\\/\u{8}\u{c}\n\r\t\u{1}\u{1f}\u{7f}", "é😀\u{2028}", String(repeating: "ab\n", count: 500),
        ]
        let bytes = JSONWriter.document { json in
            json.object { json in
                json.name("texts")
                json.array(of: texts) { $0.string($1) }
                json.field("integer", Int64.min)
                json.field("money", decimal: 1_234_500, digits: 6)
                json.field("nothing", decimal: 0, digits: 6)
                json.field("small", decimal: 7, digits: 6)
                json.name("number")
                json.number(0.1)
                json.name("infinite")
                json.number(.infinity)
                json.field("raw", raw: Array("[1]".utf8))
            }
        }
        let node = try JSONReader.read(bytes)
        #expect(node["texts"]?.array?.map(\.stringValue) == texts)
        #expect(node["integer"]?.integer == .min)
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.contains(#""money":1.2345,"nothing":0,"small":0.000007,"number":0.1,"infinite":null,"raw":[1]}"#))
    }

    @Test("no bytes make the reader fall over, and what it takes it takes again")
    func fuzz() throws {
        var random = SplitMix(seed: 0x5EED)
        let seeds = [
            #"{"title":"é😀\n","parameters":{"a":[1,-2.5e3,true,null,{"b":"\ud83d\ude00"}]},"x":[[],{}]}"#,
            #"[0,1,2,"\u0041",{"a":{"b":{"c":[]}}}]"#,
        ]
        var taken = 0
        for _ in 0..<20_000 {
            var bytes = Array(seeds[Int(random.next() % 2)].utf8)
            for _ in 0...(random.next() % 4) {
                let place = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 3 {
                case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes.remove(at: place)
                default: bytes.insert(Array("{}[]\",:\\u0e-1 ".utf8)[Int(random.next() % 14)], at: place)
                }
            }
            guard let node = try? JSONReader.read(bytes) else { continue }
            taken += 1
            let again = JSONWriter.document { $0.node(node) }
            let second = try JSONReader.read(again)
            #expect(
                JSONWriter.document { $0.node(second) } == again,
                "seed 0x5EED: \(String(decoding: bytes, as: UTF8.self))")
        }
        #expect(taken > 1000)
    }
}

extension JSONWriter {
    mutating func node(_ node: JSONNode) {
        switch node.value {
        case .null: null()
        case .bool(let flag): bool(flag)
        case .integer(let number): integer(number)
        case .number(let number): self.number(number)
        case .string(let text): string(text)
        case .array(let elements): array(of: elements) { $0.node($1) }
        case .object(let members):
            object { json in
                for member in members {
                    json.name(member.name)
                    json.node(member.value)
                }
            }
        }
    }
}

/// A small reproducible generator.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
