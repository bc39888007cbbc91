import AgentModel
import Delivery
import NIOCore

/// Where dead letters are sent, and kept where their broker will never take them. Confined to its loop.
final class LetterOffice {
    private let loop: any EventLoop
    private let transports: [TransportTraits]
    private let dispatcher: EffectDispatcher
    private let spool: any DeadLetterSpool
    private let stamps: Stamps

    init(
        loop: any EventLoop, transports: [TransportTraits], dispatcher: EffectDispatcher, spool: any DeadLetterSpool,
        stamps: Stamps
    ) {
        self.loop = loop
        self.transports = transports
        self.dispatcher = dispatcher
        self.spool = spool
        self.stamps = stamps
    }

    /// Where those of the agent go.
    func letters(of slot: AgentSlot) -> DeadLetters {
        DeadLetters(outlets: transports.filter { dispatcher.has($0.name) }, agent: slot.interface?.name)
    }

    /// The owner of the scope learns of the delivery.
    func send(_ letter: DeadLetter, for owner: any ScopeOwner) {
        let scope = EffectScope(owner)
        scope.beginHandler()
        dispatcher.send(letter, for: scope)
        scope.endHandler()
    }

    /// Calls back once the letter would survive the end of the machine: nil, and the number it is kept under; else why it
    /// is not kept.
    func keep(_ letter: DeadLetter, because reason: String, _ completion: @escaping (DeliveryFailure?, String) -> Void)
    {
        let kept = KeptLetter(id: stamps.identifier(), time: stamps.now(), reason: reason, letter: letter)
        spool.keep(kept, on: loop) { completion($0, kept.id) }
    }
}
