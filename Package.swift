// swift-tools-version:6.2
// The map of the house: one target a room, and what each may import. Arrows go down only (`README.md`, "How it is built").
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
]
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")

func room(
    _ name: String, imports dependencies: [Target.Dependency] = [], exclude: [String] = [], resources: [Resource] = [],
    also extra: [SwiftSetting] = []
) -> Target {
    .target(
        name: name, dependencies: dependencies, exclude: exclude, resources: resources, swiftSettings: settings + extra)
}

func tests(of room: String, with dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
    .testTarget(
        name: "\(room.first!.uppercased())\(room.dropFirst())Tests", dependencies: [.byName(name: room)] + dependencies,
        exclude: exclude, swiftSettings: settings)
}

let package = Package(
    name: "amas",
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/apple/swift-nio-extras", exact: "1.35.2"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", exact: "2.13.0"),
        .package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    ],
    targets: [
        // 0: what Swift cannot call by itself
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
        .target(name: "CPlatform", cSettings: [.unsafeFlags(["-O2"])]),
        // 1
        room("Raft"),
        room("WriteAheadLog", imports: ["CPlatform"]),
        room("Postgres", imports: ["CPostgres", "CPlatform", logging]),
        room("Telemetry", imports: ["CPlatform", logging, .product(name: "CoreMetrics", package: "swift-metrics")]),
        // 2
        room("ClusterState", imports: ["Raft", "COpenSSL", "CLZ4", protobuf], exclude: ["Schema"]),
        room(
            "RaftServer",
            imports: [
                "Raft", "WriteAheadLog", "CPlatform", logging, .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
            ] + nio),
        room("Egress", imports: ["CCurl", "CPlatform", logging]),
        // 3
        room("Providers", imports: ["Egress", logging]),
        room("Storage", imports: ["Postgres", "ClusterState", "Raft", "Telemetry", logging]),
        // One thread, millions of events: the tests check exclusive access, the long runs need not.
        room(
            "RaftSimulation", imports: ["Raft", "WriteAheadLog", "ClusterState"],
            also: [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]),
        // 4
        room("Agents", imports: ["CPlatform"]),
        // 5
        room(
            "Orchestration",
            imports: [
                "Raft", "RaftServer", "ClusterState", "Telemetry", "Providers", "Storage", "Agents", "WriteAheadLog",
                logging, protobuf,
            ]),
        // 6
        room(
            "API",
            imports: [
                "Raft", "RaftServer", "ClusterState", "Orchestration", "Agents", "Storage", "Telemetry", "COpenSSL",
                logging, protobuf,
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
            ] + nio),
        // 7
        .executableTarget(
            name: "amas",
            dependencies: [
                "API", "Orchestration", "Agents", "Providers", "Storage", "Postgres", "Egress", "ClusterState",
                "RaftServer",
                "Raft", "Telemetry", "COpenSSL", logging, protobuf, .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Yams", package: "Yams"),
            ] + nio, swiftSettings: settings),
        .executableTarget(
            name: "amas-bench",
            dependencies: [
                "Raft", "RaftServer", "Egress", logging, .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], swiftSettings: settings),
        .executableTarget(
            name: "amas-sim",
            dependencies: ["RaftSimulation", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            swiftSettings: settings),
        // What several rooms' tests need: servers that are started and stopped by the tests
        .target(
            name: "TestSupport", dependencies: ["LoopbackServer"], path: "Tests/TestSupport", swiftSettings: settings),
        .target(
            name: "DiskFaults", dependencies: ["WriteAheadLog"], path: "Tests/DiskFaults", swiftSettings: settings),
        .target(name: "ThreadStop", path: "Tests/ThreadStop"),
        .target(name: "LoopbackServer", path: "Tests/LoopbackServer", swiftSettings: settings),
        .target(name: "LoopbackClient", dependencies: nio, path: "Tests/LoopbackClient", swiftSettings: settings),
        tests(of: "Raft", exclude: ["Scenarios/Files"]),
        tests(of: "WriteAheadLog"),
        tests(of: "Postgres", with: ["TestSupport", logging]),
        tests(of: "Telemetry", with: [logging, .product(name: "CoreMetrics", package: "swift-metrics")]),
        tests(of: "ClusterState", with: ["Raft", protobuf]),
        tests(of: "RaftServer", with: ["DiskFaults", "Raft", "WriteAheadLog", logging] + nio),
        tests(
            of: "RaftSimulation",
            with: [
                "Raft", "WriteAheadLog", "amas-sim", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        tests(of: "Egress", with: ["LoopbackServer", logging]),
        tests(of: "Providers", with: ["Egress", "LoopbackServer", logging]),
        tests(
            of: "Storage", with: ["TestSupport", "Postgres", "ClusterState", "Raft", "Telemetry", logging, protobuf]),
        tests(of: "Agents"),
        tests(
            of: "Orchestration",
            with: [
                "Agents", "ClusterState", "Egress", "Postgres", "Providers", "Raft", "RaftServer", "Storage",
                "Telemetry",
                "DiskFaults", "LoopbackServer", "TestSupport", "WriteAheadLog", logging, protobuf,
            ] + nio),
        tests(
            of: "API",
            with: [
                "Agents", "ClusterState", "LoopbackClient", "Orchestration", "Postgres", "Raft", "RaftServer",
                "Storage",
                "Telemetry", "TestSupport", "WriteAheadLog", logging, protobuf,
            ] + nio),
        // Real nodes behind a real balancer, started by cluster/up
        .testTarget(
            name: "ProcessTests",
            dependencies: [
                "amas", "Agents", "CPlatform", "ClusterState", "LoopbackClient", "Raft", "RaftServer", "RaftSimulation",
                "ThreadStop", "WriteAheadLog",
            ],
            swiftSettings: settings),
        tests(of: "amas", with: ["Agents", "CPlatform", "LoopbackServer", "Raft", "RaftServer", logging] + nio),
    ]
)
