/// Who writes the log: on each of its lines, under the names that OpenTelemetry gives a resource.
public struct LogSource: Sendable {
    /// What people call the node: `service.instance.id`.
    public var instance: String
    /// `service.version`.
    public var version: String
    public var clusterID: String
    public var node: UInt64

    public init(instance: String, version: String, clusterID: String, node: UInt64) {
        self.instance = instance
        self.version = version
        self.clusterID = clusterID
        self.node = node
    }

    /// Its fields of a JSON object, each with a comma before it.
    var jsonFields: [UInt8] {
        var bytes = Array(#","service.name":"amas","service.version":"#.utf8)
        bytes.appendJSONString(version)
        bytes.append(contentsOf: #","service.instance.id":"#.utf8)
        bytes.appendJSONString(instance)
        bytes.append(contentsOf: #","cluster_id":"#.utf8)
        bytes.appendJSONString(clusterID)
        bytes.append(contentsOf: #","node_id":\#(node)"#.utf8)
        return bytes
    }
}
