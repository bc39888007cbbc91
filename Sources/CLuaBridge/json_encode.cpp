// Lua values to JSON.

#include "bridge.h"
#include "json_text.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>

namespace {

/// One table on the way from the root to the value being written.
struct Frame {
    const void *table;
    /// The key in the table before: a name, or NULL and a number.
    const char *name;
    size_t name_length;
    long long number;
};

class Encoder {
public:
    Encoder(lua_State *L, const char *path, size_t limit, lb_buffer *out)
        : L(L), path(path), limit(limit), out(out), array_metatable(lb_host_at(L)->array_metatable) {}

    /// Writes the value on top of the stack.
    bool value() {
        switch (lua_type(L, -1)) {
        case LUA_TNIL:
            return add("null", 4);
        case LUA_TBOOLEAN:
            return lua_toboolean(L, -1) ? add("true", 4) : add("false", 5);
        case LUA_TNUMBER:
            return lua_isinteger(L, -1) ? integer(lua_tointeger(L, -1)) : number(lua_tonumber(L, -1));
        case LUA_TSTRING:
            return string();
        case LUA_TTABLE:
            return table();
        default:
            return lb_is_null(L, -1) ? add("null", 4) : fail_kind(lua_typename(L, lua_type(L, -1)));
        }
    }

private:
    lua_State *L;
    const char *path;
    size_t limit;
    lb_buffer *out;
    int array_metatable;
    int depth = 0;
    bool failed_text = false;
    Frame frames[LB_JSON_DEPTH + 1];

    // MARK: Failing

    bool fail(const char *what) {
        lb_buffer message = {nullptr, 0, 0};
        write_path(&message, depth);
        lb_buffer_text(&message, " ");
        lb_buffer_text(&message, what);
        lb_buffer_free(out);
        *out = message;
        return false;
    }

    void write_path(lb_buffer *message, int levels) {
        lb_buffer_text(message, path);
        for (int i = 0; i < levels; i++) {
            lb_buffer_key(message, frames[i].name, frames[i].name_length, frames[i].number);
        }
    }

    bool fail_kind(const char *kind) {
        char what[64];
        std::snprintf(what, sizeof what, "is a %s, which JSON cannot hold", kind);
        return fail(what);
    }

    // MARK: Writing

    /// Room for so many bytes more, within the limit.
    bool reserve(size_t more) {
        if (more <= out->capacity - out->length && more <= limit - out->length) {
            return true;
        }
        if (more > limit - out->length) {
            char what[64];
            std::snprintf(what, sizeof what, "makes more than %zu bytes of JSON", limit);
            return fail(what);
        }
        return lb_buffer_reserve(out, more) || fail("needs more memory than there is");
    }

    bool add(const char *text, size_t length) {
        if (!reserve(length)) {
            return false;
        }
        std::memcpy(out->bytes + out->length, text, length);
        out->length += length;
        return true;
    }

    bool add(char c) {
        if (!reserve(1)) {
            return false;
        }
        out->bytes[out->length++] = c;
        return true;
    }

    bool integer(long long value) {
        char text[24];
        return add(text, static_cast<size_t>(std::to_chars(text, text + sizeof text, value).ptr - text));
    }

    bool number(double value) {
        if (std::isnan(value)) {
            return fail("is not a number (nan), which JSON cannot hold");
        }
        if (std::isinf(value)) {
            return fail("is infinite, which JSON cannot hold");
        }
        char text[lb_json::number_size];
        char *end = lb_json::write_number(value, text);
        return add(text, static_cast<size_t>(end - text));
    }

    bool string() {
        size_t length;
        const char *bytes = lua_tolstring(L, -1, &length);
        if (add_string(bytes, length)) {
            return true;
        }
        return failed_text ? fail("is a string that is not UTF-8") : false;
    }

    bool add_string(const char *bytes, size_t length) {
        // Escapes, which the usual text does not have, reserve their own room.
        if (!reserve(length + 2)) {
            return false;
        }
        char *to = out->bytes + out->length;
        *to++ = '"';
        size_t i = lb_json::simple_prefix(bytes, length);
        std::memcpy(to, bytes, i);
        to += i;
        unsigned char all = 0;
        for (; i < length && lb_json::plain(static_cast<unsigned char>(bytes[i])); i++) {
            all |= static_cast<unsigned char>(bytes[i]);
            *to++ = bytes[i];
        }
        out->length = static_cast<size_t>(to - out->bytes);
        if (i < length) {
            all |= 0x80;
            if (!add_escaped(bytes + i, length - i)) {
                return false;
            }
        }
        if (all >= 0x80 && !lb_is_valid_utf8(bytes, length)) {
            failed_text = true;
            return false;
        }
        return add('"');
    }

    bool add_escaped(const char *bytes, size_t length) {
        size_t run = 0;
        for (size_t i = 0; i < length; i++) {
            unsigned char c = static_cast<unsigned char>(bytes[i]);
            if (lb_json::plain(c)) {
                continue;
            }
            char escape[8];
            const char *known = c == 0 ? nullptr : std::strchr("\"\"\\\\\bb\ff\nn\rr\tt", c);
            int size = known != nullptr ? std::snprintf(escape, sizeof escape, "\\%c", known[1])
                                        : std::snprintf(escape, sizeof escape, "\\u%04x", c);
            if (!add(bytes + run, i - run) || !add(escape, static_cast<size_t>(size))) {
                return false;
            }
            run = i + 1;
        }
        return add(bytes + run, length - run);
    }

    // MARK: Tables

    bool is_array() {
        if (!lua_getmetatable(L, -1)) {
            return false;
        }
        lua_rawgeti(L, LUA_REGISTRYINDEX, array_metatable);
        bool same = lua_rawequal(L, -1, -2);
        lua_settop(L, -3);
        return same;
    }

    bool table() {
        const void *identity = lua_topointer(L, -1);
        for (int i = 0; i < depth; i++) {
            if (frames[i].table == identity) {
                return fail_cycle(i);
            }
        }
        if (depth == LB_JSON_DEPTH) {
            return fail("is nested deeper than 128 levels");
        }
        if (!lua_checkstack(L, 8)) {
            return fail("needs more memory than there is");
        }
        frames[depth].table = identity;
        if (is_array()) {
            return array();
        }
        lua_pushnil(L);
        if (!lua_next(L, -2)) {
            return add("{}", 2);
        }
        if (lua_type(L, -2) == LUA_TSTRING) {
            return object();
        }
        lua_settop(L, -3);
        return array();
    }

    bool fail_cycle(int level) {
        lb_buffer what = {nullptr, 0, 0};
        lb_buffer_text(&what, "is a cycle (it is ");
        write_path(&what, level);
        lb_buffer_text(&what, " again)");
        lb_buffer_append(&what, "", 1);
        bool result = fail(what.bytes);
        lb_buffer_free(&what);
        return result;
    }

    /// Writes the value on top of the stack below the given key.
    bool below(const char *name, size_t length, long long number) {
        frames[depth].name = name;
        frames[depth].name_length = length;
        frames[depth].number = number;
        depth++;
        bool written = value();
        if (written) {
            depth--;
        }
        return written;
    }

    /// Writes an object; its table, first key and first value are on the stack.
    bool object() {
        char before = '{';
        do {
            if (lua_type(L, -2) != LUA_TSTRING) {
                return fail("has keys of several kinds: a JSON object has strings only");
            }
            size_t length;
            const char *name = lua_tolstring(L, -2, &length);
            if (!add(before)) {
                return false;
            }
            if (!add_string(name, length)) {
                return failed_text ? fail("has a key that is not UTF-8") : false;
            }
            if (!add(':') || !below(name, length, 0)) {
                return false;
            }
            lua_settop(L, -2);
            before = ',';
        } while (lua_next(L, -2));
        return add('}');
    }

    /// Writes the array on top of the stack, which has at least one element unless it is marked.
    bool array() {
        size_t length = 0;
        for (lua_pushnil(L); lua_next(L, -2); lua_settop(L, -2)) {
            if (!lua_isinteger(L, -2)) {
                return fail(lua_type(L, -2) == LUA_TSTRING ? "is an array that has other keys too"
                                                           : "has a key that is neither string nor index");
            }
            length++;
        }
        if (!add('[')) {
            return false;
        }
        for (size_t i = 1; i <= length; i++) {
            if (lua_rawgeti(L, -1, static_cast<lua_Integer>(i)) == LUA_TNIL) {
                return fail("is an array with holes");
            }
            if ((i > 1 && !add(',')) || !below(nullptr, 0, static_cast<long long>(i))) {
                return false;
            }
            lua_settop(L, -2);
        }
        return add(']');
    }
};

}  // namespace

bool lb_json_encode(lua_State *L, int index, const char *path, size_t limit, lb_buffer *buffer) {
    buffer->length = 0;
    int top = lua_gettop(L);
    lua_checkstack(L, 8);
    lua_pushvalue(L, index);
    bool written = Encoder(L, path, limit, buffer).value();
    lua_settop(L, top);
    return written;
}
