// What the files of the bridge share with one another.
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#ifdef __cplusplus
}
#endif

#include "CLuaBridge.h"
#include "pool.h"

#define LB_WHERE_SIZE 96
#define LB_MESSAGE_SIZE 192
/// Classes of large blocks: the first is 1 MiB up to 2 MiB, the last 2 GiB and more.
#define LB_LARGE_CLASSES 12
/// Units of about 10 ns between two looks at the clock.
#define LB_CLOCK_UNITS 5000u
/// Depth of JSON documents, both ways.
#define LB_JSON_DEPTH 128

typedef struct {
    void *block;
    size_t size;
} lb_held;

struct lb_host {
    lua_State *main;
    /// The thread that executes now, and the root coroutine it belongs to; NULL outside a slice.
    lua_State *running;
    lua_State *root;

    // Memory, in bytes.
    lb_pool pool;
    size_t used;
    size_t limit;
    /// Live blocks of 2^20 bytes and more, by the power of two below their size; and the highest that there are.
    unsigned large_blocks[LB_LARGE_CLASSES];
    int largest_class;
    /// The hash parts of large tables, for `lb_collision_cost`.
    struct lb_nodes *nodes;
    int node_count;
    int node_capacity;
    /// The allocator refuses only while this is set: never while host code runs.
    bool in_vm;
    /// Blocks that a collection forced by a refusal has freed, `older` of them by the one before; allocator.c.
    lb_held *held;
    size_t held_count;
    size_t held_capacity;
    size_t held_older;
    /// Calls of the allocator until they are freed.
    int holding;
    /// Memory was refused, and has not been asked for again.
    bool refused;
    /// The script used a table that was freed: not one more instruction of it runs.
    bool broken;

    // Budget of the slice, in nanoseconds. `cpu_started` is 0 until the first check of a slice.
    int64_t budget;
    int64_t started;
    int64_t cpu_started;
    int slice_depth;
    unsigned steps;
    bool spent;
    /// Why the slice counts as spent although its time is not up: a table that cannot grow in what is left.
    bool collided;
    /// Goes up whenever the clock is looked at; where it was, the CPU time, and how long it was since the one before, when
    /// a large part of an object was last allocated.
    unsigned looks;
    unsigned growth_looks;
    int64_t growth_cpu;
    int64_t growth_time;
    /// The slice runs a handler, not a script that loads.
    bool handler;
    /// NULL: nothing but the budget ends a slice.
    const lb_interrupt *interrupt;
    /// The slice was ended by the interrupt.
    bool interrupted;
    /// Where the budget was found spent, and where memory was last refused: "file:line: " or empty.
    char spent_where[LB_WHERE_SIZE];
    char refused_where[LB_WHERE_SIZE];

    // Waiting.
    bool waiting;
    bool cannot_wait;
    /// 0: the wait ended with results; 1: it failed; 2: it failed, and the message wants a position.
    int wait_failure;

    /// Nested `coroutine.close`, each of which gives the C stack counter a new start (Lua 5.4.4).
    int closing;

    enum lb_step failure;
    char *traceback;
    size_t traceback_capacity;
    bool has_traceback;

    lb_call call;
    void *owner;
    int *released;
    int released_count;
    int released_capacity;

    /// Registry references.
    int array_metatable;
    int function_metatable;
    /// Of the error values that reach the host as they are; 0 while there are none.
    int kept_metatable;
    /// Where the last of them was raised: "file:line: " or empty.
    char raised_where[LB_WHERE_SIZE];
    /// The texts of numbers that read otherwise than they would be written (json_numbers.cpp); 0 while there are none.
    int number_texts;
    /// The table that scripts know as `_G`; the globals themselves are another.
    const void *globals_view;
    /// Globals that are there for others' files only.
    int library_globals;
    /// What the chunk compiled last assigns: `lb_global_write`s, each followed by its name.
    lb_buffer global_writes;

    /// json_decode.cpp's parser and padded input.
    void *json;
};

#ifdef __cplusplus
extern "C" {
#endif

/// A thread's extra space holds the host's address; the lowest bit says that the thread is a root coroutine.
static inline lb_host *lb_host_at(lua_State *L) {
    return (lb_host *)(*(uintptr_t *)lua_getextraspace(L) & ~(uintptr_t)1);
}

static inline void lb_mark_root(lua_State *L) {
    *(uintptr_t *)lua_getextraspace(L) |= 1;
}

/// Whether a thread belongs to the host: a root coroutine or the main thread.
static inline bool lb_is_root(lua_State *L) {
    return (*(uintptr_t *)lua_getextraspace(L) & 1) != 0 || L == lb_host_at(L)->main;
}

// allocator.c
void *lb_allocate(void *host, void *block, size_t old_size, size_t new_size);
/// An upper bound of the size of the largest block, or 0 while there is none of 1 MiB.
size_t lb_largest_block(const lb_host *host);
/// Frees what is held back, when the state is closed.
void lb_free_held(lb_host *host);
/// Pushes "file:line: memory limit of N MiB exceeded" for the last refusal.
void lb_push_memory_message(lua_State *L, lb_host *host);
/// "memory limit of N MiB exceeded", at most `size` bytes.
void lb_write_memory_message(const lb_host *host, char *text, size_t size);

// collisions.c
/// Whether a block may be the hash part of a table, large enough to be watched.
bool lb_is_node_size(size_t size);
void lb_watch_nodes(lb_host *host, const void *block, size_t size);
void lb_forget_nodes(lb_host *host, const void *block);
/// The nanoseconds that a table needs, at most, to move its keys into a hash part of `size` bytes.
int64_t lb_collision_cost(lb_host *host, size_t size);

// budget.c
void lb_hook(lua_State *L, lua_Debug *activation);
/// The number of instructions between two hooks that suits the largest block.
int lb_hook_interval(const lb_host *host);
/// Whether the slice has used its budget up, or will have after `ahead` nanoseconds more; remembers where on `L` the
/// first time.
bool lb_overdue(lb_host *host, lua_State *L, int64_t ahead);
/// From now on every instruction of the thread raises.
void lb_stop_thread(lua_State *L);
/// Looks at the clock before work of so many units; raises once the budget is spent.
void lb_charge_slowly(lua_State *L, lb_host *host, size_t units);
/// CPU time of this thread, in nanoseconds.
int64_t lb_cpu_time(void);
/// Charges the comparisons of strings on this thread to a host, or NULL; returns the one before.
lb_host *lb_set_comparing(lb_host *host);
void lb_push_budget_message(lua_State *L, lb_host *host);
/// The message without its position, at most `size` bytes.
void lb_write_budget_message(const lb_host *host, char *text, size_t size);
/// A slice begins or, inside another, belongs to that one.
void lb_begin_slice(lb_host *host, int64_t budget, bool handler);
void lb_end_slice(lb_host *host);
void lb_write_position(lua_State *L, int level, char *buffer, size_t size);

static inline int64_t lb_nanoseconds(size_t units) {
    return units > INT64_MAX / 16 ? INT64_MAX / 2 : (int64_t)units * 10;
}

/// Charges work that a C function is about to do, in units of about 10 ns. Raises once the budget is spent, and when it
/// does not hold the work.
static inline void lb_charge(lua_State *L, lb_host *host, size_t units) {
    if (units >= LB_CLOCK_UNITS || (host->steps += (unsigned)units) >= LB_CLOCK_UNITS) {
        lb_charge_slowly(L, host, units);
    }
}

// trampoline.c
/// Makes room for `slots` more values, or raises "stack overflow" with the line of the script.
void lb_ensure_stack(lua_State *L, int slots);
extern const char lb_leaf_marker;
extern const char lb_link_marker;

static inline bool lb_has_marker(lua_State *L, const char *marker) {
    return lua_gettop(L) > 0 && lua_touserdata(L, -1) == marker;
}

// libraries
void lb_open_coroutine_library(lua_State *L);
void lb_open_string_library(lua_State *L);
void lb_open_table_library(lua_State *L);
void lb_open_base_library(lua_State *L);
/// What reading an undefined global does, and `_G`.
void lb_open_globals(lua_State *L);
void lb_open_debug_library(lua_State *L);
void lb_open_package_library(lua_State *L);
/// Pops a table of functions that others' files find in the library below it. In an agent's own file reading a function
/// that is not there is an error with the advice.
void lb_refuse_absent_functions(lua_State *L, const char *library, const char *advice);
/// Puts right what is wrong in the utf8 library on top of the stack.
void lb_mend_utf8_library(lua_State *L);
/// Resumes `co` as Lua's own lua_resume does, and keeps the account of what runs.
int lb_resume_thread(lua_State *co, lua_State *from, int arguments, int *count);
/// Closes a suspended thread's pending variables. LUA_OK, or an error whose message is on top of its stack.
int lb_reset_thread(lb_host *host, lua_State *co);
/// Replaces the message of a memory error by one that names the place. `status` as lua_pcallk returns it.
void lb_name_memory_error(lua_State *L, lb_host *host, int status);

// charged.c
/// Each charges what its library, on top of the stack, has from Lua itself.
void lb_charge_base_library(lua_State *L);
void lb_charge_string_library(lua_State *L);
void lb_charge_table_library(lua_State *L);
void lb_charge_utf8_library(lua_State *L);
/// As above, for what arithmetic does when an operand is a string: the metatable is on top of the stack.
void lb_charge_string_metatable(lua_State *L);
/// Pushes a library of those functions of os, on top of the stack, that an agent has.
void lb_charge_os_library(lua_State *L);
/// Charges all functions of the library on top of the stack but those with values of their own (math.random).
void lb_charge_library(lua_State *L);

// absent.c
/// What an agent has in the place of a global or a library's function that is not there; NULL for a name that nobody
/// would look for.
const char *lb_advice_on_global(const char *name);
const char *lb_advice_on_function(const char *library, const char *name);

// compile.c
/// As lua_load of text, charged to the budget.
int lb_load(lua_State *L, lua_Reader read, void *context, const char *name);
int lb_load_text(lua_State *L, const char *text, size_t length, const char *name);

// compiled.c
/// Puts right what Lua 5.4.4 has compiled wrongly in the function on top of the stack. LUA_OK, or an error whose message
/// replaces the function.
int lb_mend_compiled(lua_State *L, const char *chunk_name);

// traceback.c
void lb_record_traceback(lua_State *L, lb_host *host);
/// A message handler: says of an overflow of the C stack where it was and what called itself.
int lb_explain_overflow(lua_State *L);

// work.c
struct lb_work {
    lua_State *running;
    bool opens_slice;
};

/// Host code begins to work for a script, on its stack `L`: in the slice that runs, else in one of its own, a handler's
/// or not.
struct lb_work lb_begin_work(lua_State *L, int64_t budget, bool handler);
void lb_end_work(lb_host *host, struct lb_work outer);
/// Runs `body`, with `context` as a light userdata and room for `slots` values on its stack, which it must ask for, as
/// such work: allocations are refused past the limit, and whatever Lua raises ends here. LB_RETURNED, and its one result
/// is on the stack; else LB_FAILED_MEMORY or LB_FAILED_BUDGET, and `message` (LB_MESSAGE_SIZE bytes) says why.
enum lb_step lb_do_work(
    lua_State *L, lua_CFunction body, void *context, int slots, int64_t budget, char *message);
/// The message of a failed step without its position, at most `size` bytes.
void lb_write_refusal(const lb_host *host, enum lb_step step, char *text, size_t size);
bool lb_charge_work_slowly(lua_State *L, lb_host *host, size_t units);

/// As `lb_charge`, for code that must not raise: false once the budget is spent, or when it does not hold the work.
static inline bool lb_charge_work(lua_State *L, lb_host *host, size_t units) {
    return (units < LB_CLOCK_UNITS && (host->steps += (unsigned)units) < LB_CLOCK_UNITS)
        || lb_charge_work_slowly(L, host, units);
}

/// What walking through one table is charged, beyond its entries. It visits empty slots too: a table that has been
/// emptied has as many as it ever had, and may be met again and again. How many is not told, but no more than fit into
/// the memory in use, so tables are charged by that: in the worst case (1.5 ns for each slot of 40 bytes) the clock is
/// looked at every 25 ms; in a state of 1 MiB, every 400 tables.
static inline size_t lb_table_units(const lb_host *host) {
    return 4 + (host->used >> 17);
}

// json
void lb_json_close(lb_host *host);

// buffer.c
bool lb_buffer_reserve(lb_buffer *buffer, size_t more);
void lb_buffer_append(lb_buffer *buffer, const char *bytes, size_t length);
void lb_buffer_text(lb_buffer *buffer, const char *text);
/// Appends a key to a path: `.name`, `["a name"]` or `[3]`. `name` is NULL for a number.
void lb_buffer_key(lb_buffer *buffer, const char *name, size_t length, long long number);

#ifdef __cplusplus
}
#endif
