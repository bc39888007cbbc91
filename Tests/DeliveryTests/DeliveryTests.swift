import AgentModel
import Testing

@testable import Delivery

/// Every sequence of what can happen to a message, step by step, in a `Course` that checks each step.
@Suite("A message's life") struct DeliveryTests {
    private static let policies = OnError.allCases.flatMap { onError in
        [1, 2].flatMap { attempts in
            [1, 2].map { RetryPolicy(attempts: attempts, onError: onError, concurrency: $0) }
        }
    }

    /// Walks through the courses in breadth: those that have come to the same are one from there on, as a value that is the
    /// same has the same future; how many sequences lead to it is counted.
    private func walk(_ first: Course, steps: Int) -> (sequences: Int, courses: Int) {
        var layer = [first: 1]
        var seen: Set<Course> = [first]
        var sequences = 0
        for _ in 0..<steps {
            var next: [Course: Int] = [:]
            for (course, count) in layer {
                for input in course.inputs {
                    var after = course
                    after.take(input)
                    if let problem = after.problem {
                        Issue.record("\(problem): \(after.history)")
                        return (sequences, seen.count)
                    }
                    next[after, default: 0] += count
                    guard seen.insert(after).inserted else { continue }
                    if let problem = after.problemToTheEnd() {
                        Issue.record("\(problem): \(after.history)")
                        return (sequences, seen.count)
                    }
                }
            }
            sequences += next.values.reduce(0, +)
            layer = next
        }
        return (sequences, seen.count)
    }

    @Test(
        "in every sequence of up to 8 events, is acknowledged once, when all it waits for came, and leaves its lane once",
        arguments: policies)
    func everySequence(policy: RetryPolicy) {
        let (sequences, courses) = walk(Course(policy), steps: 8)
        #expect(sequences > 100_000 && courses > 1000)
    }

    @Test("with a dead letter that fails again and again, too", arguments: [1, 2]) func deadLetter(concurrency: Int) {
        var course = Course(RetryPolicy(attempts: 1, onError: .dlq, concurrency: concurrency))
        for input in [Course.Input.turn, .end(.handler, failing: true)] { course.take(input) }
        #expect(course.problem == nil)
        #expect(course.delivery.phase == .burying)
        let (sequences, _) = walk(course, steps: 8)
        #expect(sequences > 1000)
    }

    @Test("has nothing to do any more once it is over") func over() {
        let events: [Delivery.Event] =
            [
                .turn(mayBegin: true), .turn(mayBegin: false), .split(into: 0), .split(into: 2),
                .handlersEnded(failed: true), .handlersEnded(failed: false), .settled, .letterKept,
                .letterFailed(isPermanent: true), .letterFailed(isPermanent: false), .pauseOver(mayBegin: true),
                .pauseOver(mayBegin: false),
            ] + Self.policies.flatMap { policy in Delivery.Standing.allCases.map { .failed(policy, $0) } }
        let ends: [[Delivery.Event]] = [
            [.turn(mayBegin: false)], [.split(into: 0)], [.split(into: 2)],
            [.turn(mayBegin: true), .handlersEnded(failed: false), .settled],
            [
                .turn(mayBegin: true), .handlersEnded(failed: true), .failed(RetryPolicy(attempts: 1), .open),
                .settled,
            ],
        ]
        for end in ends {
            var delivery = Delivery()
            for event in end { _ = delivery.handle(event) }
            #expect(delivery.phase == .over && !delivery.isUnderWay && !delivery.holdsLane)
            for first in events {
                for second in events {
                    var late = delivery
                    let actions = [late.handle(first), late.handle(second)]
                    #expect(actions == [.none, .none] && late == delivery)
                }
            }
        }
    }
}
