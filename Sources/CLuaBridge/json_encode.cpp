// Lua values to JSON.
//
// The members of an object are written in the order in which Lua has them, and moved into the order of their names'
// bytes afterwards: that needs neither room on the Lua stack nor a second look at the table.

#include "json_members.h"
#include "json_numbers.h"

#include <CJSON.h>
#include <CJSON/text.h>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>

namespace {

using lb_json::Members;

/// Stack slots that a value needs: a table, its texts, a key and a value on each level, and a few to look at them.
constexpr int slots = 4 * (LB_JSON_DEPTH + 1) + 8;

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
    enum class Mode {
        write,
        /// Only whether there is JSON for the value is asked: strings, which always have some, are left out.
        skim,
        /// For people: what has no JSON is a text in angle brackets, and what is beyond the limit is left out.
        show,
        /// What is written reads as the same value again: bytes that are no text have no JSON.
        keep,
    };

    Encoder(lua_State *L, const char *path, size_t limit, Mode mode, lb_buffer *out)
        : L(L), host(lb_host_at(L)), path(path), limit(limit), mode(mode), out(out), members(L, out) {}

    /// Writes the value at `index`.
    enum lb_step document(int index) {
        index = lua_absindex(L, index);
        lb_json::push_texts(L, host);
        texts = lua_type(L, -1) == LUA_TNIL ? 0 : lua_gettop(L);
        lua_pushvalue(L, index);
        if (!value() && was_cut) {
            lb_buffer_text(out, "…");
        }
        return step;
    }

private:
    lua_State *L;
    lb_host *host;
    const char *path;
    size_t limit;
    Mode mode;
    lb_buffer *out;
    Members members;
    enum lb_step step = LB_RETURNED;
    /// The stack index of the texts of numbers, 0 for none, and of those of the table being written.
    int texts = 0;
    int table_texts = 0;
    int depth = 0;
    bool failed_text = false;
    /// The value is shown as far as the limit allows.
    bool was_cut = false;
    Frame frames[LB_JSON_DEPTH + 1];

    // MARK: Failing

    bool fail(const char *what) {
        lb_buffer message = {nullptr, 0, 0};
        write_path(&message, depth);
        lb_buffer_text(&message, " ");
        lb_buffer_text(&message, what);
        lb_buffer_free(out);
        *out = message;
        step = LB_FAILED_RUNTIME;
        return false;
    }

    bool refuse(enum lb_step refused) {
        char message[LB_MESSAGE_SIZE];
        lb_write_refusal(host, refused, message, sizeof message);
        out->length = 0;
        lb_buffer_text(out, message);
        step = refused;
        return false;
    }

    bool charge(size_t units) {
        return lb_charge_work(L, host, units) || refuse(LB_FAILED_BUDGET);
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
            if (mode == Mode::show) {
                was_cut = true;
                return false;
            }
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
            return lb_is_null(L, -1)     ? add("null", 4)
                   : mode == Mode::show ? show_kind()
                                        : fail_kind(lua_typename(L, lua_type(L, -1)));
        }
    }

    bool integer(long long value) {
        char text[24];
        return add(text, static_cast<size_t>(std::to_chars(text, text + sizeof text, value).ptr - text));
    }

    bool number(double value) {
        if (mode == Mode::show && !std::isfinite(value)) {
            return std::isnan(value) ? show("nan") : show(value < 0 ? "-inf" : "inf");
        }
        if (std::isnan(value)) {
            return fail("is not a number (nan), which JSON cannot hold");
        }
        if (std::isinf(value)) {
            return fail("is infinite, which JSON cannot hold");
        }
        char text[json::number_size];
        char *end = json::write_number(value, text);
        return add(text, static_cast<size_t>(end - text));
    }

    bool string() {
        if (mode == Mode::skim) {
            return add("\"\"", 2);
        }
        size_t length;
        const char *bytes = lua_tolstring(L, -1, &length);
        size_t start = out->length;
        if (add_string(bytes, length)) {
            return true;
        }
        if (!failed_text) {
            return false;
        }
        if (mode == Mode::keep) {
            return fail("is a string that is not UTF-8, which JSON cannot hold");
        }
        failed_text = false;
        out->length = start;
        return add_base64(bytes, length);
    }

    /// Bytes that are no text, which JSON has no string for: {"encoding":"base64","base64":"…"} (RFC 4648 section 4).
    bool add_base64(const char *bytes, size_t length) {
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        static const char before[] = R"({"encoding":"base64","base64":")";
        if (!add(before, sizeof before - 1) || !reserve((length + 2) / 3 * 4)) {
            return false;
        }
        char *to = out->bytes + out->length;
        for (size_t i = 0; i < length; i += 3) {
            size_t count = length - i < 3 ? length - i : 3;
            unsigned group = 0;
            for (size_t j = 0; j < 3; j++) {
                group = group << 8 | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0);
            }
            for (size_t j = 0; j < 4; j++) {
                *to++ = j <= count ? digits[group >> (18 - 6 * j) & 63] : '=';
            }
        }
        out->length = static_cast<size_t>(to - out->bytes);
        return add("\"}", 2);
    }

    bool add_string(const char *bytes, size_t length) {
        // Escapes, which the usual text does not have, reserve their own room.
        if ((length >= 64 && !charge(length / 8)) || !reserve(length + 2)) {
            return false;
        }
        char *to = out->bytes + out->length;
        *to++ = '"';
        size_t i = json::simple_prefix(bytes, length);
        std::memcpy(to, bytes, i);
        to += i;
        unsigned char all = 0;
        for (; i < length && json::plain(static_cast<unsigned char>(bytes[i])); i++) {
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
        if (all >= 0x80 && !cj_is_valid_utf8(bytes, length)) {
            failed_text = true;
            return false;
        }
        return add('"');
    }

    bool add_escaped(const char *bytes, size_t length) {
        size_t run = 0;
        for (size_t i = 0; i < length; i++) {
            unsigned char c = static_cast<unsigned char>(bytes[i]);
            if (json::plain(c)) {
                continue;
            }
            char escape[8];
            const char *known = c == 0 ? nullptr : std::strchr("\"\"\\\\\bb\ff\nn\rr\tt", c);
            int size = known != nullptr ? std::snprintf(escape, sizeof escape, "\\%c", known[1])
                                        : std::snprintf(escape, sizeof escape, "\\u%04x", c);
            if (!charge(10) || !add(bytes + run, i - run) || !add(escape, static_cast<size_t>(size))) {
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
        lua_rawgeti(L, LUA_REGISTRYINDEX, host->array_metatable);
        bool same = lua_rawequal(L, -1, -2);
        lua_settop(L, -3);
        return same;
    }

    bool table() {
        const void *identity = lua_topointer(L, -1);
        for (int i = 0; i < depth; i++) {
            if (frames[i].table == identity) {
                return mode == Mode::show ? show("cycle") : fail_cycle(i);
            }
        }
        if (depth == LB_JSON_DEPTH) {
            return mode == Mode::show ? show("nested too deep") : fail("is nested deeper than 128 levels");
        }
        if (!charge(lb_table_units(host))) {
            return false;
        }
        frames[depth].table = identity;
        int outer_texts = table_texts;
        table_texts = texts == 0 ? 0 : find_texts();
        int table = lua_gettop(L);
        bool written = mode == Mode::show ? show_table(table) : is_array() ? array(table) : unmarked(table);
        if (table_texts != 0) {
            lua_settop(L, table_texts);
        }
        table_texts = outer_texts;
        return written;
    }

    /// The stack index of the texts of the table on top of the stack, below which it puts them; 0 for none.
    int find_texts() {
        lua_pushvalue(L, -1);
        if (lua_rawget(L, texts) != LUA_TTABLE) {
            lua_settop(L, -2);
            return 0;
        }
        lua_insert(L, -2);
        return lua_gettop(L) - 1;
    }

    /// A table that is not marked as an array: its first key tells what it is.
    bool unmarked(int table) {
        lua_pushnil(L);
        if (!lua_next(L, table)) {
            return add("{}", 2);
        }
        if (lua_type(L, -2) == LUA_TSTRING) {
            return object(table);
        }
        lua_settop(L, table);
        return array(table);
    }

    bool fail_cycle(int level) {
        lb_buffer what = {nullptr, 0, 0};
        lb_buffer_text(&what, "is a cycle (it is ");
        write_path(&what, level);
        lb_buffer_text(&what, " again)");
        lb_buffer_append(&what, "", 1);
        bool result = fail(what.bytes != nullptr ? what.bytes : "is a cycle");
        lb_buffer_free(&what);
        return result;
    }

    /// Writes the value on top of the stack below the given key.
    bool below(const char *name, size_t length, long long number) {
        if (!charge(3)) {
            return false;
        }
        if (table_texts != 0 && lua_type(L, -1) != LUA_TTABLE) {
            bool found;
            if (!kept_text(name, number, &found) || found) {
                return found;
            }
        }
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

    /// Writes the text kept for the field whose value is on top of the stack (below it its key, if it has a name) if it
    /// still belongs to that value.
    bool kept_text(const char *name, long long number, bool *found) {
        *found = false;
        if (name != nullptr) {
            lua_pushvalue(L, -2);
            lua_rawget(L, table_texts);
        } else {
            lua_rawgeti(L, table_texts, number);
        }
        bool written = true;
        if (lua_type(L, -1) == LUA_TSTRING) {
            size_t length;
            if (const char *text = lb_json::text_of(L, -2, &length)) {
                *found = true;
                written = charge(length / 8) && add(text, length);
            }
        }
        lua_settop(L, -2);
        return written;
    }

    /// Writes an object; its first key and first value are on top of the stack.
    bool object(int table) {
        size_t begin = out->length;
        size_t first = members.begin();
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
            if (!members.add(name, length)) {
                return fail("needs more memory than there is");
            }
            if (!add_string(name, length)) {
                return failed_text ? fail("has a key that is not UTF-8") : false;
            }
            if (!add(':') || !below(name, length, 0)) {
                return false;
            }
            lua_settop(L, -2);
            before = ',';
        } while (lua_next(L, table));
        switch (members.end(first, begin + 1)) {
        case LB_RETURNED:
            return add('}');
        case LB_FAILED_BUDGET:
            return refuse(LB_FAILED_BUDGET);
        default:
            return fail("needs more memory than there is");
        }
    }

    /// Writes an array, which has at least one element unless it is marked.
    bool array(int table) {
        size_t length = 0;
        for (lua_pushnil(L); lua_next(L, table); lua_settop(L, -2)) {
            if (!lua_isinteger(L, -2)) {
                return fail(lua_type(L, -2) == LUA_TSTRING ? "is an array that has other keys too"
                                                           : "has a key that is neither string nor index");
            }
            length++;
            if (!charge(1)) {
                return false;
            }
        }
        if (!add('[')) {
            return false;
        }
        for (size_t i = 1; i <= length; i++) {
            if (lua_rawgeti(L, table, static_cast<lua_Integer>(i)) == LUA_TNIL) {
                return fail("is an array with holes");
            }
            if ((i > 1 && !add(',')) || !below(nullptr, 0, static_cast<long long>(i))) {
                return false;
            }
            lua_settop(L, -2);
        }
        return add(']');
    }

    // MARK: For people

    bool show(const char *what) {
        return add("\"<", 2) && add(what, std::strlen(what)) && add(">\"", 2);
    }

    /// Shows a value of a kind that JSON does not have; of a function of a script also where it is.
    bool show_kind() {
        if (lua_type(L, -1) != LUA_TFUNCTION) {
            return show(lua_typename(L, lua_type(L, -1)));
        }
        lua_Debug function;
        lua_pushvalue(L, -1);
        lua_getinfo(L, ">S", &function);
        if (function.linedefined <= 0) {
            return show("function");
        }
        char place[LUA_IDSIZE + 32];
        int length = std::snprintf(place, sizeof place, "<function %s:%d>", function.short_src, function.linedefined);
        return shown_text(place, static_cast<size_t>(length));
    }

    /// Writes text that may be no UTF-8.
    bool shown_text(const char *text, size_t length) {
        size_t start = out->length;
        if (add_string(text, length)) {
            return true;
        }
        if (!failed_text) {
            return false;
        }
        failed_text = false;
        out->length = start;
        return show("bytes");
    }

    /// A table of any kind: 1 … n without holes as an array, all others as objects.
    bool show_table(int table) {
        size_t indices = 0;
        size_t keys = 0;
        for (lua_pushnil(L); lua_next(L, table); lua_settop(L, -2)) {
            keys++;
            if (lua_isinteger(L, -2) && lua_tointeger(L, -2) > 0) {
                indices++;
            }
            if (!charge(1)) {
                return false;
            }
        }
        if (keys == 0) {
            return is_array() ? add("[]", 2) : add("{}", 2);
        }
        if (indices == keys && lua_rawlen(L, table) == keys && has_all(table, keys)) {
            return array(table);
        }
        size_t begin = out->length;
        size_t first = members.begin();
        char before = '{';
        for (lua_pushnil(L); lua_next(L, table); lua_settop(L, -2)) {
            if (!add(before) || !show_key() || !add(':') || !show_field()) {
                return false;
            }
            before = ',';
        }
        switch (members.end(first, begin + 1)) {
        case LB_RETURNED:
            return add('}');
        case LB_FAILED_BUDGET:
            return refuse(LB_FAILED_BUDGET);
        default:
            return fail("needs more memory than there is");
        }
    }

    bool has_all(int table, size_t length) {
        for (size_t i = 1; i <= length; i++) {
            bool is_there = lua_rawgeti(L, table, static_cast<lua_Integer>(i)) != LUA_TNIL;
            lua_settop(L, -2);
            if (!is_there || !charge(1)) {
                return false;
            }
        }
        return step == LB_RETURNED;
    }

    /// Writes the key below the top of the stack: names in the order of their bytes, numbers in theirs before them.
    bool show_key() {
        bool is_name = lua_type(L, -2) == LUA_TSTRING;
        size_t length = 0;
        const char *name = is_name ? lua_tolstring(L, -2, &length) : "";
        bool added = is_name                   ? members.add(name, length)
                     : lua_isinteger(L, -2) ? members.add(lua_tointeger(L, -2))
                                            : members.add(0);
        if (!added) {
            return fail("needs more memory than there is");
        }
        char text[json::number_size + 2];
        switch (lua_type(L, -2)) {
        case LUA_TSTRING:
            return shown_text(name, length);
        case LUA_TBOOLEAN:
            return lua_toboolean(L, -2) ? add("\"true\"", 6) : add("\"false\"", 7);
        case LUA_TNUMBER:
            if (lua_isinteger(L, -2)) {
                int size = std::snprintf(text, sizeof text, "\"%lld\"", static_cast<long long>(lua_tointeger(L, -2)));
                return add(text, static_cast<size_t>(size));
            } else {
                // Infinity can be a key; nan cannot.
                int size = std::snprintf(text, sizeof text, "\"%.14g\"", lua_tonumber(L, -2));
                return add(text, static_cast<size_t>(size));
            }
        default:
            return show(lua_typename(L, lua_type(L, -2)));
        }
    }

    bool show_field() {
        size_t length = 0;
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &length) : nullptr;
        if (name == nullptr && !lua_isinteger(L, -2)) {
            // No text of a number is kept for such a key.
            int outer_texts = table_texts;
            table_texts = 0;
            bool written = below(nullptr, 0, 0);
            table_texts = outer_texts;
            return written;
        }
        return below(name, length, name == nullptr ? lua_tointeger(L, -2) : 0);
    }
};

}  // namespace

static enum lb_step encode(
    lua_State *L, int index, const char *path, size_t limit, int64_t budget, Encoder::Mode mode, lb_buffer *buffer) {
    buffer->length = 0;
    if (!lua_checkstack(L, slots)) {
        lb_buffer_text(buffer, "stack overflow");
        return LB_FAILED_MEMORY;
    }
    lb_host *host = lb_host_at(L);
    struct lb_work outer = lb_begin_work(L, budget, true);
    int top = lua_gettop(L);
    enum lb_step step = Encoder(L, path, limit, mode, buffer).document(index);
    lua_settop(L, top);
    lb_end_work(host, outer);
    return step;
}

enum lb_step lb_json_encode(
    lua_State *L, int index, const char *path, size_t limit, int64_t budget, lb_buffer *buffer) {
    return encode(L, index, path, limit, budget, Encoder::Mode::write, buffer);
}

enum lb_step lb_json_check(
    lua_State *L, int index, const char *path, size_t limit, int64_t budget, lb_buffer *buffer) {
    return encode(L, index, path, limit, budget, Encoder::Mode::skim, buffer);
}

enum lb_step lb_json_keep(
    lua_State *L, int index, const char *path, size_t limit, int64_t budget, lb_buffer *buffer) {
    return encode(L, index, path, limit, budget, Encoder::Mode::keep, buffer);
}

enum lb_step lb_json_show(lua_State *L, int index, size_t limit, int64_t budget, lb_buffer *buffer) {
    return encode(L, index, "value", limit, budget, Encoder::Mode::show, buffer);
}
