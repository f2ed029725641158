import Testing

@testable import Agents

@Suite("JSON values")
struct JSONValueTests {
    @Test("what is written is read back, whole numbers staying whole")
    func roundTrip() throws {
        let value: JSONValue = ["a": [1, 2.5, true, nil, "x/y"], "b": ["c": -3]]
        let bytes = try AgentJSON.encode(value)
        #expect(String(decoding: bytes, as: UTF8.self) == #"{"a":[1,2.5,true,null,"x/y"],"b":{"c":-3}}"#)
        #expect(try AgentJSON.decode(JSONValue.self, from: bytes) == value)
    }
}
