// The C side of LuaRuntime: the only code of ours that raises Lua errors, yields, or runs inside the Lua machine.
//
// Swift is entered through one function pointer and always returns a status; what has to jump (an error, a yield) is
// done here, once no Swift frame is left. Functions declared in this header never raise.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lua_State lua_State;

/// Everything the bridge keeps for one Lua state; reached from any of its threads in one load.
typedef struct lb_host lb_host;

/// What a host function's body returns: the number of results on top of the stack, or one of the two below.
enum {
    /// The error message is on top of the stack.
    LB_RAISE = -1,
    /// The coroutine is to wait until the host resumes its root.
    LB_WAIT = -2,
};

/// Values that may be pushed without asking `lua_checkstack`: by a host function, by whoever pushes what a function is
/// started with or a wait ends with, and after either on top of what came back. What may push more asks first.
#define LB_HOST_SLOTS 40

/// Runs the body of host function `function`; `owner` is what `lb_open` was given. There is room on `L` for
/// `LB_HOST_SLOTS` values above the arguments.
typedef int (*lb_call)(void *owner, lua_State *L, int function);

// MARK: - A state's life

/// A new sandboxed state, or NULL when the system has no memory for it. `memory_limit` in bytes.
lb_host *lb_open(size_t memory_limit, lb_call call, void *owner);
void lb_close(lb_host *host);
lua_State *lb_main_thread(lb_host *host);
lb_host *lb_host_of(lua_State *L);
void *lb_owner(lb_host *host);
/// A flag that ends what a state runs; it may be raised from any thread.
typedef struct lb_interrupt lb_interrupt;
lb_interrupt *lb_interrupt_new(void);
void lb_interrupt_free(lb_interrupt *interrupt);
void lb_interrupt_raise(lb_interrupt *interrupt);
/// Once the flag is raised, everything that runs or begins to run ends as with a spent budget. The flag outlives the state.
void lb_obey_interrupt(lb_host *host, const lb_interrupt *interrupt);
/// Bytes that the state has allocated.
size_t lb_memory_in_use(lb_host *host);
/// Collects everything unreachable.
void lb_collect(lb_host *host);

// MARK: - Host functions

/// Pushes a function that runs host function `function`. Its number comes back from `lb_take_released` once Lua has
/// collected it.
void lb_push_function(lua_State *L, int function);
/// A number whose function has been collected, or -1.
int lb_take_released(lb_host *host);
/// Charges work that a host function is about to do, in units of about 10 ns. False when the slice's budget is spent or
/// does not hold the work: then the function is to end, and the trampoline raises whatever it answers. True outside a
/// slice.
bool lb_spend(lua_State *L, size_t units);
/// Within a host function or a metamethod: whether an agent's own file called it. Others' files are those below a folder
/// `lib` or `lua_modules`; text given to `load` is nobody's.
bool lb_reads_strictly(lua_State *L);
/// Pops a value: others' files find it as a global, an agent's own do not.
void lb_set_library_global(lua_State *L, const char *name);
/// Whether a host function called on `L` can wait now.
bool lb_can_wait(lua_State *L);
/// Pushes an error message; with `position`, behind the "file:line: " of the script that called the host function.
void lb_push_failure(lua_State *L, const char *message, size_t length, bool position);
/// Writes "file:line" of the innermost script frame at or above `level`; false when there is none.
bool lb_location(lua_State *L, int level, char *buffer, size_t size);

// MARK: - Running

enum lb_step {
    LB_RETURNED,
    LB_WAITING,
    LB_FAILED_RUNTIME,
    LB_FAILED_MEMORY,
    LB_FAILED_BUDGET,
    /// The thread does not wait. Nothing has run, and what was pushed for it has been popped.
    LB_NOT_WAITING,
    /// A value was raised that the host keeps (`lb_keep_errors`): it is on top of the stack, as it is.
    LB_RAISED,
};

/// Compiles text under the memory limit and a budget of CPU time, in nanoseconds; within a slice that slice's own goes
/// on. Leaves the function, or the message of the error, on top of the stack.
enum lb_step lb_compile(lua_State *L, const char *source, size_t length, const char *chunk_name, int64_t budget);
/// An assignment `name = value` to a global.
typedef struct {
    long long line;
    size_t length;
    /// Not in the main function, which runs when the chunk does.
    bool in_function;
} lb_global_write;
/// The next of those in the chunk compiled last, and its name, which is there until the next is compiled. `at` begins
/// with 0. False after the last.
bool lb_next_global_write(lb_host *host, size_t *at, const char **name, lb_global_write *write);
/// A new thread that inherits the budget hook, pushed on the main thread's stack.
lua_State *lb_new_thread(lb_host *host);
/// Starts the function and `arguments` values that lie on the stack of root coroutine `co`.
/// `budget` in nanoseconds of this thread's CPU time; `handler` words the error of a spent one. On LB_RETURNED `count`
/// values are on top, on LB_FAILED_… one message.
enum lb_step lb_start(lua_State *co, int arguments, int64_t budget, bool may_wait, bool handler, int *count);
/// Goes on with a root coroutine that waits; the results of the host call that waited are the `results` topmost values.
enum lb_step lb_resume(lua_State *co, int results, int64_t budget, int *count);
/// Goes on with a root coroutine that waits by raising the message on top of its stack where the script waits.
enum lb_step lb_resume_raising(lua_State *co, bool position, int64_t budget, int *count);
/// Ends a root coroutine that waits, innermost coroutine first; to-be-closed variables run under `budget`. The thread
/// must not be used again.
void lb_abandon(lua_State *co, int64_t budget);
/// The traceback of the last failure of a root coroutine (script frames only), or NULL.
const char *lb_traceback(lb_host *host);
/// Pops a table: what has it for its metatable and is raised by a root coroutine reaches the host as LB_RAISED.
void lb_keep_errors(lua_State *L);
/// Where the value of the last LB_RAISED was raised: "file:line: ", or nothing.
const char *lb_raised_where(lb_host *host);

// MARK: - Values

void lb_push_null(lua_State *L);
bool lb_is_null(lua_State *L, int index);
/// Marks a table as an array.
void lb_mark_array(lua_State *L, int index);
bool lb_is_array(lua_State *L, int index);
/// Raw assignment that ignores the keys Lua refuses (nil and NaN); pops key and value.
void lb_raw_set(lua_State *L, int index);
/// Sets the metatable on top of the stack and pops it. A `__gc` in it is removed first: no hook runs in a finalizer.
void lb_set_metatable(lua_State *L, int index);
/// The text of a value as `tostring` shows it, without metamethods; pushes it.
void lb_push_display(lua_State *L, int index);

// MARK: - Fields

/// Pushes a field of a table without metamethods; its type. `name` is a literal, here and below.
int lb_get_field(lua_State *L, int table, const char *name);
/// Sets a field of a table without metamethods to the value on top, which it pops.
void lb_set_field(lua_State *L, int table, const char *name);
/// Set a field of the table on top, which has no metatable. The first takes the value on top of that, and pops it.
void lb_put_value(lua_State *L, const char *name);
void lb_put_integer(lua_State *L, const char *name, long long value);
void lb_put_boolean(lua_State *L, const char *name, bool value);
void lb_put_bytes(lua_State *L, const char *name, const char *bytes, size_t length);
enum lb_kind {
    LB_STRING,
    /// A table that is no array.
    LB_FIELDS,
};
/// Gives the table on top, which has no metatable, the field of another table, if that is of the kind: whether it is.
bool lb_move_field(lua_State *L, int table, const char *name, enum lb_kind kind);

enum {
    LB_OTHER_FIELDS = -1,
};
/// Pushes the value of each of at most 62 names that the table at the index has as a field, nil where it has none, and
/// returns the set of those it has (1 for the first, 2 for the second, 4 …). LB_OTHER_FIELDS, and nothing pushed, when it has
/// any other.
int64_t lb_push_fields(lua_State *L, int index, const char *const *names, int count);
enum {
    /// The function may look at all of the argument.
    LB_READS_ANYTHING = -1,
    /// It does not have the parameter.
    LB_READS_NOTHING = -2,
};
/// Beside the names asked for it reads others.
static const int64_t LB_READS_OTHERS = INT64_C(1) << 62;
/// What the function at the index reads of its parameter (from 0), a table without a metatable: one of the two above, or the
/// set of those of at most 62 names (1 for the first, 2 for the second, 4 …) whose fields, and LB_READS_OTHERS, are all that it
/// can see of it.
int64_t lb_fields_read(lua_State *L, int index, int parameter, const char *const *names, int count);

// MARK: - JSON and plain data

typedef struct {
    char message[192];
    size_t offset;
    /// The document is not UTF-8, wherever else it may be wrong too.
    bool is_utf8_error;
} lb_json_error;

/// Pushes the value that the document holds: LB_RETURNED. Otherwise nothing is pushed, and `error` says why:
/// LB_FAILED_RUNTIME, it is not JSON; LB_FAILED_MEMORY, the value does not fit into the script's memory or on its stack;
/// LB_FAILED_BUDGET, it takes longer than `budget` nanoseconds, or the rest of the slice's in which it happens. With
/// `exact` numbers that Lua cannot hold exactly become strings.
enum lb_step lb_json_decode(
    lua_State *L, const char *bytes, size_t length, bool exact, int64_t budget, lb_json_error *error);

typedef struct {
    char *bytes;
    size_t length;
    size_t capacity;
} lb_buffer;

void lb_buffer_free(lb_buffer *buffer);
/// Writes the value as JSON over what the buffer held, at most `limit` bytes, the members of objects in the order of
/// their names' bytes: LB_RETURNED. Otherwise the buffer holds a message: LB_FAILED_RUNTIME, it cannot be JSON (the
/// message begins with the path of the culprit below `path`); LB_FAILED_MEMORY and LB_FAILED_BUDGET as above.
enum lb_step lb_json_encode(
    lua_State *L, int index, const char *path, size_t limit, int64_t budget, lb_buffer *buffer);
/// As `lb_json_encode`, without the strings: whether there is JSON for the value. The buffer holds nothing of use then.
enum lb_step lb_json_check(
    lua_State *L, int index, const char *path, size_t limit, int64_t budget, lb_buffer *buffer);

/// As `lb_json_encode`, for JSON that is to become the same value again: a string that is not UTF-8 cannot be in it.
enum lb_step lb_json_keep(
    lua_State *L, int index, const char *path, size_t limit, int64_t budget, lb_buffer *buffer);
/// As `lb_json_encode`, for people: what JSON cannot hold (a function, a cycle, keys of several kinds) is shown all the
/// same, and what is beyond the limit is left out. Fails only for a lack of memory or time.
enum lb_step lb_json_show(lua_State *L, int index, size_t limit, int64_t budget, lb_buffer *buffer);

/// Pushes on `to` a copy of a plain value: LB_RETURNED. Shared references and cycles stay what they are. Otherwise
/// nothing is pushed, and `message` holds a message: LB_FAILED_RUNTIME, something is not plain (it is named by its path
/// below `path`); LB_FAILED_MEMORY and LB_FAILED_BUDGET as above, for the state of `to`. With `lenient` what is not plain
/// is left out instead (of an object with a metatable only the metatable), and `message` names the first of it, or is
/// empty.
enum lb_step lb_copy_plain(
    lua_State *from, int index, lua_State *to, const char *path, bool lenient, int64_t budget, lb_buffer *message);

#ifdef __cplusplus
}
#endif
