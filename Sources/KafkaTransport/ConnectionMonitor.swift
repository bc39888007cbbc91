internal import AgentModel
internal import CRdkafka

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// Whether a client has a broker to talk to, made out from its errors and its statistics.
final class ConnectionMonitor {
    private let status: ConnectionStatus
    private let log: KafkaLog
    private var isUp: Bool?
    private var lastError = "no connection to a broker"
    private var reportsWithoutBroker = 0

    init(status: ConnectionStatus, log: KafkaLog) {
        self.status = status
        self.log = log
    }

    /// A broker answered.
    func up() {
        reportsWithoutBroker = 0
        guard isUp != true else { return }
        if isUp == false { log.notice("connected again") }
        isUp = true
        status.connected()
    }

    /// Something went in or out; `milliseconds` since 1970.
    func active(at milliseconds: Int64) {
        up()
        status.active(at: milliseconds)
    }

    /// An error of the client as a whole. None of them ends it: librdkafka goes on trying.
    func failed(_ code: rd_kafka_resp_err_t, reason: String) {
        // Its code is that of any lost connection, and what comes behind it says less.
        if let words = LibrdkafkaText.certificates(reason) { return failedForGood(words) }
        let reason = LibrdkafkaText.plain(reason)
        switch code {
        case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
            down()
        case RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
            RD_KAFKA_RESP_ERR__SSL:
            failedForGood(reason)
        default:
            lastError = reason
            log.debug(reason)
        }
    }

    /// Trying again does not mend it by itself.
    func failedForGood(_ reason: String) {
        lastError = reason
        isUp = false
        status.failed(reason)
        log.warning(reason)
    }

    /// librdkafka has given the client up (INTRODUCTION.md, "Fatal consumer errors"): no broker that answers mends that.
    func ended(_ reason: String) {
        failedForGood(reason)
        status.ended(reason)
    }

    /// librdkafka's statistics, a JSON text ended by NUL. Only a broker's state is written in capitals
    /// (STATISTICS.md), so that one search tells whether any is up.
    func statistics(_ json: UnsafePointer<CChar>) {
        if strstr(json, #""state":"UP""#) != nil { return up() }
        reportsWithoutBroker += 1
        // An idle connection that the broker closed is made again when it is needed: once is no failure yet.
        if isUp == true, reportsWithoutBroker >= 2 { down() }
    }

    func stopped() {
        status.disconnected()
    }

    private func down() {
        guard isUp != false else { return }
        isUp = false
        log.warning("\(lastError); trying again until it answers")
        status.reconnecting(lastError)
    }
}
