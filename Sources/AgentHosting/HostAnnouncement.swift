/// What a host tells whoever started it. What happens in between is for the log.
package enum HostAnnouncement: Sendable {
    /// Everything accepts traffic.
    case started(StartReport)
}
