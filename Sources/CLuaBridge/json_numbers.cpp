#include "json_numbers.h"

#include "json_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <system_error>

namespace lb_json {

namespace {

/// A decimal number as its digits without zeros at either end, and the power of ten of the last of them.
struct Decimal {
    const char *begin;
    const char *end;
    size_t digits;
    long long exponent;
};

/// Exponents beyond this many digits are all the same: no float comes near them.
constexpr long long longest_exponent = 1LL << 40;

long long read_exponent(const char *p, const char *end) {
    bool negative = p < end && *p == '-';
    if (p < end && !digit(*p)) {
        p++;
    }
    long long value = 0;
    for (; p < end; p++) {
        value = std::min(value * 10 + (*p - '0'), longest_exponent);
    }
    return negative ? -value : value;
}

Decimal decimal(const char *begin, const char *end) {
    const char *mantissa_end = begin;
    while (mantissa_end < end && *mantissa_end != 'e' && *mantissa_end != 'E') {
        mantissa_end++;
    }
    const char *point = begin;
    while (point < mantissa_end && *point != '.') {
        point++;
    }
    Decimal result = {begin, mantissa_end, 0, 0};
    while (result.begin < result.end && (*result.begin < '1' || *result.begin > '9')) {
        result.begin++;
    }
    while (result.end > result.begin && (result.end[-1] == '0' || result.end[-1] == '.')) {
        result.end--;
    }
    for (const char *p = result.begin; p < result.end; p++) {
        result.digits += *p != '.';
    }
    if (result.digits > 0) {
        // The number of places from the last digit to the point; negative when it stands behind the point.
        result.exponent = result.end <= point ? point - result.end : -(result.end - point - 1);
        if (mantissa_end < end) {
            result.exponent += read_exponent(mantissa_end + 1, end);
        }
    }
    return result;
}

/// Whether two texts are the same decimal number, but for the sign.
bool same_decimal(const char *a, const char *a_end, const char *b, const char *b_end) {
    Decimal left = decimal(a, a_end);
    Decimal right = decimal(b, b_end);
    if (left.digits != right.digits || left.exponent != right.exponent) {
        return false;
    }
    const char *q = right.begin;
    for (const char *p = left.begin; p < left.end; p++) {
        if (*p == '.') {
            continue;
        }
        q += *q == '.';
        if (*p != *q++) {
            return false;
        }
    }
    return true;
}

/// Whether a text is what `write_number` writes, seen without writing: at most 15 digits, which every float keeps
/// apart from all others of as many (DBL_DIG), with a point, no exponent and no zero at the end but one in `.0`.
bool is_plainly_written(const char *begin, const char *end) {
    const char *p = begin + (*begin == '-');
    if (end - p > 16) {
        return false;
    }
    const char *point = p;
    while (point < end && digit(*point)) {
        point++;
    }
    if (point == end || *point != '.') {
        return false;
    }
    for (const char *q = point + 1; q < end; q++) {
        if (!digit(*q)) {
            return false;
        }
    }
    if (end[-1] == '0' && end - point > 2) {
        return false;
    }
    // Fixed notation begins at 1e-5: a digit before the point, or one of the first four after it.
    return *p != '0' || end - point <= 5;
}

}  // namespace

Fidelity fidelity(const char *begin, const char *end, lua_Number value) {
    if (is_plainly_written(begin, end)) {
        return Fidelity::text;
    }
    char written[number_size];
    const char *written_end = write_number(value, written);
    if (written_end - written == end - begin && std::memcmp(written, begin, static_cast<size_t>(end - begin)) == 0) {
        return Fidelity::text;
    }
    return same_decimal(begin, end, written, written_end) ? Fidelity::value : Fidelity::nearest;
}

Number read_number(const char *begin, const char *end, bool integral) {
    Number number = {false, 0, 0, Fidelity::text};
    number.is_integer = integral && std::from_chars(begin, end, number.integer).ec == std::errc();
    if (number.is_integer) {
        number.fidelity = number.integer == 0 && *begin == '-' ? Fidelity::value : Fidelity::text;
        return number;
    }
    if (std::from_chars(begin, end, number.real).ec != std::errc() || std::isinf(number.real)) {
        // Out of range: too close to zero, or too large.
        Decimal read = decimal(begin, end);
        if (static_cast<long long>(read.digits) + read.exponent > 0) {
            number.fidelity = Fidelity::none;
            return number;
        }
        number.real = *begin == '-' ? -0.0 : 0.0;
    }
    number.fidelity = fidelity(begin, end, number.real);
    return number;
}

// MARK: - Texts

namespace {

/// Begins the text of a number that was read as a string; no number begins with it.
constexpr char string_mark = '"';

void make_texts(lua_State *L, lb_host *host) {
    lua_createtable(L, 0, 0);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    host->number_texts = luaL_ref(L, LUA_REGISTRYINDEX);
}

/// Pushes the texts of one table, or nil.
void push_texts_of(lua_State *L, lb_host *host, int table) {
    push_texts(L, host);
    lua_pushvalue(L, table);
    lua_rawget(L, -2);
    lua_rotate(L, -2, -1);
    lua_settop(L, -2);
}

}  // namespace

void push_texts(lua_State *L, lb_host *host) {
    if (host->number_texts == 0) {
        lua_pushnil(L);
    } else {
        lua_rawgeti(L, LUA_REGISTRYINDEX, host->number_texts);
    }
}

void keep_text(lua_State *L, lb_host *host, int table, const NumberText &text) {
    int key = lua_gettop(L);
    table = lua_absindex(L, table);
    if (host->number_texts == 0) {
        make_texts(L, host);
    }
    push_texts_of(L, host, table);
    if (lua_type(L, -1) == LUA_TNIL) {
        lua_settop(L, key);
        lua_createtable(L, 0, 1);
        push_texts(L, host);
        lua_pushvalue(L, table);
        lua_pushvalue(L, key + 1);
        lua_rawset(L, -3);
        lua_settop(L, key + 1);
    }
    lua_pushvalue(L, key);
    lua_pushlstring(L, text.begin, static_cast<size_t>(text.end - text.begin));
    if (text.is_string) {
        lua_pushfstring(L, "%c%s", string_mark, lua_tostring(L, -1));
        lua_replace(L, -2);
    }
    lua_rawset(L, -3);
    lua_settop(L, key);
}

void drop_text(lua_State *L, lb_host *host, int table) {
    if (host->number_texts == 0) {
        return;
    }
    int key = lua_gettop(L);
    push_texts_of(L, host, lua_absindex(L, table));
    if (lua_type(L, -1) == LUA_TTABLE) {
        lua_pushvalue(L, key);
        lua_pushnil(L);
        lua_rawset(L, -3);
    }
    lua_settop(L, key);
}

const char *text_of(lua_State *L, int value, size_t *length) {
    const char *text = lua_tolstring(L, -1, length);
    bool is_string = *text == string_mark;
    text += is_string;
    *length -= is_string;
    if (is_string) {
        size_t size;
        const char *held = lua_type(L, value) == LUA_TSTRING ? lua_tolstring(L, value, &size) : nullptr;
        return held != nullptr && size == *length && std::memcmp(held, text, size) == 0 ? text : nullptr;
    }
    if (lua_type(L, value) != LUA_TNUMBER) {
        return nullptr;
    }
    bool integral = true;
    const char *end = number_end(text, text + *length, &integral);
    Number read = read_number(text, end, integral);
    if (lua_isinteger(L, value)) {
        return read.is_integer && lua_tointeger(L, value) == read.integer ? text : nullptr;
    }
    lua_Number held = lua_tonumber(L, value);
    return !read.is_integer && std::memcmp(&held, &read.real, sizeof held) == 0 ? text : nullptr;
}

}  // namespace lb_json
