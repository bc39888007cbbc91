import AgentModel
import NIOCore
import NIOEmbedded
import NIOPosix
import Testing

@testable import Outbound

@Suite("Addresses that a script must not reach", .timeLimit(.minutes(1)))
struct AddressGuardTests {
    private func isLetThrough(_ address: String, allowed: [String] = []) throws -> Bool {
        let guarding = AddressGuard(allowed: Set(allowed.compactMap { IPAddress($0) }))
        let channel = EmbeddedChannel()
        channel.remoteAddress = try SocketAddress(ipAddress: address, port: 80)
        try channel.connect(to: SocketAddress(ipAddress: address, port: 80)).wait()
        channel.remoteAddress = try SocketAddress(ipAddress: address, port: 80)
        var isLetThrough = false
        guarding.check(channel).assumeIsolated().whenSuccess { isLetThrough = true }
        channel.embeddedEventLoop.run()
        // What is refused is closed too, with nothing sent on it.
        #expect(channel.isActive == isLetThrough)
        return isLetThrough
    }

    @Test("the address that a connection was made to decides, whatever name or redirect led to it")
    func connected() throws {
        for address in ["169.254.169.254", "fe80::1", "100.100.100.200", "fd00:ec2::254", "::ffff:169.254.169.254"] {
            #expect(try !isLetThrough(address))
            #expect(try isLetThrough(address, allowed: [address]))
            #expect(try !isLetThrough(address, allowed: ["169.254.1.1"]))
        }
        #expect(try isLetThrough("169.254.169.254", allowed: ["::ffff:169.254.169.254"]))
        for address in ["127.0.0.1", "10.0.0.1", "::1", "192.168.1.1"] { #expect(try isLetThrough(address)) }
    }

    @Test("a host that is such an address is refused before anything is connected; names are not looked up")
    func literal() {
        let guarding = AddressGuard(allowed: [])
        for host in [
            "169.254.169.254", "169.254.169.254.", "[fe80::1]", "[fe80::1%25eth0]", "2852039166", "0xa9fea9fe",
        ] {
            #expect(guarding.refusal(host: host)?.description.contains("allow = {") == true, "\(host)")
        }
        for host in ["127.0.0.1", "metadata.google.internal", "localhost", "", "[]", "..."] {
            #expect(guarding.refusal(host: host) == nil)
        }
    }

    @Test("what stands behind a name is told when nothing could be reached")
    func behindName() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let guarding = AddressGuard(allowed: [])
        #expect(try await guarding.refusal(behind: "localhost", on: loop).get() == nil)
        #expect(try await guarding.refusal(behind: "no.such.name.invalid", on: loop).get() == nil)
        #expect(try await guarding.refusal(behind: "169.254.169.254", on: loop).get() != nil)
    }
}
