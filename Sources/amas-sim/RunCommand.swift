import ArgumentParser
import RaftSimulation

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "run", abstract: "Plays many seeds.")

    func run() throws {}
}
