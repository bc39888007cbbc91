// JSON documents to Lua values: simdjson for what it accepts, the scanner of CJSON for everything else.
//
// simdjson refuses integers past 64 bits and says of an error only what it is; the scanner reads such numbers and finds
// the place of an error. simdjson also takes 13 bytes of memory for each byte of a document, which nobody counts, so
// long documents are the scanner's.

#include "json_reading.h"

#include <CJSON/text.h>
#include <cstring>
#include <memory>
#include <new>
#include <simdjson.h>

namespace {

using lb_json::Builder;
using lb_json::Reading;

/// Documents longer than this many bytes are scanned.
constexpr size_t longest_for_simdjson = 256 << 10;
/// Scratch memory that has grown past this many bytes is not kept.
constexpr size_t kept_scratch = 64 << 10;

/// The keys of the documents before, by their places: documents of one kind have the same keys at the same places, and a
/// comparison costs less than to hash a key and to find it among Lua's strings.
class KnownKeys {
public:
    /// Pushes the table that holds them, which the registry has.
    void push_table(lua_State *L) {
        if (reference == LUA_NOREF) {
            lua_createtable(L, most, 0);
            reference = luaL_ref(L, LUA_REGISTRYINDEX);
        }
        lua_rawgeti(L, LUA_REGISTRYINDEX, reference);
    }

    /// Pushes the key at a place of the document. `table` is the stack index of the table.
    void push(lua_State *L, int table, unsigned place, std::string_view text) {
        if (place >= most || text.empty() || text.size() > longest) {
            lua_pushlstring(L, text.data(), text.size());
        } else if (known[place] == text) {
            lua_rawgeti(L, table, static_cast<lua_Integer>(place) + 1);
        } else {
            known[place] = {};
            const char *made = lua_pushlstring(L, text.data(), text.size());
            lua_pushvalue(L, -1);
            lua_rawseti(L, table, static_cast<lua_Integer>(place) + 1);
            known[place] = {made, text.size()};
        }
    }

private:
    static constexpr unsigned most = 64;
    static constexpr size_t longest = 40;
    /// The texts of the strings in the table; empty: none.
    std::string_view known[most];
    int reference = LUA_NOREF;
};

struct Decoder {
    simdjson::dom::parser parser;
    KnownKeys keys;
    std::unique_ptr<char[]> input;
    size_t capacity = 0;
    lb_buffer scratch = {nullptr, 0, 0};

    ~Decoder() { lb_buffer_free(&scratch); }

    /// Room for a document, and a parser that takes it. Of its depth simdjson counts only what is not empty, so that
    /// the deepest documents are left to the scanner.
    bool reserve(size_t length) {
        if (length > capacity) {
            capacity = 0;
            size_t wanted = length < 4096 ? 4096 : length + length / 2;
            input.reset(new (std::nothrow) char[wanted + simdjson::SIMDJSON_PADDING]);
            if (!input || parser.allocate(wanted, LB_JSON_DEPTH) != simdjson::SUCCESS) {
                return false;
            }
            capacity = wanted;
        }
        return true;
    }

    /// Whether simdjson takes the document.
    bool parse(const char *bytes, size_t length, simdjson::dom::element *root) {
        if (length == 0 || length > longest_for_simdjson || !reserve(length)) {
            return false;
        }
        std::memcpy(input.get(), bytes, length);
        std::memset(input.get() + length, 0, simdjson::SIMDJSON_PADDING);
        return parser.parse(input.get(), length, false).get(*root) == simdjson::SUCCESS;
    }
};

/// Walks through a parsed document, and through the places of its tokens with it: that is where the texts of its
/// numbers are.
class Walk : Builder {
public:
    /// The table of the known keys is on the top of the stack.
    Walk(lua_State *L, const Reading &reading, Decoder &decoder)
        : Builder(L, reading), keys(decoder.keys), keys_table(lua_gettop(L)), input(decoder.input.get()),
          end(input + reading.length), token(decoder.parser.implementation->structural_indexes.get()) {}

    void value(simdjson::dom::element element) {
        using simdjson::dom::element_type;
        switch (element.type()) {
        case element_type::ARRAY:
            return array(element.get_array().value_unsafe());
        case element_type::OBJECT:
            return object(element.get_object().value_unsafe());
        case element_type::STRING: {
            std::string_view string = element.get_string().value_unsafe();
            lua_pushlstring(L, string.data(), string.size());
            break;
        }
        case element_type::INT64: {
            int64_t integer = element.get_int64().value_unsafe();
            if (integer == 0 && input[*token] == '-') {
                number();
            } else {
                lua_pushinteger(L, integer);
            }
            break;
        }
        case element_type::UINT64:
            number();
            break;
        case element_type::DOUBLE:
            real(element.get_double().value_unsafe());
            break;
        case element_type::BOOL:
            lua_pushboolean(L, element.get_bool().value_unsafe());
            break;
        case element_type::NULL_VALUE:
            lua_pushlightuserdata(L, nullptr);
            break;
        }
        token++;
    }

private:
    KnownKeys &keys;
    int keys_table;
    unsigned key_place = 0;
    const char *input;
    const char *end;
    /// The token that is next: brackets, commas, colons, and the first byte of every scalar.
    const uint32_t *token;

    void array(simdjson::dom::array array) {
        lb_charge(L, host, 10 + array.size() * 4);
        lua_createtable(L, static_cast<int>(array.size()), 0);
        lua_Integer index = 0;
        for (simdjson::dom::element item : array) {
            token++;  // [ or a comma
            value(item);
            set_element(++index);
        }
        token += index == 0 ? 2 : 1;
        mark_array();
    }

    void object(simdjson::dom::object object) {
        lb_charge(L, host, 10 + object.size() * 6);
        lua_createtable(L, 0, static_cast<int>(object.size()));
        bool kept = false;
        bool is_empty = true;
        for (simdjson::dom::key_value_pair field : object) {
            keys.push(L, keys_table, key_place++, field.key);
            token += 3;  // { or a comma, the key, the colon
            value(field.value);
            set_member(kept);
            is_empty = false;
        }
        token += is_empty ? 2 : 1;
    }

    void real(lua_Number value) {
        const char *begin = input + *token;
        bool integral = true;
        push_real(begin, json::number_end(begin, end, &integral), value);
    }

    /// A number that simdjson has read, so it is in range.
    void number() {
        const char *begin = input + *token;
        bool integral = true;
        const char *number_end = json::number_end(begin, end, &integral);
        json::Number number;
        json::read_number(begin, number_end, integral, &number);
        push_number(begin, number_end, number);
    }
};

struct Walking {
    const Reading *reading;
    Decoder *decoder;
    simdjson::dom::element root;
};

int walk(lua_State *L) {
    auto *walking = static_cast<Walking *>(lua_touserdata(L, 1));
    luaL_checkstack(L, lb_json::reading_slots, nullptr);
    lb_charge(L, lb_host_at(L), walking->reading->length / 64);
    walking->decoder->keys.push_table(L);
    Walk(L, *walking->reading, *walking->decoder).value(walking->root);
    return 1;
}

}  // namespace

enum lb_step lb_json_decode(
    lua_State *L, const char *bytes, size_t length, bool exact, int64_t budget, lb_json_error *error) {
    lb_host *host = lb_host_at(L);
    auto *decoder = static_cast<Decoder *>(host->json);
    if (decoder == nullptr) {
        decoder = new (std::nothrow) Decoder;
        host->json = decoder;
    }
    if (decoder == nullptr) {
        lb_write_refusal(host, LB_FAILED_MEMORY, error->message, sizeof error->message);
        return LB_FAILED_MEMORY;
    }
    Reading reading = {bytes, length, exact, &decoder->scratch, false, error};
    simdjson::dom::element root;
    enum lb_step step;
    if (decoder->parse(bytes, length, &root)) {
        Walking walking = {&reading, decoder, root};
        step = lb_do_work(L, walk, &walking, lb_json::reading_slots, budget, error->message);
    } else {
        step = lb_do_work(L, lb_json::scan, &reading, lb_json::reading_slots, budget, error->message);
        if (decoder->scratch.capacity > kept_scratch) {
            lb_buffer_free(&decoder->scratch);
        }
    }
    if (reading.failed && step == LB_RETURNED) {
        lua_settop(L, -2);
        return LB_FAILED_RUNTIME;
    }
    return step;
}

void lb_json_close(lb_host *host) {
    delete static_cast<Decoder *>(host->json);
    host->json = nullptr;
}
