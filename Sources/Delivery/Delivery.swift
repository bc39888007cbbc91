import AgentModel
package import NIOCore

/// A message's life with one handler, as a value: it is told what has happened, and answers what is to be done.
///
///     waiting ──▶ handling ──▶ delivering ──▶ acknowledged
///        ▲                         │ failed
///        ├──────── pausing ◀───────┤ to be tried again
///        └──────── stopped ◀───────┤ for good, on_error = "stop": until a reload
///                                  │ for good, on_error = "skip": acknowledged
///                                  ▼ for good, on_error = "dlq"
///                               burying ──▶ keeping      each ──▶ acknowledged
///                                  ▲ │         │
///                                  │ ▼         │
///                               resting ◀──────┘
///
/// Wherever it would go on and may not, it is dropped: its broker delivers it again.
///
/// It leaves its lane when its handlers have returned without an error; its effects may then still be on their way. Where
/// one of these is not delivered, the message is tried again before any of its lane that has not begun. Messages that
/// began in the meantime have been handled before that second attempt: their effects, and its, reach the brokers in this
/// order.
///
/// What a partition's messages that run have sent is let through when the partition is given up: so a message that is
/// under way is acknowledged also then. But nothing of it begins any more.
package struct Delivery: Hashable, Sendable {
    package enum Phase: Hashable, Sendable {
        /// For its turn in its lane.
        case waiting
        case handling
        /// The handlers have returned; what they sent is not all acknowledged.
        case delivering
        /// Before the next attempt.
        case pausing
        /// Its lane stands still until a reload.
        case stopped
        /// Its dead letter is on its way.
        case burying
        /// Its broker will never take the dead letter, which is being written to the spool.
        case keeping
        /// Before its dead letter is sent again.
        case resting
        case over
    }

    package enum Event: Sendable {
        /// It is its turn in its lane, or its lane goes on after a reload.
        case turn(mayBegin: Bool)
        /// In the place of a turn: so many handlers get the message, each as a delivery of its own. None: all have had it.
        case split(into: Int)
        /// No handler runs any more; `failed`: something that belongs to the message has failed already.
        case handlersEnded(failed: Bool)
        /// Everything has ended and is delivered: the handlers with what they sent and spawned, or the dead letter.
        case settled
        /// Everything of an attempt has ended, and not all of it well.
        case failed(RetryPolicy, Standing)
        /// The dead letter was not taken, or not kept. Permanent: its broker will never take it.
        case letterFailed(isPermanent: Bool)
        /// The dead letter is safe in the spool.
        case letterKept
        /// Only what its dead letter waits for looks at `mayBegin`: a next attempt has its turn first.
        case pauseOver(mayBegin: Bool)
        /// Another consumer has its partition from now on.
        case revoked
    }

    /// Where a message stands with its broker and its host when it has failed.
    package enum Standing: CaseIterable, Sendable {
        /// Nothing is in its way.
        case open
        /// The host is stopping: nothing is tried again, but what has failed for good is given up.
        case closing
        /// Another consumer has its partition, or the host's stop has cut it off.
        case gone
    }

    package enum Action: Hashable, Sendable {
        case none
        /// Run the handler, as `attempt`.
        case run
        /// Wait, then tell that the pause is over. `rejoining`: it had left its lane, and takes its place there again.
        case pause(TimeAmount, rejoining: Bool)
        /// The pause is over: go on with its turn, or where it has none wait for it.
        case queue
        /// It failed for good: acknowledge it.
        case skip
        /// It failed for good: let its lane stand still.
        case stopLane
        /// It failed for good: send its dead letter.
        case bury
        /// Send its dead letter again.
        case sendLetter
        /// Write its dead letter to the spool.
        case keepLetter
        /// Wait, then tell that the pause is over.
        case rest(TimeAmount)
        /// Tell its broker that it is done.
        case acknowledge(isBuried: Bool)
        /// Let it go without an acknowledgement: its broker delivers it again.
        case drop(hasFailed: Bool)
    }

    package private(set) var phase = Phase.waiting
    /// The attempt that runs, or was the last to run, from 1; 0: none has.
    package private(set) var attempt = 0
    /// How often its dead letter has failed.
    private var letterFailures = 0
    /// The next of its lane waits for it; when it does no more, that one may begin.
    package private(set) var holdsLane = false

    package init() {}

    /// It has made its lane stand still.
    package var isStopped: Bool { phase == .stopped }

    /// It can have its turn.
    package var isReady: Bool { phase == .waiting }

    /// An attempt is under way.
    package var isAttempted: Bool { phase == .handling || phase == .delivering }

    /// Something of it runs or is on its way; a host that stops waits for it.
    package var isUnderWay: Bool {
        switch phase {
        case .handling, .delivering, .burying, .keeping: true
        case .waiting, .pausing, .stopped, .resting, .over: false
        }
    }

    /// Its dead letter could be neither delivered nor kept yet.
    package var isLetterWaiting: Bool { letterFailures > 0 && phase != .over }

    package mutating func handle(_ event: Event) -> Action {
        switch (phase, event) {
        case (.waiting, .turn(let mayBegin)), (.stopped, .turn(let mayBegin)):
            guard mayBegin else { return end(.drop(hasFailed: false)) }
            // What a reload has set going again begins anew.
            attempt = phase == .stopped ? 1 : attempt + 1
            phase = .handling
            holdsLane = true
            return .run
        case (.waiting, .split(let count)), (.stopped, .split(let count)):
            return end(count > 0 ? .none : .acknowledge(isBuried: false))
        case (.handling, .handlersEnded(let failed)):
            phase = .delivering
            // Not while it will be tried again: the next one would overtake it.
            if !failed { holdsLane = false }
            return .none
        case (.delivering, .settled):
            return end(.acknowledge(isBuried: false))
        case (.burying, .settled), (.keeping, .letterKept):
            return end(.acknowledge(isBuried: true))
        case (.delivering, .failed(let policy, let standing)):
            return standing == .gone ? end(.drop(hasFailed: true)) : tryAgain(policy, standing)
        case (.pausing, .pauseOver):
            phase = .waiting
            return .queue
        case (.burying, .letterFailed(isPermanent: true)):
            phase = .keeping
            return .keepLetter
        case (.burying, .letterFailed), (.keeping, .letterFailed):
            phase = .resting
            letterFailures += 1
            return .rest(RetryPolicy.pause(beforeLetter: letterFailures))
        case (.resting, .pauseOver(let mayBegin)):
            guard mayBegin else { return end(.drop(hasFailed: false)) }
            phase = .burying
            return .sendLetter
        case (.waiting, .revoked), (.pausing, .revoked), (.stopped, .revoked), (.resting, .revoked):
            return end(.drop(hasFailed: false))
        default:
            return .none
        }
    }

    private mutating func tryAgain(_ policy: RetryPolicy, _ standing: Standing) -> Action {
        guard let pause = policy.pause(afterAttempt: attempt) else { return giveUp(policy) }
        guard standing == .open else { return end(.drop(hasFailed: true)) }
        phase = .pausing
        let rejoins = !holdsLane
        // Where order was given up it only takes a place; else it waits for its turn.
        holdsLane = holdsLane || !policy.keepsOrder
        return .pause(pause, rejoining: rejoins)
    }

    private mutating func giveUp(_ policy: RetryPolicy) -> Action {
        switch policy.onError {
        case .dlq:
            phase = .burying
            return .bury
        case .skip:
            return end(.skip)
        case .stop:
            phase = .stopped
            holdsLane = true
            return .stopLane
        }
    }

    private mutating func end(_ action: Action) -> Action {
        phase = .over
        holdsLane = false
        return action
    }
}
