extension NodeIdentity {
    static let fileName = "identity"
    private static let temporaryName = "identity.new"
    private static let magic: StaticString = "AMASNODE"

    /// The identity in a folder, for those who only look; nil if there is none.
    public static func read(from storage: any LogStorage) throws(WriteAheadLogError) -> NodeIdentity? {
        let file: any LogFile
        do {
            file = try storage.open(fileName)
        } catch {
            guard error.isMissingFile else { throw .failed(error) }
            return nil
        }
        func damage(_ reason: DamageReport.Reason) -> WriteAheadLogError {
            .damaged(DamageReport(file: fileName, offset: 0, reason: reason))
        }
        guard let bytes = try LabelSector.bytes(of: file) else { throw damage(.missingBytes) }
        switch LabelSector.read(bytes, magic: magic) {
        case .blank: throw damage(.missingBytes)
        case .damaged: throw damage(.badChecksum)
        case .newerVersion(let version): throw .unknownFormatVersion(file: fileName, version: version)
        case .label(let label):
            guard let identity = NodeIdentity(label) else { throw damage(.inconsistent("a bad cluster id")) }
            return identity
        }
    }

    /// Whether `owner` may use the folder; makes the identity of an empty one, not started yet (`boot` 0).
    ///
    /// A crash while a folder is made leaves an identity that was never started, with or without a log: that one may be
    /// finished. An identity that was started had a log, so without it the folder is not whole.
    static func admit(
        to storage: any LogStorage, owner: LogOwner, hasLog: Bool, whenEmpty: DurableLog.WhenEmpty
    ) throws(WriteAheadLogError) -> NodeIdentity {
        if var identity = try read(from: storage) {
            let found = LogOwner(clusterID: identity.clusterID, nodeID: identity.nodeID, group: owner.group)
            if let mismatch = OwnerMismatch.between(owner, found) {
                throw .belongsElsewhere(file: fileName, mismatch: mismatch)
            }
            if hasLog { return identity }
            guard identity.boot == 0 else { throw .refused(.identityWithoutLog(folder: storage.folder)) }
            guard case .format(_, let joins) = whenEmpty else { throw .refused(.empty(folder: storage.folder)) }
            identity.joins = joins
            return identity
        }
        if hasLog { throw .refused(.logWithoutIdentity(folder: storage.folder)) }
        switch whenEmpty {
        case .refuse:
            throw .refused(.empty(folder: storage.folder))
        case .format(let incarnation, let joins):
            let identity = NodeIdentity(
                clusterID: owner.clusterID, nodeID: owner.nodeID, incarnation: incarnation, boot: 0, joins: joins)
            try identity.write(to: storage)
            return identity
        }
    }

    /// Replaces the identity: at any moment the folder has the old one or the new one, whole.
    func write(to storage: any LogStorage) throws(WriteAheadLogError) {
        do {
            try storage.removeIfPresent(Self.temporaryName)
            let file = try storage.create(Self.temporaryName)
            try file.write(label, at: 0)
            try file.sync()
            try storage.rename(Self.temporaryName, to: Self.fileName)
            try storage.syncDirectory()
        } catch {
            throw error.isNoSpace ? .noSpace(error) : .failed(error)
        }
    }

    private var label: LabelSector {
        var label = LabelSector(magic: Self.magic)
        // Folders from before it was written have zero here, and were made as their configuration says.
        label.put(UInt32(joins ? 1 : 0), at: 12)
        label.put(nodeID, at: 16)
        label.put(incarnation, at: 24)
        label.put(boot, at: 32)
        label.put(text: clusterID, at: 40)
        label.close()
        return label
    }

    private init?(_ label: LabelSector) {
        guard let clusterID = label.text(at: 40), !clusterID.isEmpty,
            clusterID.utf8.count <= Self.maximumClusterIDBytes, label.get(at: 16) as UInt64 != 0
        else { return nil }
        self.init(
            clusterID: clusterID, nodeID: label.get(at: 16), incarnation: label.get(at: 24),
            boot: label.get(at: 32), joins: label.get(at: 12) as UInt32 != 0)
    }
}
