import Synchronization

/// The state of one connection to a broker, as `/realtime/status` shows it. Written by its transport from any thread.
package final class ConnectionStatus: Sendable {
    package enum Status: String, Sendable {
        case connected, connecting, reconnecting, disconnected, error
    }

    package struct Report: Sendable, Equatable {
        package var serviceName: String
        package var connectionType: String
        package var status: Status
        package var endpoint: String
        /// Milliseconds since 1970; nil: never yet.
        package var connectedAt: Int64?
        package var lastActivity: Int64?
        package var errorMessage: String?
        package var retryCount: Int
    }

    private let report: Mutex<Report>
    private let uses: Atomic<Int>

    /// - Parameter isUsed: false for a connection that is made when something needs it, as `beginUse` says.
    package init(serviceName: String, connectionType: String, endpoint: String, isUsed: Bool = true) {
        uses = Atomic(isUsed ? 1 : 0)
        report = Mutex(
            Report(
                serviceName: serviceName, connectionType: connectionType, status: .connecting, endpoint: endpoint,
                connectedAt: nil, lastActivity: nil, errorMessage: nil, retryCount: 0))
    }

    private let isOver = Atomic(false)

    package var current: Report { report.withLock { $0 } }

    /// False: nothing needs the connection, and it is not made.
    package var isUsed: Bool { uses.load(ordering: .relaxed) > 0 }

    /// One of those that share the connection's status begins to connect.
    package func beginUse() {
        if uses.wrappingAdd(1, ordering: .relaxed).oldValue == 0 { report.withLock { $0.status = .connecting } }
    }

    package func endUse() {
        uses.wrappingSubtract(1, ordering: .relaxed)
    }

    package func connected() {
        change {
            guard $0.status != .connected else { return }
            $0.status = .connected
            $0.connectedAt = Timestamp.now()
            $0.errorMessage = nil
        }
    }

    /// The connection was lost, or could not be made; it is being tried again.
    package func reconnecting(_ reason: String) {
        change {
            $0.status = .reconnecting
            $0.errorMessage = reason
            $0.retryCount += 1
        }
    }

    /// It failed in a way that trying again does not mend (refused credentials, a fatal client error).
    package func failed(_ reason: String) {
        change {
            $0.status = .error
            $0.errorMessage = reason
        }
    }

    /// A client is over for good: what another client of the connection tells later does not change that.
    package func ended(_ reason: String) {
        failed(reason)
        isOver.store(true, ordering: .relaxed)
    }

    private func change(_ body: (inout Report) -> Void) {
        if !isOver.load(ordering: .relaxed) { report.withLock { body(&$0) } }
    }

    package func disconnected() {
        report.withLock { $0.status = .disconnected }
    }

    /// A message went in or out.
    package func active(at milliseconds: Int64) {
        report.withLock { $0.lastActivity = milliseconds }
    }
}
