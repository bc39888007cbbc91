import Testing

@testable import MQTTTransport

@Suite struct PublishWindowTests {
    @Test("no more than the window is unacknowledged, and of QoS 2 no more than 20")
    func bounded() {
        var window = PublishWindow<Int>()
        for number in 0..<500 { window.append(number, qos: 1) }
        var messageID: Int32 = 0
        while window.next != nil {
            messageID += 1
            window.didSend(messageID: messageID)
        }
        #expect(Int(messageID) == PublishWindow<Int>.limit)
        #expect(window.settle(messageID: 1) == 0)
        #expect(window.next == PublishWindow<Int>.limit)

        var exactly = PublishWindow<Int>()
        for number in 0..<30 { exactly.append(number, qos: 2) }
        var sent: Int32 = 0
        while exactly.next != nil {
            sent += 1
            exactly.didSend(messageID: sent)
        }
        #expect(sent == 20)
    }

    @Test("what was not acknowledged is sent again first, in its order")
    func resends() {
        var window = PublishWindow<Int>()
        for number in 0..<300 { window.append(number, qos: 1) }
        for messageID in Int32(1)...4 { window.didSend(messageID: messageID) }
        #expect(window.settle(messageID: 2) == 1)
        #expect(window.connectionLost() == nil)
        var order: [Int] = []
        for messageID in Int32(1)...4 {
            order.append(window.next ?? -1)
            window.didSend(messageID: messageID)
        }
        #expect(order == [0, 2, 3, 4])
        #expect(window.settle(messageID: 77) == nil)
    }

    @Test("a message id is not used again while it may be in use")
    func identifiers() {
        var window = PublishWindow<Int>()
        window.append(-1, qos: 1)
        window.didSend(messageID: 1)
        var sent = 0
        for number in 0..<70_000 {
            window.append(number, qos: 1)
            guard window.next != nil else { continue }
            let messageID = Int32(sent % 60_000 + 2)
            window.didSend(messageID: messageID)
            _ = window.settle(messageID: messageID)
            sent += 1
        }
        #expect(sent == 59_999)
        #expect(window.settle(messageID: 1) == -1)
        #expect(window.isOpen)
    }

    @Test("a publication that is first in line at eight losses of the connection is given up")
    func poison() {
        var window = PublishWindow<Int>()
        window.append(1, qos: 1)
        window.append(2, qos: 1)
        for _ in 0..<7 {
            window.didSend(messageID: 1)
            #expect(window.connectionLost() == nil)
        }
        window.didSend(messageID: 1)
        #expect(window.connectionLost() == 1)
        #expect(window.removeAll() == [2])
        #expect(window.isEmpty)
    }
}
