import NIOCore

/// What runs when. NIO runs everything that is ready, and what that makes ready in turn, before it looks at a socket
/// again; so what scripts ask for by themselves (spawned functions, handlers of events, timers, ends of sleeps) has only
/// so much of every turn, and then the sockets are looked at. What comes from a socket does not wait for it.
extension Worker {
    /// How long scripts may run in one turn of the loop before what they asked for themselves waits for the next.
    private static let longestTurn = TimeAmount.milliseconds(20)
    /// Works that are done in one go, however short they are.
    private static let mostWorks = 1000
    /// Works put off with `later` that are done in a row while something of the backlog waits.
    private static let mostInRow = 50

    /// Nothing of a script is on the stack, and nothing waits for that.
    var mayRunNow: Bool { nesting == 0 && runQueue.isEmpty }

    /// Runs what is put off with `later` only after the work.
    func nested(_ work: () -> Void) {
        nesting += 1
        if nesting > 1 {
            work()
        } else {
            let begin = NIODeadline.now()
            work()
            turnTime = turnTime + (NIODeadline.now() - begin)
            if turnTime > Self.longestTurn, pause > .zero { rest() }
        }
        nesting -= 1
    }

    /// Work that runs scripts, and then what they put off.
    func goOn(_ work: () -> Void) {
        nested(work)
        drainRunQueue()
    }

    /// Runs something once no handler is on the stack, still in this turn of the loop unless there is very much of it.
    func later(_ work: @escaping () -> Void) {
        runQueue.append(work)
    }

    /// Runs something that a script asked for by itself once no handler is on the stack, and the turn has time for it.
    func laterInTurn(_ work: @escaping () -> Void) {
        backlog.append(work)
    }

    /// Runs something after the sockets have been looked at.
    func afterSockets(_ work: @escaping () -> Void) {
        if pause > .zero {
            isolated.scheduleTask(in: pause, work)
        } else {
            isolated.execute(work)
        }
    }

    func drainRunQueue() {
        guard nesting == 0 else { return }
        var budget = Self.mostWorks
        while budget > 0, mayGoOn, let work = nextWork() {
            budget -= 1
            nested(work)
        }
        if !runQueue.isEmpty || !backlog.isEmpty { rest() }
    }

    /// Once a turn has taken its time, what was put off with `later` waits too: a handler may put off another piece with
    /// each of its waits, and work for long between them. The pause that has begun by then must still lie ahead when the
    /// loop looks for what is ready, or it would not look at its sockets.
    private var mayGoOn: Bool { turnTime <= Self.longestTurn || pause == .zero }

    /// What was put off with `later` goes first, but not for ever: a handler that flushes, or asks for tasks, in a loop
    /// always has more of it, and others wait in the backlog.
    private func nextWork() -> (() -> Void)? {
        let isBacklogDue = runQueue.isEmpty || worksInRow >= Self.mostInRow
        if isBacklogDue, !isResting, let work = backlog.popFirst() {
            worksInRow = 0
            return work
        }
        worksInRow = backlog.isEmpty ? 0 : worksInRow + 1
        return runQueue.popFirst()
    }

    private func rest() {
        guard !isResting else { return }
        isResting = true
        afterSockets {
            self.isResting = false
            self.turnTime = .zero
            self.drainRunQueue()
        }
    }
}
