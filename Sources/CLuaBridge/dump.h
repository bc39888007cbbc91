// Reading a dump: Lua's own format of compiled chunks (ldump.c), written and read by the same library, is the one way to see
// instructions without Lua's internals. Scripts can neither make nor load compiled chunks.
#pragma once

#include "bridge.h"

/// What precedes the first function: signature, version, format, test data, sizes, test numbers, count of upvalues.
#define LB_DUMP_HEADER (4 + 1 + 1 + 6 + 3 + 8 + 8 + 1)

struct lb_dump {
    unsigned char *bytes;
    size_t length;
    size_t at;
};

static inline size_t lb_read_size(struct lb_dump *dump) {
    size_t size = 0;
    while (dump->at < dump->length) {
        unsigned char byte = dump->bytes[dump->at++];
        size = size << 7 | (byte & 0x7F);
        if (byte & 0x80) {
            break;
        }
    }
    return size;
}

static inline void lb_skip_string(struct lb_dump *dump) {
    size_t size = lb_read_size(dump);
    dump->at += size == 0 ? 0 : size - 1;
}

static inline void lb_skip_constant(struct lb_dump *dump) {
    switch (dump->bytes[dump->at++] & 0x0F) {
    case LUA_TNUMBER:
        dump->at += 8;
        break;
    case LUA_TSTRING:
        lb_skip_string(dump);
        break;
    default:
        break;
    }
}

/// The short string that is a constant, the `index`-th of those at `at`: only such a key stands in an instruction.
static inline const char *lb_constant_name(struct lb_dump dump, size_t at, size_t index, size_t *length) {
    dump.at = at;
    while (index-- > 0) {
        lb_skip_constant(&dump);
    }
    dump.at++;
    *length = lb_read_size(&dump) - 1;
    return (const char *)dump.bytes + dump.at;
}

/// Writes the function on top of the stack over what the buffer holds; false when there is no memory for it.
bool lb_dump_function(lua_State *L, lb_buffer *buffer, bool strip);
