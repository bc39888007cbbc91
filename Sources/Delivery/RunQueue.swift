import AgentModel
package import NIOCore

/// What runs when on a worker's loop. NIO runs everything that is ready, and what that makes ready in turn, before it looks
/// at a socket again; so what scripts ask for by themselves (spawned functions, handlers of events, timers, ends of sleeps)
/// has only so much of every turn, and then the sockets are looked at. What comes from a socket does not wait for it.
///
/// Confined to its loop.
package final class RunQueue {
    /// How long scripts may run in one turn of the loop before what they asked for themselves waits for the next.
    private static let longestTurn = TimeAmount.milliseconds(20)
    /// Works that are done in one go, however short they are.
    private static let mostWorks = 1000
    /// Works put off with `later` that are done in a row while something of the backlog waits.
    private static let mostInRow = 50

    private let loop: any EventLoop
    /// For how long the loop is left to its sockets: any time at all makes NIO look at them. Zero on a loop without.
    private let pause: TimeAmount
    /// Handlers of events, and others that wait until the handler which caused them has yielded or ended.
    private var works: CircularBuffer<() -> Void> = []
    /// What scripts asked for by themselves.
    private var backlog: CircularBuffer<() -> Void> = []
    /// How many of `works` have gone before what waits in the backlog.
    private var worksInRow = 0
    /// How many handlers, one called by another, are on the stack.
    private var nesting = 0
    /// How long scripts have run since the loop last looked at its sockets, as far as that is known.
    private var turnTime = TimeAmount.zero
    /// The sockets are to be looked at before the backlog goes on.
    private var isResting = false

    /// `pause` is zero for a loop whose clock only a test moves.
    package init(loop: any EventLoop, pause: TimeAmount) {
        self.loop = loop
        self.pause = pause
    }

    /// Nothing that was put off with `later` waits.
    package var isEmpty: Bool { works.isEmpty }

    /// Nothing of a script is on the stack, and nothing waits for that.
    package var mayRunNow: Bool { nesting == 0 && works.isEmpty }

    /// Runs what is put off with `later` only after the work.
    package func nested(_ work: () -> Void) {
        nesting += 1
        if nesting > 1 {
            work()
        } else {
            let begin = CoarseClock.now()
            work()
            turnTime = turnTime + .nanoseconds(CoarseClock.now() - begin)
            if turnTime > Self.longestTurn, pause > .zero { rest() }
        }
        nesting -= 1
    }

    /// Work that runs scripts, and then what they put off.
    package func goOn(_ work: () -> Void) {
        nested(work)
        drain()
    }

    /// Runs something once no handler is on the stack, still in this turn of the loop unless there is very much of it.
    package func later(_ work: @escaping () -> Void) {
        works.append(work)
    }

    /// Runs something that a script asked for by itself once no handler is on the stack, and the turn has time for it.
    package func laterInTurn(_ work: @escaping () -> Void) {
        backlog.append(work)
    }

    /// Runs something after the sockets have been looked at.
    package func afterSockets(_ work: @escaping () -> Void) {
        if pause > .zero {
            loop.assumeIsolated().scheduleTask(in: pause, work)
        } else {
            loop.assumeIsolated().execute(work)
        }
    }

    /// Runs what was put off, unless a handler is on the stack.
    package func drain() {
        guard nesting == 0 else { return }
        var budget = Self.mostWorks
        while budget > 0, mayGoOn, let work = next() {
            budget -= 1
            nested(work)
        }
        if !works.isEmpty || !backlog.isEmpty { rest() }
    }

    /// What waits is let go: nothing of it runs any more.
    package func clear() {
        works = []
        backlog = []
    }

    /// Once a turn has taken its time, what was put off with `later` waits too: a handler may put off another piece with
    /// each of its waits, and work for long between them. The pause that has begun by then must still lie ahead when the
    /// loop looks for what is ready, or it would not look at its sockets.
    private var mayGoOn: Bool { turnTime <= Self.longestTurn || pause == .zero }

    /// What was put off with `later` goes first, but not for ever: a handler that flushes, or asks for tasks, in a loop
    /// always has more of it, and others wait in the backlog.
    private func next() -> (() -> Void)? {
        let isBacklogDue = works.isEmpty || worksInRow >= Self.mostInRow
        if isBacklogDue, !isResting, let work = backlog.popFirst() {
            worksInRow = 0
            return work
        }
        worksInRow = backlog.isEmpty ? 0 : worksInRow + 1
        return works.popFirst()
    }

    private func rest() {
        guard !isResting else { return }
        isResting = true
        afterSockets { [self] in
            isResting = false
            turnTime = .zero
            drain()
        }
    }
}
