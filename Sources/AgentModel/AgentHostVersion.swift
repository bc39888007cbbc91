/// The release of agenthost, said here and nowhere else: scripts/package reads this line, and the first heading of
/// CHANGELOG.md has to say the same.
package enum AgentHostVersion {
    package static let text = "0.1.0"
}
