/// How much of what was published is kept, so that event streams can resume. Sizes are bytes.
package struct EventWindow: Sendable {
    /// How many events of a topic can be resumed.
    package var events = 10_000
    /// How many bytes of events of a topic can be resumed.
    package var bytes = 64 << 20
    /// How many bytes all topics keep together; those that nobody reads give way first, of them and of the others the
    /// one least recently published to.
    package var totalBytes = 256 << 20

    package init() {}
}
