// Lua values to JSON.
//
// The members of an object are written in the order in which Lua has them, and moved into the order of their names'
// bytes afterwards: that needs neither room on the Lua stack nor a second look at the table.
#pragma once

#include "json_members.h"
#include "json_numbers.h"
#include "json_output.h"

#include <cmath>

namespace lb_json {

class Encoder : public Output {
public:
    enum class Mode {
        write,
        /// Only whether there is JSON for the value is asked: strings, which always have some, are left out.
        skim,
        /// What is written reads as the same value again: bytes that are no text have no JSON.
        keep,
    };

    Encoder(lua_State *L, const char *path, size_t limit, Mode mode, lb_buffer *out)
        : Output(L, path, limit, out), mode(mode), members(L, out) {}

    /// Writes the value at `index`.
    enum lb_step document(int index) {
        index = lua_absindex(L, index);
        push_texts(L, host);
        texts = lua_type(L, -1) == LUA_TNIL ? 0 : lua_gettop(L);
        lua_pushvalue(L, index);
        value();
        return step;
    }

protected:
    Mode mode;
    Members members;
    /// The stack index of the texts of numbers, 0 for none, and of those of the table being written.
    int texts = 0;
    int table_texts = 0;

    // MARK: What JSON cannot hold

    /// The value on top of the stack is a function, a thread, or a userdata.
    virtual bool other_kind() {
        char what[64];
        std::snprintf(what, sizeof what, "is a %s, which JSON cannot hold", lua_typename(L, lua_type(L, -1)));
        return fail(what);
    }

    virtual bool not_finite(double value) {
        return fail(std::isnan(value) ? "is not a number (nan), which JSON cannot hold"
                                      : "is infinite, which JSON cannot hold");
    }

    virtual bool too_deep() { return fail("is nested deeper than 128 levels"); }

    /// The table on top of the stack is the one of an outer level.
    virtual bool cycle(int level) {
        lb_buffer what = {nullptr, 0, 0};
        lb_buffer_text(&what, "is a cycle (it is ");
        write_path(&what, level);
        lb_buffer_text(&what, " again)");
        lb_buffer_append(&what, "", 1);
        bool result = fail(what.bytes != nullptr ? what.bytes : "is a cycle");
        lb_buffer_free(&what);
        return result;
    }

    // MARK: Values

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
            return lb_is_null(L, -1) ? add("null", 4) : other_kind();
        }
    }

    bool number(double value) {
        if (!std::isfinite(value)) {
            return not_finite(value);
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
                return cycle(i);
            }
        }
        if (depth == LB_JSON_DEPTH) {
            return too_deep();
        }
        if (!charge(lb_table_units(host))) {
            return false;
        }
        frames[depth].table = identity;
        int outer_texts = table_texts;
        table_texts = texts == 0 ? 0 : find_texts();
        int table = lua_gettop(L);
        bool written = fields(table);
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

    /// Writes what is in the table: an array if it is marked as one; else its first key tells what it is.
    virtual bool fields(int table) {
        if (is_array()) {
            return array(table);
        }
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
        return end_object(first, begin);
    }

    /// The object whose text begins at `begin` has all its members.
    bool end_object(size_t first, size_t begin) {
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
};

}  // namespace lb_json
