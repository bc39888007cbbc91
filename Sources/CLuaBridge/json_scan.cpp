// Documents that simdjson does not get or refuses, by the scanner of CJSON.

#include "json_reading.h"

#include <CJSON/scanner.h>
#include <cstdio>

namespace {

using json::Text;
using lb_json::Builder;
using lb_json::Reading;

/// Makes Lua values of what the scanner finds.
class LuaSink : Builder {
public:
    LuaSink(lua_State *L, const Reading &reading) : Builder(L, reading), scratch(reading.scratch) {}

    void charge(size_t units) { lb_charge(L, host, units); }

    void null() { lua_pushlightuserdata(L, nullptr); }

    void boolean(bool value) { lua_pushboolean(L, value); }

    void string(Text text) {
        size_t length = static_cast<size_t>(text.end - text.begin);
        if (!text.has_escapes) {
            lua_pushlstring(L, text.begin, length);
            return;
        }
        lb_charge(L, host, length / 16);
        scratch->length = 0;
        if (!lb_buffer_reserve(scratch, length)) {
            luaL_error(L, "not enough memory");
        }
        char *end = json::unescape(text.begin, text.end, scratch->bytes);
        lua_pushlstring(L, scratch->bytes, static_cast<size_t>(end - scratch->bytes));
    }

    bool number(const char *begin, const char *end, bool integral) {
        json::Number number;
        if (!json::read_number(begin, end, integral, &number)) {
            return false;
        }
        push_number(begin, end, number);
        return true;
    }

    void array_begin() {
        lua_createtable(L, 0, 0);
        mark_array();
    }

    void element(long index) { set_element(index); }

    void array_end() {}

    /// Whether the texts of numbers are kept in the object.
    bool object_begin() {
        lua_createtable(L, 0, 0);
        return false;
    }

    void key(Text text) { string(text); }

    void member(bool &kept, const char *, const char *) { set_member(kept); }

    void object_end() {}

private:
    lb_buffer *scratch;
};

}  // namespace

int lb_json::scan(lua_State *L) {
    auto *reading = static_cast<Reading *>(lua_touserdata(L, 1));
    luaL_checkstack(L, lb_json::reading_slots, nullptr);
    LuaSink sink(L, *reading);
    cj_error error;
    reading->failed = !json::Scanner(reading->bytes, reading->length, sink).document(&error);
    if (reading->failed) {
        std::snprintf(reading->error->message, sizeof reading->error->message, "%s", error.message);
        reading->error->offset = error.offset;
        reading->error->is_utf8_error = error.is_utf8_error;
        lua_settop(L, 0);
        lua_pushnil(L);
    }
    return 1;
}
