import AgentModel
import HTTP1
import NIOCore
import NIOHTTP1
import Realtime

/// Answers requests that publish: to a topic, or to all.
struct PublishingExchange {
    private let connection: HTTPConnection
    private let topics: TopicHub

    init(_ connection: HTTPConnection, _ topics: TopicHub) {
        self.connection = connection
        self.topics = topics
    }

    func broadcast(_ body: ByteBuffer) {
        guard isObject(body) else { return }
        let count = topics.broadcast(type: ServerMessage.broadcast, payload: body)
        answer(["status": "broadcasted", "connections": .integer(Int64(count))])
    }

    /// - Parameter topic: nil for one that is not UTF-8.
    func publish(_ body: ByteBuffer, to topic: String?) {
        guard let topic else { return connection.refuseInvalidPath() }
        guard connection.accepts(topic: topic), isObject(body) else { return }
        let count = topics.publish(topic: topic, data: body)
        answer(["status": "sent", "topic": .string(topic), "subscribers": .integer(Int64(count))])
    }

    private func answer(_ done: JSONValue) { connection.answer(.ok, done.json()) }

    /// Whether a body is a JSON object; answers when it is not.
    private func isObject(_ body: ByteBuffer) -> Bool {
        guard connection.acceptsContentType(body) else { return false }
        if body.readableBytes == 0 {
            connection.answer(.unprocessableEntity, ErrorBody.missingBody)
            return false
        }
        do throws(JSONError) {
            if try JSONScanner.members(of: body) != nil { return true }
            connection.answer(.unprocessableEntity, ErrorBody.notAnObject(body))
        } catch {
            if error.isUTF8Error {
                connection.answer(.badRequest, ErrorBody.detail(TaskFailure.invalidUTF8.description))
            } else {
                connection.answer(
                    .unprocessableEntity, ErrorBody.invalidJSON(error.message, offset: error.offset, in: body))
            }
        }
        return false
    }
}
