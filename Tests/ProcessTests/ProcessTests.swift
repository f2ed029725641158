import Testing

/// One cluster at a time: the machine is theirs.
@Suite(.serialized)
struct ProcessTests {}
