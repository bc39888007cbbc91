internal import CLuaBridge

/// The buffer that a Lua state keeps for the next text that it writes.
final class SpareBuffer {
    /// A buffer that has grown beyond this is not kept.
    private static let mostKept = 1 << 20

    private var buffer = lb_buffer()
    private var isHere = true
    private var isClosed = false

    /// What is taken while another has it is a new one.
    func take() -> lb_buffer {
        defer { isHere = false }
        return isHere ? buffer : lb_buffer()
    }

    func giveBack(_ taken: lb_buffer) {
        var taken = taken
        if isHere || taken.capacity > Self.mostKept || isClosed { lb_buffer_free(&taken) }
        if !isHere {
            buffer = taken
            isHere = true
        }
    }

    /// The state is closed: nothing is kept any more.
    func close() {
        isClosed = true
        if isHere { lb_buffer_free(&buffer) }
    }
}
