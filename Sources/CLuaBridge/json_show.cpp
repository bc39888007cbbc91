// Lua values as JSON for people: what JSON cannot hold is shown all the same.

#include "json_encoder.h"

namespace {

using lb_json::Encoder;

/// Writes a text in angle brackets for what has no JSON, and leaves out what is beyond the limit.
class Shower final : public Encoder {
public:
    Shower(lua_State *L, size_t limit, lb_buffer *out) : Encoder(L, "value", limit, Mode::write, out) {}

    enum lb_step show_document(int index) {
        document(index);
        if (was_cut) {
            lb_buffer_text(out, "…");
        }
        return step;
    }

private:
    bool was_cut = false;

    bool beyond_limit() override {
        was_cut = true;
        return false;
    }

    bool not_finite(double value) override {
        return std::isnan(value) ? show("nan") : show(value < 0 ? "-inf" : "inf");
    }

    bool too_deep() override { return show("nested too deep"); }

    bool cycle(int) override { return show("cycle"); }

    bool show(const char *what) {
        return add("\"<", 2) && add(what, std::strlen(what)) && add(">\"", 2);
    }

    /// Of a function of a script also where it is.
    bool other_kind() override {
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
    bool fields(int table) override {
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
        return end_object(first, begin);
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

enum lb_step lb_json_show(lua_State *L, int index, size_t limit, int64_t budget, lb_buffer *buffer) {
    return lb_json::writing(L, budget, buffer, [&] { return Shower(L, limit, buffer).show_document(index); });
}
