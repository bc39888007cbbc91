// Runs scripts in states of the bridge as the host does, for scripts/check-bridge: under Lua's own assertions and the
// sanitizers, which turn a write past a stack or a use of freed memory into a report instead of a wrong value.
//
//   driver all SCRIPT.lua            once to its end with every wait answered, once with every wait failed, and then
//                                    given up at its first wait, its second, and so on; any error fails the check
//   driver each SCRIPTS.lua          each of the scripts that lines of four hyphens divide, in a state of its own
//   driver random TIMES SCRIPT.lua   so often, with the choices of `random` going on, and of its waits some answered, some
//                                    failed and some given up
//
// With `each` and `random` a script may end as it likes, but ends soon: only `must`, an assertion of Lua's or a report of
// a sanitizer fails the check. What else a script sees of the driver are the host functions below.

#include "bridge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY ((size_t)64 << 20)
/// Of one slice, in nanoseconds. Everything is some ten times slower here than it is.
static int64_t budget = INT64_C(60000000000);
/// Of one that may end as it likes.
#define SHORT_BUDGET INT64_C(150000000)
/// A script's `must` was not so.
static bool failed;
/// Scripts are given up at each of their first so many waits.
#define GIVEN_UP 40

// MARK: - Host functions

enum function { DECODE, ENCODE, COPY, WAIT, CALL, SPAWN, SHOW, ARRAY, FILL, THROW, RANDOM, LIMIT, MUST, FUNCTIONS };

static const char *const names[FUNCTIONS] = {
    "decode", "encode", "copy", "wait", "call", "spawn", "show", "array", "fill", "throw", "random", "limit",
    "must",
};

static unsigned seed = 1;

static unsigned next_random(void) {
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed;
}

static int raise(lua_State *L, const char *message) {
    lb_push_failure(L, message, strlen(message), true);
    return LB_RAISE;
}

static int decode(lua_State *L) {
    size_t length;
    const char *text = lua_type(L, 1) == LUA_TSTRING ? lua_tolstring(L, 1, &length) : NULL;
    lb_json_error error;
    if (text == NULL) {
        return raise(L, "text expected");
    }
    return lb_json_decode(L, text, length, lua_toboolean(L, 2), budget, &error) == LB_RETURNED ? 1 : raise(L, error.message);
}

static int encode(lua_State *L) {
    lb_buffer buffer = {0};
    // A second argument asks for what is to be read again.
    enum lb_step (*write)(lua_State *, int, const char *, size_t, int64_t, lb_buffer *) =
        lua_toboolean(L, 2) ? lb_json_keep : lb_json_encode;
    bool made = lua_gettop(L) > 0 && write(L, 1, "value", 8u << 20, budget, &buffer) == LB_RETURNED;
    if (made) {
        lua_pushlstring(L, buffer.bytes, buffer.length);
    } else {
        lb_push_failure(L, buffer.bytes == NULL ? "" : buffer.bytes, buffer.length, true);
    }
    lb_buffer_free(&buffer);
    return made ? 1 : LB_RAISE;
}

/// As a log line shows it, a table as JSON of any length.
static int show(lua_State *L) {
    lb_buffer buffer = {0};
    if (lua_type(L, 1) == LUA_TTABLE && lb_json_show(L, 1, next_random() % 4096, budget, &buffer) == LB_RETURNED) {
        lua_pushlstring(L, buffer.bytes == NULL ? "" : buffer.bytes, buffer.length);
    } else {
        lb_push_display(L, 1);
    }
    lb_buffer_free(&buffer);
    return 1;
}

static int copy(lua_State *L) {
    lb_buffer message = {0};
    bool copied = lua_gettop(L) > 0 && lb_copy_plain(L, 1, L, "value", budget, false, &message) == LB_RETURNED;
    if (!copied) {
        lb_push_failure(L, message.bytes == NULL ? "" : message.bytes, message.length, true);
    }
    lb_buffer_free(&message);
    return copied ? 1 : LB_RAISE;
}

/// Calls a function in a root coroutine of its own; what it waits for is given up.
static int run_nested(lua_State *L, bool may_wait) {
    lb_host *host = lb_host_of(L);
    lua_State *co = lb_new_thread(host);
    int anchor = luaL_ref(lb_main_thread(host), LUA_REGISTRYINDEX);
    lua_settop(L, 1);
    lua_xmove(L, co, 1);
    int count = 0;
    enum lb_step step = lb_start(co, 0, budget, may_wait, may_wait, &count);
    bool failed = step != LB_RETURNED && step != LB_WAITING;
    if (step == LB_WAITING) {
        lb_abandon(co, budget);
    } else if (failed) {
        lb_push_display(co, -1);
        lua_xmove(co, L, 1);
    }
    luaL_unref(lb_main_thread(host), LUA_REGISTRYINDEX, anchor);
    return failed ? LB_RAISE : 0;
}

static int call_host(void *owner, lua_State *L, int function) {
    (void)owner;
    switch ((enum function)function) {
    case DECODE: return decode(L);
    case ENCODE: return encode(L);
    case COPY: return copy(L);
    case WAIT: return lb_can_wait(L) ? LB_WAIT : raise(L, "attempt to wait in a place that cannot wait");
    case CALL: return run_nested(L, false);
    case SPAWN: return run_nested(L, true);
    case SHOW: return show(L);
    case ARRAY:
        lua_settop(L, 1);
        lb_mark_array(L, 1);
        return 1;
    case FILL:
        // As much as a host function may push without asking.
        for (int i = 0; i < LB_HOST_SLOTS; i++) {
            lua_pushinteger(L, i);
        }
        return LB_HOST_SLOTS;
    case THROW: return raise(L, "thrown by the host");
    case RANDOM:
        lua_pushinteger(L, (lua_Integer)next_random());
        return 1;
    case LIMIT: {
        // So many bytes more than now, as a script gets there that fills its memory.
        lb_host *host = lb_host_of(L);
        host->limit = lua_isinteger(L, 1) ? host->used + (size_t)lua_tointeger(L, 1) : MEMORY;
        return 0;
    }
    case MUST:
        if (!lua_toboolean(L, 1)) {
            lb_push_display(L, 2);
            fprintf(stderr, "driver: %s\n", lua_tostring(L, -1));
            failed = true;
        }
        return 0;
    case FUNCTIONS: break;
    }
    abort();
}

static int print_line(lua_State *L) {
    for (int i = 1; i <= lua_gettop(L); i++) {
        lb_push_display(L, i);
        printf("%s%s", i == 1 ? "" : "\t", lua_tostring(L, -1));
        lua_settop(L, -2);
    }
    printf("\n");
    return 0;
}

static lb_host *open_host(void) {
    lb_host *host = lb_open(MEMORY, call_host, NULL);
    if (host == NULL) {
        fprintf(stderr, "driver: no state\n");
        exit(1);
    }
    lua_State *L = lb_main_thread(host);
    for (int i = 0; i < FUNCTIONS; i++) {
        lb_push_function(L, i);
        lua_setglobal(L, names[i]);
    }
    lua_pushcfunction(L, print_line);
    lua_setglobal(L, "print");
    lb_push_null(L);
    lua_setglobal(L, "null");
    return host;
}

// MARK: - Running

enum ending { ANSWERED, FAILED, GIVEN_UP_AT };

/// Runs a script in a state of its own. True when it ended as it should: it returned, or was given up.
static bool run(const char *path, const char *source, size_t length, enum ending ending, int wait, int *waits) {
    char name[256];
    const char *base = strrchr(path, '/');
    snprintf(name, sizeof name, "@%s", base == NULL ? path : base + 1);
    lb_host *host = open_host();
    lua_State *co = lb_new_thread(host);
    bool good = true;
    int count = 0;
    *waits = 0;
    enum lb_step step = lb_compile(co, source, length, name, budget);
    if (step == LB_RETURNED) {
        step = lb_start(co, 0, budget, true, true, &count);
    } else {
        count = 1;
    }
    while (step == LB_WAITING) {
        ++*waits;
        if (ending == GIVEN_UP_AT && *waits == wait) {
            lb_abandon(co, budget);
            lb_collect(host);
            lb_close(host);
            return true;
        }
        if (ending == FAILED) {
            lua_pushliteral(co, "the wait failed");
            step = lb_resume_raising(co, *waits % 2 == 0, budget, &count);
        } else {
            int results = *waits % 7;
            for (int i = 0; i < results; i++) {
                lua_pushinteger(co, i);
            }
            step = lb_resume(co, results, budget, &count);
        }
    }
    if (step != LB_RETURNED) {
        lb_push_display(co, -1);
        const char *traceback = lb_traceback(host);
        // A script says what it expects: one that waits may well end with the wait's failure.
        good = ending == FAILED && *waits > 0;
        if (!good) {
            fprintf(stderr, "%s: %s\n%s\n", path, lua_tostring(co, -1), traceback == NULL ? "" : traceback);
        }
    }
    lua_settop(co, 0);
    // Nothing waits now: a resumption must be refused.
    lua_pushinteger(co, 1);
    if (lb_resume(co, 1, budget, &count) != LB_NOT_WAITING || lua_gettop(co) != 0) {
        fprintf(stderr, "%s: a thread that does not wait was resumed\n", path);
        good = false;
    }
    lb_collect(host);
    lb_close(host);
    return good;
}

static char *read_file(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        perror(path);
        exit(1);
    }
    *length = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*length + 1);
    if (bytes == NULL || fread(bytes, 1, *length, file) != *length) {
        perror(path);
        exit(1);
    }
    fclose(file);
    return bytes;
}

/// Runs a script as it comes: how it ends is its own.
static void run_once(const char *script, size_t length) {
    lb_host *host = open_host();
    lua_State *co = lb_new_thread(host);
    int count = 0;
    enum lb_step step = lb_compile(co, script, length, "=script", budget);
    if (step == LB_RETURNED) {
        step = lb_start(co, 0, budget, true, true, &count);
    }
    while (step == LB_WAITING) {
        unsigned choice = next_random() % 8;
        if (choice == 0) {
            lb_abandon(co, budget);
            break;
        }
        if (choice <= 2) {
            lua_pushliteral(co, "the wait failed");
            step = lb_resume_raising(co, choice == 1, budget, &count);
        } else {
            for (unsigned i = 3; i < choice; i++) {
                lua_pushinteger(co, (lua_Integer)i);
            }
            step = lb_resume(co, (int)choice - 3, budget, &count);
        }
    }
    lb_collect(host);
    lb_close(host);
}

static void run_each(char *source, size_t length) {
    source[length] = 0;
    for (char *script = source; script != NULL;) {
        char *end = strstr(script, "\n----\n");
        run_once(script, end == NULL ? strlen(script) : (size_t)(end - script));
        script = end == NULL ? NULL : end + 6;
    }
}

static bool run_all(const char *path, const char *source, size_t length) {
    int waits;
    int ignored;
    bool good = run(path, source, length, ANSWERED, 0, &waits);
    if (waits > 0) {
        good = run(path, source, length, FAILED, 0, &ignored) && good;
    }
    for (int wait = 1; wait <= waits && wait <= GIVEN_UP; wait++) {
        good = run(path, source, length, GIVEN_UP_AT, wait, &ignored) && good;
    }
    return good;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        return 2;
    }
    size_t length;
    char *source = read_file(argv[argc - 1], &length);
    if (strcmp(argv[1], "all") == 0) {
        failed = !run_all(argv[2], source, length);
    } else {
        budget = SHORT_BUDGET;
        if (strcmp(argv[1], "each") == 0) {
            run_each(source, length);
        } else {
            for (int i = atoi(argv[2]); i > 0; i--) {
                run_once(source, length);
            }
        }
    }
    free(source);
    return failed ? 1 : 0;
}
