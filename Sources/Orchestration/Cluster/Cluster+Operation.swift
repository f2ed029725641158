import Raft
import RaftServer

// What an operator, or the process on the operator's behalf, asks of a member.
extension Cluster {
    /// Gives leadership to the most caught-up voter, if it is held here.
    /// - Returns: false if this node still leads: there is nobody to take over, or nobody did in time.
    public func handOverLeadership() async -> Bool {
        guard status?.isLeader == true else { return true }
        switch await server.transferLeadership(to: nil) {
        case .completed: return true
        case .noTarget, .timedOut: return status?.isLeader != true
        }
    }

    /// Reads the certificate files of the links again; connections made from now on use them. After an error the old ones stay in
    /// use, and the log says why.
    public func reloadCertificates() async -> Bool {
        do {
            try await server.reloadCertificates()
            return true
        } catch {
            return false
        }
    }
}
