import AgentModel
import CSpawn
import Synchronization

#if canImport(Glibc)
    package import Glibc
#elseif canImport(Musl)
    package import Musl
#endif

/// A child that ends when this process does, however that ends.
///
/// A shell between the two waits for the end of a connection whose other end only this process has. The kernel closes that
/// end when the process is gone, `kill -9` included, and the shell kills the child. PR_SET_PDEATHSIG (`setpriv
/// --pdeathsig`) would not hold: it fires at the end of the *thread* that started the child, is lost when the parent
/// dies before it is set, and is cleared by a change of user, which mosquitto makes when it is started by root.
package final class ChildProcess: Sendable {
    /// `$0` and its arguments are the program. The shell ends when the program does.
    private static let script = """
        "$0" "$@" 3<&- & program=$!
        { read -r _ <&3; kill -9 $program; } 2>/dev/null & watcher=$!
        exec 3<&-
        wait $program; code=$?
        kill $watcher 2>/dev/null
        exit $code
        """

    /// What a program needs to be found and to speak. The rest of the host's environment may be secret, and any process
    /// of the user can read that of another.
    private static let inherited = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH"]

    private static var environment: [String] {
        inherited.compactMap { name in getenv(name).map { "\(name)=\(String(cString: $0))" } }
    }

    /// Of the shell.
    package let processID: pid_t
    private let lifeline: Mutex<Int32>

    /// - Parameters:
    ///   - arguments: the program's path first.
    ///   - errorFile: made anew; what the program writes to its standard error.
    package init(_ arguments: [String], errorFile: String) throws(DevelopmentBrokerError) {
        var ends: [Int32] = [-1, -1]
        // As a pipe would; but no other thread's child can have it, which would live on.
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
            throw DevelopmentBrokerError("no pipe for the private broker: \(ErrorText.system(errno))")
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 2, errorFile, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, ends[0], 3)
        // What somebody in this process has open without close-on-exec would stay open for as long as the child lives:
        // who reads a pipe to its end would wait for that.
        posix_spawn_file_actions_addclosefrom_np(&actions, 4)

        // A process group of its own: Ctrl-C is for the host, which still needs the broker to drain. Signals as they
        // were before the host set its own ways, since an ignored signal stays ignored in a child.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var child: [UnsafeMutablePointer<CChar>?] = (["/bin/sh", "-c", Self.script] + arguments).map { strdup($0) }
        child.append(nil)
        defer { for pointer in child { free(pointer) } }
        var environment = Self.environment.map { strdup($0) }
        environment.append(nil)
        defer { for pointer in environment { free(pointer) } }
        var processID: pid_t = 0
        let code = posix_spawn(&processID, "/bin/sh", &actions, &attributes, child, environment)
        close(ends[0])
        guard code == 0 else {
            close(ends[1])
            throw DevelopmentBrokerError("could not start /bin/sh for the private broker: \(ErrorText.system(code))")
        }
        self.processID = processID
        lifeline = Mutex(ends[1])
    }

    deinit {
        kill()
    }

    /// Kills the program, by the same way as the end of this process would.
    package func kill() {
        lifeline.withLock { descriptor in
            guard descriptor >= 0 else { return }
            close(descriptor)
            descriptor = -1
        }
    }

    /// True once it ended; to be asked by one thread, and not again after a true.
    package func hasEnded(waiting: Bool) -> Bool {
        var code: Int32 = 0
        while true {
            let result = waitpid(processID, &code, waiting ? 0 : WNOHANG)
            if result == -1, errno == EINTR { continue }
            // Anything else than "still running" is an end: a child that somebody else has reaped is gone too.
            return result != 0
        }
    }
}
