import HTTP1

/// What an orchestrator asks: whether the process is to be replaced, and whether it is to be sent requests.
enum Probe: String {
    case livez = "/livez"
    case readyz = "/readyz"

    /// The probe that a request is, by its path as it was sent.
    init?(_ head: RequestHead) {
        guard head.method == .get || head.method == .head, (6...7).contains(head.path.count) else { return nil }
        self.init(rawValue: head.text(head.path))
    }
}
