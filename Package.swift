// swift-tools-version: 6.1
import PackageDescription

/// Every Swift target is built in the Swift 6 language mode, with the same upcoming features.
///
/// Release builds do not check at run time that accesses exclude one another, which took 117 checks for a request; debug
/// builds, and so all tests, do. They inline over the walls between the rooms. Both together: 9 % fewer instructions for a
/// request, 6 % for a message.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .unsafeFlags(["-enforce-exclusivity=unchecked", "-cross-module-optimization"], .when(configuration: .release)),
]

let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioWebSocket = Target.Dependency.product(name: "NIOWebSocket", package: "swift-nio")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")

/// A room of the house: who may know whom is said here, and checked again, by import, in `scripts/check-walls`.
func room(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource]? = nil) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

let package = Package(
    name: "agenthost",
    products: [.executable(name: "agenthost", targets: ["agenthost"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.5.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    ],
    targets: [
        .systemLibrary(name: "CLua", pkgConfig: "lua5.4", providers: [.apt(["liblua5.4-dev"])]),
        .systemLibrary(name: "CRdkafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
        .systemLibrary(
            name: "CMosquitto", pkgConfig: "libmosquitto", providers: [.apt(["libmosquitto-dev", "libssl-dev"])]),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        // Takes the place of libc's malloc in the whole program, where it is linked before libc.
        .systemLibrary(name: "CMimalloc", providers: [.apt(["libmimalloc-dev"])]),
        .systemLibrary(name: "CSpawn"),
        .target(name: "CJSON", linkerSettings: [.linkedLibrary("simdjson"), .linkedLibrary("stdc++")]),
        .target(name: "CNames"),
        .target(name: "CLuaBridge", dependencies: ["CLua", "CJSON", "CNames"]),
        room("LuaRuntime", ["CLua", "CLuaBridge", "CJSON"]),
        room("AgentModel", ["CJSON", "CNames", nioCore]),
        room(
            "AgentScript",
            ["LuaRuntime", "AgentModel", nioCore, .product(name: "Crypto", package: "swift-crypto")]),
        room("Delivery", ["AgentModel", nioCore]),
        room(
            "AgentWorker",
            [
                "AgentScript", "Delivery", "LuaRuntime", "AgentModel", nioCore, nioPosix, logging, metrics,
            ]
        ),
        room("Reloading", ["AgentWorker", "AgentScript", "AgentModel", "LuaRuntime", nioCore, logging]),
        room("Outbound", ["AgentModel", nioCore, nioPosix, nioHTTP1, nioSSL, asyncHTTPClient]),
        room("AgentStore", ["AgentModel", "CSQLite", nioCore, nioPosix]),
        room("KafkaTransport", ["AgentModel", "CRdkafka", nioCore, nioPosix, logging]),
        room("MQTTTransport", ["AgentModel", "CMosquitto", nioCore, logging]),
        room("DevelopmentBrokers", ["CSpawn", "AgentModel", "CRdkafka", nioCore, logging]),
        room("HTTP1", ["AgentModel", nioCore, nioPosix, nioHTTP1, nioWebSocket, logging]),
        room("Realtime", ["AgentModel", nioCore]),
        room("AgentAPI", ["HTTP1", "Realtime", "AgentModel", nioCore, nioHTTP1, nioWebSocket, logging]),
        room("AgentMetrics", [metrics]),
        room(
            "AgentConfiguration",
            [
                "AgentModel", nioCore, nioPosix, nioHTTP1, nioSSL, asyncHTTPClient, logging,
                .product(name: "Yams", package: "Yams"),
            ]
        ),
        room(
            "AgentHosting",
            [
                "AgentConfiguration", "AgentMetrics", "AgentModel", "AgentScript", "AgentStore", "AgentWorker",
                "AgentAPI", "DevelopmentBrokers", "HTTP1", "KafkaTransport", "LuaRuntime", "Outbound", "Reloading",
                "MQTTTransport", nioCore, nioPosix,
                logging, lifecycle, metrics,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            resources: [.embedInCode("Roles")]
        ),
        room(
            "AgentTesting",
            [
                "AgentAPI", "HTTP1", "Reloading", "AgentWorker", "AgentScript", "LuaRuntime", "AgentModel", nioCore,
                nioEmbedded, logging,
            ]
        ),
        .executableTarget(
            name: "agenthost",
            dependencies: [
                "AgentConfiguration", "AgentHosting", "AgentModel", "AgentScript", "AgentTesting", "CMimalloc", logging,
                nioCore, lifecycle,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            resources: [.embedInCode("Resources/agenthost.lua")],
            swiftSettings: settings
        ),
        .target(
            name: "TestSupport", dependencies: ["AgentModel", nioCore], path: "Tests/TestSupport",
            swiftSettings: settings),
        tests("AgentModelTests", ["AgentModel", nioCore]),
        tests("LuaRuntimeTests", ["LuaRuntime"]),
        tests("AgentScriptTests", ["TestSupport", "AgentScript", "AgentModel", "LuaRuntime", nioCore, nioEmbedded]),
        tests("DeliveryTests", ["Delivery", "AgentModel", nioCore, nioEmbedded]),
        tests(
            "AgentWorkerTests",
            [
                "TestSupport", "AgentWorker", "AgentScript", "AgentModel", "LuaRuntime", nioCore, nioEmbedded, nioPosix,
                logging, metrics,
            ]
        ),
        tests("OutboundTests", ["TestSupport", "Outbound", "AgentModel", nioCore, nioEmbedded, nioPosix]),
        tests(
            "ReloadingTests",
            [
                "TestSupport", "Reloading", "AgentWorker", "AgentScript", "AgentModel", "LuaRuntime", nioCore, nioPosix,
                logging,
            ]),
        tests("AgentStoreTests", ["AgentStore", "AgentModel", "CSQLite", nioCore, nioPosix]),
        tests("AgentMetricsTests", ["AgentMetrics", metrics]),
        tests("AgentHostingTests", ["AgentHosting", "AgentModel", "AgentScript", logging, nioCore, nioPosix]),
        tests("AgentTestingTests", ["AgentTesting", "AgentHosting", "AgentModel", "AgentScript", nioCore]),
        tests(
            "AgentConfigurationTests",
            ["AgentConfiguration", "AgentModel", logging, nioCore, nioPosix, nioHTTP1, nioSSL]),
        tests(
            "KafkaTransportTests", ["KafkaTransport", "DevelopmentBrokers", "AgentModel", nioCore, nioPosix, logging]),
        tests("MQTTTransportTests", ["MQTTTransport", "DevelopmentBrokers", "AgentModel", nioCore, nioPosix, logging]),
        tests("HTTP1Tests", ["HTTP1", "AgentModel", logging, nioCore, nioEmbedded]),
        tests("RealtimeTests", ["Realtime", "AgentModel", nioCore]),
        tests("AgentAPITests", ["AgentAPI", "HTTP1", "Realtime", "AgentModel", nioCore, nioPosix, logging]),
    ]
)
