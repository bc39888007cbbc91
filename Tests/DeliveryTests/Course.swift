import AgentModel

@testable import Delivery

/// One course that things can take: a message's delivery, its scope, and the world around them, which does what they say
/// and in which anything may happen next. The first thing that is wrong stays in `problem`.
struct Course: Hashable {
    enum Input: Hashable {
        /// Its lane gives it its turn.
        case turn
        /// A handler or a spawned function begins something more of the scope.
        case begin(Scope.Part)
        case end(Scope.Part, failing: Bool)
        /// The letter's broker will never take it.
        case refuseLetter
        case keepLetter(failing: Bool)
        case pauseOver
        /// Another consumer has the partition from now on.
        case revoke
        /// The host stops, and then its grace is over.
        case stop
        case cutOff
        /// Another version, whose handler says something else of failures, or which has several in its place.
        case reload
        case reloadWithSeveral
    }

    /// Where it stands with its lane.
    private enum Place { case queued, held, left }

    private(set) var delivery = Delivery()
    private var scope = Scope()
    private var policy: RetryPolicy
    private var handlers = 0
    private var spawned = 0
    private var effects = 0
    private var place = Place.queued
    private var isCurrent = true
    private var isServing = true
    private var isGraceOver = false
    private var isPausing = false
    private var isKeeping = false
    private var isStopped = false
    private var hasSeveral = false
    /// Something of this attempt has failed.
    private var hasFailed = false
    private var isOver = false
    private var acknowledgements = 0
    private var letters = 0
    /// Since it came, or since a reload set it going again.
    private var attempts = 0
    private var isBurying = false
    /// Several handlers have it, each as a delivery of its own.
    private var isGivenOn = false

    /// What happened, for people: two courses that have come to the same are the same.
    private(set) var history: [Input] = []
    private(set) var problem: String?

    init(_ policy: RetryPolicy) {
        self.policy = policy
    }

    static func == (left: Course, right: Course) -> Bool { left.identity == right.identity }

    func hash(into hasher: inout Hasher) {
        hasher.combine(delivery)
        hasher.combine(scope)
        hasher.combine(policy)
        hasher.combine(flags)
    }

    private var flags: Int {
        var flags = (handlers << 4 | spawned << 2 | effects) << 2 | (place == .queued ? 0 : place == .held ? 1 : 2)
        for flag in [
            isCurrent, isServing, isGraceOver, isPausing, isKeeping, isStopped, hasSeveral, hasFailed, isOver,
            isBurying, isGivenOn,
        ] {
            flags = flags << 1 | (flag ? 1 : 0)
        }
        return (flags << 4 | acknowledgements) << 4 | letters
    }

    private struct Identity: Equatable {
        var delivery: Delivery
        var scope: Scope
        var policy: RetryPolicy
        var flags: Int
    }

    private var identity: Identity { Identity(delivery: delivery, scope: scope, policy: policy, flags: flags) }

    // MARK: What can happen

    var inputs: [Input] {
        var inputs: [Input] = []
        let isHandling = handlers > 0
        if place == .queued, delivery.isReady, !isOver, isServing { inputs.append(.turn) }
        if isHandling || spawned > 0, delivery.phase != .burying {
            if handlers < 2 { inputs.append(.begin(.handler)) }
            if spawned < 1 { inputs.append(.begin(.spawned)) }
            if effects < 2 { inputs.append(.begin(.effect)) }
        }
        for (part, count) in [(Scope.Part.handler, handlers), (.spawned, spawned), (.effect, effects)] where count > 0 {
            inputs += [.end(part, failing: false), .end(part, failing: true)]
        }
        if delivery.phase == .burying { inputs.append(.refuseLetter) }
        if isKeeping { inputs += [.keepLetter(failing: false), .keepLetter(failing: true)] }
        if isPausing { inputs.append(.pauseOver) }
        if isCurrent { inputs.append(.revoke) }
        if isServing {
            inputs += [.stop, .reload, .reloadWithSeveral]
        } else if !isGraceOver {
            inputs.append(.cutOff)
        }
        return inputs
    }

    mutating func take(_ input: Input) {
        history.append(input)
        switch input {
        case .turn: giveTurn()
        case .begin(let part): begin(part)
        case .end(let part, let failing): end(part, failing ? DeliveryFailure("no") : nil)
        case .refuseLetter: end(.effect, DeliveryFailure("never", isPermanent: true))
        case .keepLetter(let failing):
            isKeeping = false
            hasFailed = failing
            tell(failing ? .letterFailed(isPermanent: false) : .letterKept)
        case .pauseOver:
            isPausing = false
            tell(.pauseOver(mayBegin: isCurrent && isServing))
        case .revoke:
            isCurrent = false
            tell(.revoked)
            if !delivery.isUnderWay, !isOver { wrong("another consumer has it, and it waits on") }
        case .stop: isServing = false
        case .cutOff: isGraceOver = true
        case .reload: reload(policy.onError == .stop ? .dlq : .stop, hasSeveral: false)
        case .reloadWithSeveral: reload(policy.onError, hasSeveral: true)
        }
        if delivery.isUnderWay != (handlers + spawned + effects > 0 || isKeeping) {
            wrong("under way is what runs or is on its way, and nothing else")
        }
        if delivery.holdsLane != (place == .held) { wrong("it takes itself to be elsewhere in its lane than it is") }
        if isOver != (delivery.phase == .over) { wrong("it is over, or not, and does not know") }
        if let stray = strayEvents.first(where: changesAnything) {
            wrong("\(stray) is not for this moment, and has effect")
        }
    }

    /// What cannot happen where it stands.
    private var strayEvents: [Delivery.Event] {
        var events: [Delivery.Event] = []
        if place == .held, !isStopped || isOver {
            events += [.turn(mayBegin: true), .turn(mayBegin: false), .split(into: 2)]
        }
        if !delivery.isUnderWay { events += [.settled, .letterKept, .letterFailed(isPermanent: true)] }
        if delivery.phase == .handling { events += [.settled, .failed(policy, .open)] }
        if handlers == 0 { events += [.handlersEnded(failed: false), .handlersEnded(failed: true)] }
        if !isPausing { events += [.pauseOver(mayBegin: true), .pauseOver(mayBegin: false)] }
        return events
    }

    private func changesAnything(_ event: Delivery.Event) -> Bool {
        var after = delivery
        return after.handle(event) != .none || after != delivery
    }

    private mutating func reload(_ onError: OnError, hasSeveral: Bool) {
        policy.onError = onError
        self.hasSeveral = hasSeveral
        guard isStopped else { return }
        isStopped = false
        attempts = 0
        giveTurn()
    }

    // MARK: The world

    private mutating func giveTurn() {
        place = .held
        guard isCurrent, isServing else { return tell(.turn(mayBegin: false)) }
        tell(hasSeveral ? .split(into: 2) : .turn(mayBegin: true))
    }

    private mutating func begin(_ part: Scope.Part) {
        scope.begin(part)
        count(1, part)
    }

    private mutating func count(_ number: Int, _ part: Scope.Part) {
        switch part {
        case .handler: handlers += number
        case .spawned: spawned += number
        case .effect: effects += number
        }
    }

    private mutating func end(_ part: Scope.Part, _ failure: DeliveryFailure?) {
        if let failure {
            hasFailed = true
            scope.fail(failure)
        }
        count(-1, part)
        let isLast = scope.end(part)
        if part == .handler, isLast {
            let isFirst = delivery.phase == .handling
            tell(.handlersEnded(failed: hasFailed))
            if isFirst, hasFailed != (place == .held) {
                wrong("the next of its lane waits for what it sent, or overtakes its next attempt")
            }
        }
        guard scope.close() else { return }
        guard let failure = scope.failure else { return tell(.settled) }
        // As each attempt has a scope of its own.
        scope = Scope()
        if delivery.phase == .burying { return tell(.letterFailed(isPermanent: failure.isPermanent)) }
        tell(.failed(policy, !isCurrent || isGraceOver ? .gone : isServing ? .open : .closing))
    }

    private mutating func tell(_ event: Delivery.Event) {
        let wasOver = isOver
        let action = delivery.handle(event)
        if wasOver, action != .none { wrong("\(action) after the end") }
        if case .split = event {
            isGivenOn = true
            isOver = true
        }
        if place == .held, !delivery.holdsLane { leave() }
        switch action {
        case .none: break
        case .run:
            expectToGoOn("an attempt")
            if place != .held { wrong("an attempt begins outside of its lane") }
            attempts += 1
            if delivery.attempt != attempts { wrong("it has lost count of its attempts") }
            hasFailed = false
            begin(.handler)
        case .pause(_, let rejoining):
            expectToGoOn("a pause")
            if rejoining { rejoin() }
            isPausing = true
        case .queue:
            if place == .left { wrong("it waits for a turn, and is in no queue") }
            if place == .held { giveTurn() }
        case .skip:
            expectToGoOn("a skip", evenWhileStopping: true)
            hasFailed = false
            acknowledge()
        case .stopLane:
            isStopped = true
            place = .held
        case .bury, .sendLetter:
            expectToGoOn("a dead letter", evenWhileStopping: action == .bury)
            isBurying = true
            hasFailed = false
            begin(.effect)
        case .keepLetter: isKeeping = true
        case .rest:
            letters += 1
            isPausing = true
        case .acknowledge(let isBuried):
            if isBuried != isBurying { wrong("it takes its dead letter for another thing") }
            acknowledge()
        case .drop(let hasFailed):
            if hasFailed, !self.hasFailed { wrong("it is dropped for a failure that was none") }
            if isCurrent, isServing { wrong("it is dropped, though nothing is in its way") }
            isOver = true
            isPausing = false
            isStopped = false
        }
    }

    private mutating func expectToGoOn(_ what: String, evenWhileStopping: Bool = false) {
        if !isCurrent { wrong("\(what) of a message that another consumer has") }
        if isGraceOver { wrong("\(what) after the grace") }
        if !isServing, !evenWhileStopping { wrong("\(what) in a host that stops") }
    }

    private mutating func leave() {
        if place != .held { wrong("it leaves a lane in which it is not") }
        if handlers > 0 { wrong("it leaves its lane while a handler runs") }
        place = .left
    }

    private mutating func rejoin() {
        if place != .left { wrong("it comes back to a lane that it has not left") }
        place = policy.keepsOrder ? .queued : .held
    }

    private mutating func acknowledge() {
        acknowledgements += 1
        isOver = true
        if acknowledgements > 1 { wrong("acknowledged twice") }
        if handlers + spawned + effects > 0 || isKeeping { wrong("acknowledged before all had ended") }
        if hasFailed { wrong("acknowledged, though something failed") }
        if place == .held { wrong("acknowledged, and still in its lane") }
    }

    private mutating func wrong(_ what: String) {
        if problem == nil { problem = what }
    }

    // MARK: To the end

    /// Lets everything come well that it waits for, and looks whether it ends as it must: acknowledged once, unless it was
    /// given to others, or the partition or the host was gone when it would have gone on.
    func problemToTheEnd() -> String? {
        var course = self
        for _ in 0..<32 where !course.isOver {
            guard let input = course.nextOfAGoodEnd else { break }
            course.take(input)
        }
        if let problem = course.problem { return "\(problem), when all ends well" }
        if !course.isOver {
            let mayStay = !isServing && course.place == .queued || course.isStopped
            return mayStay ? nil : "it waits for ever"
        }
        if course.place == .held { return "it is over, and still in its lane" }
        let mustBeAcknowledged = course.isCurrent && course.isServing && !course.isGivenOn
        return mustBeAcknowledged && course.acknowledgements != 1 ? "it was never acknowledged" : nil
    }

    private var nextOfAGoodEnd: Input? {
        if handlers > 0 { return .end(.handler, failing: false) }
        if spawned > 0 { return .end(.spawned, failing: false) }
        if effects > 0 { return .end(.effect, failing: false) }
        if isKeeping { return .keepLetter(failing: false) }
        if isPausing { return .pauseOver }
        if isStopped { return isServing ? .reload : nil }
        return place == .queued && isServing ? .turn : nil
    }
}
