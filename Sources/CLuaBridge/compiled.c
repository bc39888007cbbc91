// Puts right, before it runs, what the compiler of Lua 5.4.4 gets wrong (LuaDefects in LuaRuntime's documentation), and
// notes which globals the code assigns.
//
// The chunk is dumped, read, and, where something had to be changed, loaded again.

#include "dump.h"
#include "instructions.h"

#include <stdlib.h>

/// Bytes of notes on assigned globals; of a chunk with more there is none, as what is missing would tell the wrong story.
#define MOST_NOTES (1 << 16)

/// An instruction whose line is not a difference but stands in a list of its own.
#define ABSOLUTE_LINE (-0x80)

struct chunk {
    struct lb_dump dump;
    bool changed;
    /// Where an expression with too many fields is; 0 for none.
    long long bad_line;
    lb_buffer *notes;
};

/// A function of the chunk, as far as it has been read; the places are in the chunk's bytes.
struct function {
    const struct function *outer;
    size_t defined;
    size_t code;
    size_t count;
    /// The first constant, and how many there are.
    size_t constants;
    size_t constant_count;
    /// The description of the first upvalue.
    size_t upvalues;
    /// The first instruction that reads too many fields, or `count`.
    size_t bad;
};

// MARK: - Reading a dump

/// Whether an upvalue is the table of globals: `_ENV` of the main function, and what functions in it have from there.
static bool is_globals(const struct chunk *chunk, const struct function *function, size_t upvalue) {
    for (; function->outer != NULL; function = function->outer) {
        const unsigned char *description = chunk->dump.bytes + function->upvalues + 3 * upvalue;
        bool is_local_of_outer = description[0] != 0;
        if (is_local_of_outer) {
            return false;
        }
        upvalue = description[1];
    }
    return upvalue == 0;
}

/// Notes `name = value` for a global: the opcode that sets a field of an upvalue. (In a function with more than 256
/// constants another may do so, and that is not noted.)
static void note_assignment(struct chunk *chunk, const struct function *function, uint32_t instruction, long long line) {
    size_t constant = field_b(instruction);
    if (chunk->notes->length > MOST_NOTES || !is_globals(chunk, function, field_a(instruction))
        || constant >= function->constant_count) {
        return;
    }
    size_t length;
    const char *name = lb_constant_name(chunk->dump, function->constants, constant, &length);
    if (!lb_buffer_reserve(chunk->notes, sizeof(lb_global_write) + length)) {
        return;
    }
    lb_global_write note = {.line = line, .length = length, .in_function = function->outer != NULL};
    lb_buffer_append(chunk->notes, (const char *)&note, sizeof note);
    lb_buffer_append(chunk->notes, name, length);
}

/// Reads the lines of a function's instructions, for those that something is to be said about.
static void read_lines(struct chunk *chunk, const struct function *function) {
    size_t count = lb_read_size(&chunk->dump);
    const signed char *differences = (const signed char *)chunk->dump.bytes + chunk->dump.at;
    chunk->dump.at += count;
    size_t absolutes = lb_read_size(&chunk->dump);
    long long line = (long long)function->defined;
    for (size_t i = 0; i < count && i < function->count; i++) {
        if (differences[i] != ABSOLUTE_LINE) {
            line += differences[i];
        } else if (absolutes > 0) {
            absolutes--;
            lb_read_size(&chunk->dump);
            line = (long long)lb_read_size(&chunk->dump);
        }
        if (i == function->bad && chunk->bad_line == 0) {
            chunk->bad_line = line;
        }
        uint32_t instruction = instruction_at(chunk->dump.bytes + function->code, i);
        if (opcode(instruction) == OP_SETTABUP) {
            note_assignment(chunk, function, instruction, line);
        }
    }
    for (; absolutes > 0; absolutes--) {
        lb_read_size(&chunk->dump);
        lb_read_size(&chunk->dump);
    }
}

/// Reads a function and those in it. They nest at most 200 deep, the parser's own limit.
static void read_function(struct chunk *chunk, const struct function *outer) {
    struct function function = {.outer = outer};
    lb_skip_string(&chunk->dump);
    function.defined = lb_read_size(&chunk->dump);
    lb_read_size(&chunk->dump);
    chunk->dump.at += 3;  // Parameters, whether there are more, size of the stack.
    function.count = lb_read_size(&chunk->dump);
    function.code = chunk->dump.at;
    unsigned char *code = chunk->dump.bytes + chunk->dump.at;
    chunk->dump.at += 4 * function.count;
    chunk->changed = lb_mend_instructions(code, function.count) || chunk->changed;
    function.bad = lb_find_fields(code, function.count);
    function.constant_count = lb_read_size(&chunk->dump);
    function.constants = chunk->dump.at;
    for (size_t n = function.constant_count; n > 0; n--) {
        lb_skip_constant(&chunk->dump);
    }
    size_t upvalues = lb_read_size(&chunk->dump);
    function.upvalues = chunk->dump.at;
    chunk->dump.at += 3 * upvalues;
    for (size_t n = lb_read_size(&chunk->dump); n > 0; n--) {
        read_function(chunk, &function);
    }
    read_lines(chunk, &function);
    for (size_t n = lb_read_size(&chunk->dump); n > 0; n--) {
        lb_skip_string(&chunk->dump);
        lb_read_size(&chunk->dump);
        lb_read_size(&chunk->dump);
    }
    for (size_t n = lb_read_size(&chunk->dump); n > 0; n--) {
        lb_skip_string(&chunk->dump);
    }
}

bool lb_next_global_write(lb_host *host, size_t *at, const char **name, lb_global_write *write) {
    const lb_buffer *notes = &host->global_writes;
    if (notes->length - *at < sizeof *write) {
        return false;
    }
    memcpy(write, notes->bytes + *at, sizeof *write);
    *name = notes->bytes + *at + sizeof *write;
    *at += sizeof *write + write->length;
    return *at <= notes->length;
}

// MARK: - Mending

static int write_bytes(lua_State *L, const void *bytes, size_t length, void *buffer) {
    (void)L;
    if (!lb_buffer_reserve(buffer, length)) {
        return 1;
    }
    lb_buffer_append(buffer, bytes, length);
    return 0;
}

bool lb_dump_function(lua_State *L, lb_buffer *buffer, bool strip) {
    buffer->length = 0;
    return lua_dump(L, write_bytes, buffer, strip) == 0 && buffer->length >= LB_DUMP_HEADER;
}

static const char *read_bytes(lua_State *L, void *context, size_t *length) {
    (void)L;
    lb_buffer *buffer = context;
    *length = buffer->length;
    buffer->length = 0;
    return buffer->bytes;
}

/// Replaces the function on top by the message of an error.
static int fail(lua_State *L, long long line) {
    lua_Debug record;
    lua_getinfo(L, ">S", &record);
    lua_pushfstring(L, "%s:%I: more than %d fields read one from another in one expression", record.short_src,
                    (LUAI_UACINT)line, LB_MOST_FIELDS);
    return LUA_ERRSYNTAX;
}

int lb_mend_compiled(lua_State *L, const char *chunk_name) {
    lb_host *host = lb_host_at(L);
    lb_buffer buffer = {0};
    if (!lb_dump_function(L, &buffer, false)) {
        lb_buffer_free(&buffer);
        lua_settop(L, -2);
        lua_pushliteral(L, "there is no memory to compile with");
        return LUA_ERRSYNTAX;
    }
    host->global_writes.length = 0;
    struct chunk chunk = {
        .dump = {(unsigned char *)buffer.bytes, buffer.length, LB_DUMP_HEADER}, .notes = &host->global_writes};
    read_function(&chunk, NULL);
    if (host->global_writes.length > MOST_NOTES) {
        host->global_writes.length = 0;
    }
    int status = LUA_OK;
    if (chunk.bad_line != 0) {
        bool was = host->in_vm;
        host->in_vm = false;
        status = fail(L, chunk.bad_line);
        host->in_vm = was;
    } else if (chunk.changed) {
        lua_settop(L, -2);
        status = lua_load(L, read_bytes, &buffer, chunk_name, "b");
    }
    lb_buffer_free(&buffer);
    return status;
}
