import NIOCore
import NIOPosix
import Testing

@testable import MQTTTransport

@Suite struct SubscriptionPlanTests {
    /// Plays a broker that grants everything.
    private func settle(_ plan: inout SubscriptionPlan, from firstID: Int32 = 1) -> [SubscriptionPlan.Step] {
        var done: [SubscriptionPlan.Step] = []
        var messageID = firstID
        while case let steps = plan.steps, !steps.isEmpty {
            for step in steps {
                plan.asked(step, messageID: messageID)
                switch step {
                case .subscribe: #expect(plan.answered(messageID: messageID, refusedByBroker: false) == nil)
                case .unsubscribe: plan.unsubscribed(messageID: messageID)
                }
                messageID += 1
            }
            done += steps
        }
        return done
    }

    @Test("the first connection subscribes to everything, a kept session to nothing again, a lost one to everything")
    func sessions() {
        var plan = SubscriptionPlan()
        plan.want(["a", "b"])
        plan.connected(sessionPresent: true)
        #expect(settle(&plan) == [.subscribe("a"), .subscribe("b")])
        #expect(plan.isSettled)
        plan.connected(sessionPresent: true)
        #expect(plan.steps.isEmpty)
        plan.connected(sessionPresent: false)
        #expect(settle(&plan) == [.subscribe("a"), .subscribe("b")])
    }

    @Test("a change asks for the difference, what is new first")
    func difference() {
        var plan = SubscriptionPlan()
        plan.want(["a", "b"])
        plan.connected(sessionPresent: false)
        _ = settle(&plan)
        plan.want(["b", "c"])
        #expect(settle(&plan) == [.subscribe("c"), .unsubscribe("a")])
    }

    @Test("a filter given up while the broker was away is unsubscribed in the kept session")
    func givenUpWhileAway() {
        var plan = SubscriptionPlan()
        plan.want(["a", "b"])
        plan.connected(sessionPresent: false)
        _ = settle(&plan)
        plan.want(["b"])
        plan.connected(sessionPresent: true)
        #expect(settle(&plan) == [.unsubscribe("a")])
    }

    @Test("a filter that another one covers is left out until it stands alone")
    func covered() {
        var plan = SubscriptionPlan()
        plan.want(["a/#", "a/b", "c"])
        plan.connected(sessionPresent: false)
        #expect(settle(&plan) == [.subscribe("a/#"), .subscribe("c")])
        #expect(plan.wants("a/b"))
        plan.want(["a/b", "c"])
        #expect(settle(&plan) == [.subscribe("a/b"), .unsubscribe("a/#")])
        #expect(!plan.wants("a/x"))
    }

    @Test(
        "filters that overlap without one covering the other become one over both, and what nobody wants is told apart")
    func joined() {
        var plan = SubscriptionPlan()
        plan.want(["a/+/c", "a/b/#", "x"])
        plan.connected(sessionPresent: false)
        #expect(settle(&plan) == [.subscribe("a/+/#"), .subscribe("x")])
        #expect(plan.wants("a/b/c") && plan.wants("a/z/c") && plan.wants("a/b"))
        #expect(!plan.wants("a/z/y") && plan.expects("a/z/y"))
        #expect(!plan.expects("elsewhere"))
        plan.want(["a/+/c", "x"])
        #expect(settle(&plan) == [.subscribe("a/+/c"), .unsubscribe("a/+/#")])
    }

    @Test("joining goes on until no two filters have a topic in common")
    func joinedAgain() {
        var plan = SubscriptionPlan()
        plan.want(["a/+/c", "a/b/#", "+/d/c"])
        plan.connected(sessionPresent: false)
        #expect(settle(&plan) == [.subscribe("+/+/#")])
    }

    @Test("where the broker refuses the joined filter, its parts are subscribed to")
    func refusedJoin() {
        var plan = SubscriptionPlan()
        plan.want(["a/+/c", "a/b/#"])
        plan.connected(sessionPresent: false)
        plan.asked(.subscribe("a/+/#"), messageID: 1)
        #expect(plan.answered(messageID: 1, refusedByBroker: true) == nil)
        #expect(settle(&plan, from: 2) == [.subscribe("a/+/c"), .subscribe("a/b/#")])
        #expect(plan.isSettled)
    }

    @Test("with a shared group every subscription is the group's, but for the broker's own topics")
    func sharedGroup() {
        var plan = SubscriptionPlan(sharedGroup: "ward")
        plan.want(["a/#", "a/b", "$SYS/uptime", "$share/own/x"])
        plan.connected(sessionPresent: false)
        #expect(
            settle(&plan) == [
                .subscribe("$SYS/uptime"), .subscribe("$share/own/x"), .subscribe("$share/ward/a/#"),
            ])
        #expect(plan.wants("a/b") && plan.wants("x"))
    }

    @Test("a refused filter is named once and tried again on the next connection")
    func refused() {
        var plan = SubscriptionPlan()
        plan.want(["a"])
        plan.connected(sessionPresent: false)
        plan.asked(.subscribe("a"), messageID: 1)
        #expect(plan.answered(messageID: 1, refusedByBroker: true) == "a")
        #expect(plan.steps.isEmpty)
        #expect(plan.isSettled)
        plan.connected(sessionPresent: true)
        #expect(plan.steps == [.subscribe("a")])
    }
}

@Suite struct MQTTTopicTests {
    @Test(
        "a filter covers another exactly when it matches all that the other matches, itself included",
        arguments: [
            ("#", "a", true), ("#", "a/#", true), ("#", "$SYS/x", false), ("+/x", "$SYS/x", false),
            ("a/#", "a", true), ("a/#", "a/b/c", true), ("a/+", "a/b", true), ("a/+", "a/#", false),
            ("a/+", "a/b/c", false), ("+/b", "a/b", true), ("a/b", "a/+", false), ("a", "a", true),
            ("a/+/#", "a/b", true), ("a/+/#", "a/b/c", true), ("a/+", "+/b", false), ("#", "$share/g/a", false),
        ])
    func covers(wide: String, narrow: String, expected: Bool) {
        #expect(MQTTTopic.covers(MQTTTopic.levels(wide), MQTTTopic.levels(narrow)) == expected)
    }

    @Test(
        "names with wildcards, and malformed filters, are refused with a reason", arguments: ["a/#", "+", "", "a\0b"])
    func names(topic: String) {
        #expect(MQTTTopic.defect(inName: topic) != nil)
    }

    @Test(
        "filters",
        arguments: [("a/#", true), ("a/#/b", false), ("a+", false), ("$share/g/a", true), ("$share/g", false)])
    func filters(filter: String, isValid: Bool) {
        #expect((MQTTTopic.defect(inFilter: filter) == nil) == isValid)
    }

    @Test("a shared subscription matches the topics of its filter")
    func shared() {
        #expect(MQTTTopic.matches("a/b", filter: "$share/group/a/+"))
        #expect(!MQTTTopic.matches("b/b", filter: "$share/group/a/+"))
    }
}

@Suite struct SubscriberOrdersTests {
    private let orders = SubscriberOrders()

    private func wait(_ limit: TimeAmount = .minutes(1)) -> EventLoopFuture<Void> {
        orders.subscribed(within: limit, on: MultiThreadedEventLoopGroup.singleton.any())
    }

    @Test("whoever waits for the subscriptions waits until the broker has them, and no longer than there are any")
    func subscribed() async throws {
        try await wait().get()
        orders.want(["a"])
        orders.report(subscribed: false)
        let waiting = wait()
        orders.report(subscribed: true)
        try await waiting.get()
        try await wait().get()
    }

    @Test("nobody waits for a broker that is away, nor beyond the time")
    func away() async throws {
        orders.want(["a"])
        let waiting = wait()
        orders.connectionEnded()
        try await waiting.get()
        try await wait(.milliseconds(1)).get()
        #expect(!orders.isSubscribed)
    }
}
