import FoundationEssentials
import SwiftProtobuf

/// Looks for fields that this build does not know, at any depth. In the log they must not be skipped: a node that ignored
/// one would apply another command than its peers (`design/state.md` 1).
struct UnknownFields: Visitor {
    private(set) var found = false

    static func exist(in message: some SwiftProtobuf.Message) -> Bool {
        var finder = UnknownFields()
        do {
            try message.traverse(visitor: &finder)
        } catch {
            preconditionFailure("this visitor throws nothing: \(error)")
        }
        return finder.found
    }

    mutating func visitUnknown(bytes: Data) { found = found || !bytes.isEmpty }

    mutating func visitSingularMessageField<M: SwiftProtobuf.Message>(value: M, fieldNumber: Int) throws {
        try value.traverse(visitor: &self)
    }

    mutating func visitRepeatedMessageField<M: SwiftProtobuf.Message>(value: [M], fieldNumber: Int) throws {
        for message in value { try message.traverse(visitor: &self) }
    }

    mutating func visitRepeatedStringField(value: [String], fieldNumber: Int) {}
    mutating func visitPackedUInt32Field(value: [UInt32], fieldNumber: Int) {}
    mutating func visitSingularUInt32Field(value: UInt32, fieldNumber: Int) {}
    mutating func visitSingularFixed64Field(value: UInt64, fieldNumber: Int) {}
    mutating func visitSingularDoubleField(value: Double, fieldNumber: Int) {}
    mutating func visitSingularInt64Field(value: Int64, fieldNumber: Int) {}
    mutating func visitSingularUInt64Field(value: UInt64, fieldNumber: Int) {}
    mutating func visitSingularBoolField(value: Bool, fieldNumber: Int) {}
    mutating func visitSingularStringField(value: String, fieldNumber: Int) {}
    mutating func visitSingularBytesField(value: Data, fieldNumber: Int) {}
    mutating func visitSingularEnumField<E: Enum>(value: E, fieldNumber: Int) {}
    mutating func visitSingularGroupField<G: SwiftProtobuf.Message>(value: G, fieldNumber: Int) throws {
        try value.traverse(visitor: &self)
    }
    mutating func visitMapField<KeyType, ValueType: MapValueType>(
        fieldType: _ProtobufMap<KeyType, ValueType>.Type, value: _ProtobufMap<KeyType, ValueType>.BaseType,
        fieldNumber: Int
    ) {}
    mutating func visitMapField<KeyType, ValueType>(
        fieldType: _ProtobufEnumMap<KeyType, ValueType>.Type, value: _ProtobufEnumMap<KeyType, ValueType>.BaseType,
        fieldNumber: Int
    ) where ValueType.RawValue == Int {}
    mutating func visitMapField<KeyType, ValueType>(
        fieldType: _ProtobufMessageMap<KeyType, ValueType>.Type,
        value: _ProtobufMessageMap<KeyType, ValueType>.BaseType, fieldNumber: Int
    ) {}
}
