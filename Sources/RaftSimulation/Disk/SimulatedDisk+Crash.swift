// What a loss of power and bad hardware do to a disk.
extension SimulatedDisk {
    /// The machine died. Each job under way has come as far as chance says; of what it had not synced by then, and of what
    /// nobody had synced, any subset of sectors and of name changes survives.
    func crash(_ random: inout RandomStream) {
        for job in outstanding {
            let reached = random.chance(perMille: 200) ? job.operations.count : random.number(0...job.operations.count)
            settle(job.operations[..<reached])
        }
        outstanding = []
        let keptPerMille = random.pick([0, 0, 500, 500, 900, 1000])
        for operation in unsynced { keepSome(operation, keptPerMille, &random) }
        unsynced = []
        for (_, inode) in durableNames.sorted(by: { $0.key < $1.key }) { inode.seen = inode.durable }
        names = durableNames
        failsNextSync = false
        misdirection = nil
    }

    private func keepSome(_ operation: Operation, _ keptPerMille: Int, _ random: inout RandomStream) {
        switch operation {
        case .write(let inode, let offset, let bytes):
            // A sector is written whole or not at all; which of them is anybody's guess.
            var start = 0
            while start < bytes.count {
                let end = min(bytes.count, start + Self.sectorBytes - (offset + start) % Self.sectorBytes)
                if random.chance(perMille: keptPerMille) {
                    inode.durable.place(bytes[start..<end], at: offset + start)
                }
                start = end
            }
        case .resize, .bind, .rename, .remove:
            if random.chance(perMille: keptPerMille) { perform(operation) }
        case .sync, .syncDirectory:
            preconditionFailure("a sync is not held back")
        }
    }

    /// The process died, the machine lives: what it had written by then is seen by the next one, synced or not.
    func endProcess(_ random: inout RandomStream) {
        for job in outstanding { settle(job.operations[..<random.number(0...job.operations.count)]) }
        outstanding = []
        for known in [names, durableNames] {
            for (_, inode) in known.sorted(by: { $0.key < $1.key }) { inode.seen = inode.durable }
        }
        names = durableNames
        for operation in unsynced { show(operation) }
        failsNextSync = false
        misdirection = nil
    }

    private func show(_ operation: Operation) {
        switch operation {
        case .write(let inode, let offset, let bytes): inode.seen.place(bytes[...], at: offset)
        case .resize(let inode, let count): inode.seen.extend(to: count)
        case .bind(let name, let inode):
            inode.seen = inode.durable
            names[name] = inode
        case .rename(let name, let newName, let inode): names.rename(inode, from: name, to: newName)
        case .remove(let name): names[name] = nil
        case .sync, .syncDirectory: preconditionFailure("a sync is not held back")
        }
    }

    /// A new, empty disk.
    func wipe() {
        names = [:]
        durableNames = [:]
        outstanding = []
        unsynced = []
        isFull = false
    }

    /// Turns one bit of what is on the platters. Nobody notices before it is read again. Returns the file; nil if there is none.
    func flipBit(_ random: inout RandomStream) -> String? {
        let files = durableNames.sorted { $0.key < $1.key }.filter { !$0.value.durable.isEmpty }
        guard !files.isEmpty else { return nil }
        let (name, inode) = random.pick(files.map { ($0.key, $0.value) })
        let place = random.number(0...(inode.durable.count - 1))
        inode.durable[place] ^= 1 << UInt8(random.number(0...7))
        return name
    }
}
