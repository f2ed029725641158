extension WriteAheadLogError: CustomStringConvertible {
    /// A sentence for the operator: what is wrong, where, and what to do.
    public var description: String {
        switch self {
        case .folderInUse(let folder):
            "the data folder \(folder) is in use by another process"
        case .belongsElsewhere(let file, let mismatch):
            "the data folder is not this node's: \(file) \(mismatch)"
        case .refused(let reason):
            "\(reason)"
        case .damaged(let report):
            "the log is damaged: \(report). This node must not vote any more; replace it with a new one, "
                + "do not wipe its data folder"
        case .unknownFormatVersion(let file, let version):
            "\(file) has format version \(version), which only a newer program can read; upgrade this one"
        case .payloadTooLarge(let bytes, let maximum):
            "an entry of \(bytes) bytes is larger than the log takes (\(maximum))"
        case .noSpace(let error):
            "no space is left for the log: \(error)"
        case .failed(let error):
            "the disk failed: \(error)"
        }
    }
}

extension OwnerMismatch: CustomStringConvertible {
    public var description: String {
        switch self {
        case .cluster(let expected, let found): "belongs to cluster \(found), this node to cluster \(expected)"
        case .node(let expected, let found): "belongs to node \(found), this is node \(expected)"
        case .group(let expected, let found): "holds group \(found), expected is group \(expected)"
        case .incarnation(let expected, let found):
            "was made under incarnation \(found), the identity says \(expected)"
        }
    }
}

extension RefusedFolder: CustomStringConvertible {
    public var description: String {
        switch self {
        case .empty(let folder):
            "the data folder \(folder) is empty: a node that lost its own must be replaced, not given a new one; "
                + "only of a node that never ran it is made, by `amas init`"
        case .logWithoutIdentity(let folder):
            "the data folder \(folder) has a log but no identity: it is not whole; replace the node"
        case .identityWithoutLog(let folder):
            "the data folder \(folder) has an identity but no log: it is not whole; replace the node"
        }
    }
}

extension DamageReport: CustomStringConvertible {
    public var description: String {
        "\(file) at byte \(offset): \(reason)"
    }
}

extension DamageReport.Reason: CustomStringConvertible {
    public var description: String {
        switch self {
        case .wrongFileSize(let expected, let found): "the file has \(found) bytes instead of \(expected)"
        case .badChecksum: "the checksum is wrong"
        case .inconsistent(let what): what
        case .missingBytes: "bytes that were synced are gone"
        case .missingSegment(let sequence): "segment \(sequence) is gone"
        }
    }
}
