internal import CLua
internal import CLuaBridge

/// What a Lua state has on the host's side: its limits, the functions that scripts call, and a spare buffer.
///
/// C knows it as the state's owner, so that every stack of the state finds it.
final class HostSide {
    let limits: LuaLimits
    /// `limits.slice` in nanoseconds.
    let slice: Int64
    private var functions: [HostFunction?] = []
    private var free: [Int] = []
    let spareBuffer = SpareBuffer()

    init(limits: LuaLimits) {
        self.limits = limits
        slice = limits.slice.nanoseconds
    }

    /// Lua is closed: nothing of it calls any more.
    func close() {
        functions.removeAll()
        spareBuffer.close()
    }

    // MARK: Host functions

    /// Keeps a function until Lua has collected it. Its number.
    func register(_ name: String, _ body: @escaping LuaHostFunction, on stack: LuaStack) -> Int {
        let host = lb_host_of(stack.thread)
        while case let released = lb_take_released(host), released >= 0 {
            functions[Int(released)] = nil
            free.append(Int(released))
        }
        let function = HostFunction(name: name, body: body)
        if let index = free.popLast() {
            functions[index] = function
            return index
        }
        functions.append(function)
        return functions.count - 1
    }

    fileprivate func run(_ index: Int, on stack: LuaStack) -> Int32 {
        guard let function = functions[index] else { return 0 }
        do throws(LuaFailure) {
            let call = LuaCall(stack: stack, argumentCount: stack.top, function: function)
            switch try function.body(call) {
            case .results(let count):
                return count
            case .wait:
                try call.requireWait()
                return Int32(LB_WAIT)
            }
        } catch {
            stack.pushFailure(error.message, position: error.position)
            return Int32(LB_RAISE)
        }
    }

    /// Where the trampoline enters Swift. Returns a status and never jumps.
    static let enter: lb_call = { owner, thread, index in
        Unmanaged<HostSide>.fromOpaque(owner.unsafelyUnwrapped)._withUnsafeGuaranteedRef {
            $0.run(Int(index), on: LuaStack(thread: thread.unsafelyUnwrapped))
        }
    }
}

extension LuaStack {
    /// Pushes a host function; `name` stands in messages. `body` is kept until Lua has collected the function.
    package func pushFunction(_ name: String, _ body: @escaping LuaHostFunction) {
        lb_push_function(thread, Int32(hostSide.register(name, body, on: self)))
    }

    var hostSide: HostSide {
        // lb_open was given it, and lb_close ends the host before it is gone.
        Unmanaged.fromOpaque(lb_owner(lb_host_of(thread))).takeUnretainedValue()
    }
}
