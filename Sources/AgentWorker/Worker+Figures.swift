import AgentModel
import AgentScript
import LuaRuntime
import NIOCore

extension Worker {
    package func figures() -> WorkerFigures {
        loop.preconditionInEventLoop()
        return WorkerFigures(
            messagesUnderWay: messagesUnderWay,
            agents: slots.compactMap { slot in
                guard let name = slot.interface?.name else { return nil }
                let states = slot.generations + [slot.candidate].compactMap { $0 }
                return WorkerFigures.Agent(
                    name: name, luaMemory: states.reduce(0) { $0 + $1.generation.state.memoryInUse },
                    runningTasks: slot.runningTasks, queuedTasks: slot.queuedTasks.count)
            })
    }
}
