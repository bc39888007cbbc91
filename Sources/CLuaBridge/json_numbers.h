// The texts of numbers: Lua has 64-bit integers and floats, JSON has decimals of any length and several spellings of
// each. A number whose text is not what the encoder would write for its Lua value keeps that text beside the table that
// holds it, and is written with it for as long as the field holds that very value.
//
// The texts are in a table of the registry with weak keys: table -> { key -> text }. There is none until a document
// brings such a number, so that others cost a look at an integer.
#pragma once

#include "bridge.h"

#include <cstddef>

namespace lb_json {

/// A number's text in its document.
struct NumberText {
    const char *begin;
    const char *end;
    /// It was read as a string, not as a number.
    bool is_string;
};

/// Keeps the text of a number in the table at `table`; its key is on top of the stack.
void keep_text(lua_State *L, lb_host *host, int table, const NumberText &text);
/// Drops what is kept for the key on top of the stack, if anything is.
void drop_text(lua_State *L, lb_host *host, int table);

/// Pushes the registry's table of texts, or nil when there is none.
void push_texts(lua_State *L, lb_host *host);
/// The text to write for the number, or the string read in its place, at `value`, where the text kept for its field is
/// on top of the stack; NULL when another value is there now.
const char *text_of(lua_State *L, int value, size_t *length);

}  // namespace lb_json
