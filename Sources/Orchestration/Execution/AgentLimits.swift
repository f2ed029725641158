public import Agents

/// The limits of the agents' room; named so because every room has limits of its own.
public typealias AgentLimits = Limits
