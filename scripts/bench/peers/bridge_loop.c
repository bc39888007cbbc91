// JSON → Lua → JSON with the bridge of the host: decoded, given to a handler in a coroutine under the host's limits, and
// what it returns encoded.
//
//   bridge_loop DOCUMENT HANDLER COUNT
//
// Arguments and output are those of cjson_loop.lua.
#include <CLuaBridge.h>
#include <lauxlib.h>
#include <lua.h>
#include <string.h>
#include <time.h>

#include "clock.h"

static const int64_t BUDGET = 500000000, LIMIT = 1 << 24;

static int no_function(void *owner, lua_State *L, int function) {
    (void)owner;
    (void)L;
    (void)function;
    return 0;
}

static char *read_file(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    if (!file) fail(path);
    char *bytes = calloc(1, 1 << 20);
    *length = fread(bytes, 1, (1 << 20) - 64, file);
    fclose(file);
    return bytes;
}

int main(int argc, char **argv) {
    if (argc != 4) fail("usage: bridge_loop DOCUMENT HANDLER COUNT");
    size_t length, source_length;
    const char *document = read_file(argv[1], &length), *source = read_file(argv[2], &source_length);
    const long count = atol(argv[3]);
    lb_host *host = lb_open(256 << 20, no_function, NULL);
    lua_State *L = lb_main_thread(host), *co = lb_new_thread(host);
    int results = 0;
    if (lb_compile(co, source, source_length, "=handler", BUDGET) != LB_RETURNED) fail(lua_tostring(co, -1));
    if (lb_start(co, 0, BUDGET, false, false, &results) != LB_RETURNED || results != 1) fail("the handler does not load");
    lua_xmove(co, L, 1);
    const int handler = luaL_ref(L, LUA_REGISTRYINDEX);
    lb_buffer buffer = {0};
    lb_json_error error;

    const clock_t began = clock();
    for (long i = 0; i < count; i++) {
        lua_rawgeti(co, LUA_REGISTRYINDEX, handler);
        if (lb_json_decode(co, document, length, false, BUDGET, &error) != LB_RETURNED) fail(error.message);
        if (lb_start(co, 1, BUDGET, true, true, &results) != LB_RETURNED || results != 1) fail(lua_tostring(co, -1));
        if (lb_json_encode(co, -1, "result", LIMIT, BUDGET, &buffer) != LB_RETURNED) fail("no JSON");
        lua_settop(co, 0);
    }
    const double used = (double)(clock() - began) / CLOCKS_PER_SEC;
    printf("%.*s\n%.1f\n", (int)buffer.length, buffer.bytes, used / (double)count * 1e9);
    return 0;
}
