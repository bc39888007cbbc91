// What the two ways of a JSON document to the Lua stack share.
#pragma once

#include "bridge.h"
#include "json_numbers.h"

#include <CJSON/numbers.h>

namespace lb_json {

/// Stack slots that a document needs: a table and a key on each level, and what `keep_text` uses.
constexpr int reading_slots = 2 * LB_JSON_DEPTH + 20;

/// One document on its way to the Lua stack. A reader runs inside `lb_do_work`: whatever Lua raises jumps over its
/// frames, so they have nothing to destroy.
struct Reading {
    const char *bytes;
    size_t length;
    /// Numbers that Lua cannot hold exactly become strings.
    bool exact;
    /// Holds strings with escapes; belongs to the state.
    lb_buffer *scratch;
    /// Set when the document is not JSON.
    bool failed;
    lb_json_error *error;
};

/// Puts values on the Lua stack, and remembers the texts of numbers.
class Builder {
public:
    Builder(lua_State *L, const Reading &reading)
        : L(L), host(lb_host_at(L)), array_metatable(host->array_metatable), exact(reading.exact) {}

protected:
    lua_State *L;
    lb_host *host;
    int array_metatable;
    bool exact;
    /// Whether the number pushed last keeps its text, and which.
    bool keeps = false;
    NumberText text;

    void push_real(const char *begin, const char *end, lua_Number value) {
        json::Fidelity fidelity = json::fidelity(begin, end, value);
        keeps = fidelity != json::Fidelity::text;
        text = {begin, end, exact && fidelity == json::Fidelity::nearest};
        if (text.is_string) {
            lua_pushlstring(L, begin, static_cast<size_t>(end - begin));
        } else {
            lua_pushnumber(L, value);
        }
    }

    void push_number(const char *begin, const char *end, const json::Number &number) {
        if (!number.is_integer) {
            return push_real(begin, end, number.real);
        }
        keeps = number.integer == 0 && *begin == '-';
        text = {begin, end, false};
        lua_pushinteger(L, number.integer);
    }

    void mark_array() {
        lua_rawgeti(L, LUA_REGISTRYINDEX, array_metatable);
        lua_setmetatable(L, -2);
    }

    /// Sets the next element of the array below the value on top of the stack.
    void set_element(lua_Integer index) {
        if (keeps) {
            keeps = false;
            lua_pushinteger(L, index);
            keep_text(L, host, -3, text);
            lua_settop(L, -2);
        }
        lua_rawseti(L, -2, index);
    }

    /// Sets a member of the object below key and value. `kept` tells whether a text is kept in this object.
    void set_member(bool &kept) {
        // The last of equal names counts, in the texts too.
        if (keeps || (kept && (exact || lua_type(L, -1) == LUA_TNUMBER))) {
            lua_pushvalue(L, -2);
            if (keeps) {
                keeps = false;
                kept = true;
                keep_text(L, host, -4, text);
            } else {
                drop_text(L, host, -4);
            }
            lua_settop(L, -2);
        }
        lua_rawset(L, -3);
    }
};

/// The reader of json_scan.cpp, as a Lua function whose argument is a light userdata, a `Reading`.
int scan(lua_State *L);

}  // namespace lb_json
