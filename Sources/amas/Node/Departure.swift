/// How a node leaves, as a value: what it does in which order, and how long each part may take.
///
/// The order is the one in which nothing is refused that could still be served (`reference/kubernetes.md` §3.3): balancers look
/// away first, then leadership goes, so that the cluster waits for nothing that follows, then the tasks end while clients are still
/// answered, then clients go, and the links to the other members last, because everything before needs them.
struct Departure: Equatable, Sendable {
    enum Step: String, CaseIterable, Sendable {
        /// Not ready from now on, and everything still answered, until balancers have seen it.
        case awaitBalancer
        case handOverLeadership
        case finishTasks
        /// No new connection; requests under way end, WebSockets are told where to go.
        case closeClients
        case stopProjector
        case leaveCluster
        case closeStores
    }

    /// What Kubernetes gives a node of ours between its signal and its death (`terminationGracePeriodSeconds`).
    static let grace = Duration.seconds(60)
    /// The longest that an operator may have balancers waited for: with it all steps still fit into the grace.
    static let longestBalancerWait = Duration.seconds(10)

    /// What a node does when it is removed: it stays in the consensus until the others have changed their configuration.
    static let withdrawal = Step.allCases.prefix { $0 != .leaveCluster }

    var balancerWait: Duration

    /// After this the next step begins whether the step has ended or not.
    func patience(of step: Step) -> Duration {
        switch step {
        case .awaitBalancer: balancerWait + .seconds(1)
        // Three elections at the default time-out.
        case .handOverLeadership: .seconds(3)
        case .finishTasks: .seconds(20)
        // WebSockets go over 3 s; a held request has its answer within 5.
        case .closeClients: .seconds(10)
        case .stopProjector: .seconds(5)
        case .leaveCluster: .seconds(5)
        case .closeStores: .seconds(5)
        }
    }

    /// The longest that leaving can take.
    var longest: Duration { Step.allCases.reduce(.zero) { $0 + patience(of: $1) } }
}
