import Raft

/// A step as lines to read.
enum TraceLine {
    static func note(_ world: World, _ process: Process, _ input: Input, _ effects: [Effect]) {
        if case .tick = input, effects.isEmpty { return }
        let standing = process.raft.standing
        world.trace.note(
            world.now,
            "node \(process.id) \(standing.role.name) term \(standing.term) last \(process.raft.lastLog.index) "
                + "commit \(process.raft.commitIndex) <- \(input)")
        for effect in effects { world.trace.note(world.now, "    -> \(effect)") }
    }
}
