// JSON documents (RFC 8259), read strictly: UTF-8, nested at most 128 deep. One scanner reads them for whoever stands
// above; scanner.h is for C++, this is for everybody else.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Arrays and objects within one another.
#define CJ_DEPTH 128

/// Why a document is not JSON, in the words of Python's json module where that has a like.
typedef struct {
    /// A constant, never a part of the document.
    const char *message;
    /// Bytes from the document's begin.
    size_t offset;
    /// The document is not UTF-8, wherever else it may be wrong too.
    bool is_utf8_error;
} cj_error;

/// A string in its document, without the quotes.
typedef struct {
    size_t begin;
    size_t end;
    bool has_escapes;
} cj_text;

// MARK: - Text

bool cj_is_valid_utf8(const char *bytes, size_t length);

/// Writes what a string of a checked document stands for. Returns the length, which is at most that of the text.
size_t cj_unescape(const char *text, size_t length, char *out);

// MARK: - Documents

/// Whether the document is JSON.
bool cj_check(const char *bytes, size_t length, cj_error *error);

/// A member of the outermost object: its key, and its value without white space around it.
typedef struct {
    cj_text key;
    size_t begin;
    size_t end;
} cj_member;

typedef enum {
    CJ_FAILED,
    /// JSON, but not an object.
    CJ_OTHER,
    CJ_OBJECT,
} cj_kind;

/// Checks the document, and writes the members of the object that it is, as many as there is room for, in their order;
/// `count` says how many there are.
cj_kind cj_members(
    const char *bytes, size_t length, cj_member *members, size_t room, size_t *count, cj_error *error);

typedef enum {
    CJ_NULL,
    CJ_FALSE,
    CJ_TRUE,
    CJ_INTEGER,
    CJ_REAL,
    CJ_STRING,
    CJ_KEY,
    CJ_ARRAY_BEGIN,
    CJ_ARRAY_END,
    CJ_OBJECT_BEGIN,
    CJ_OBJECT_END,
} cj_token_kind;

/// A value or one of its brackets, in the order of the document; before each member of an object stands its key.
typedef struct {
    cj_token_kind kind;
    union {
        int64_t integer;
        /// Of a number that is written with a fraction or an exponent, or beyond 64 bits.
        double real;
        cj_text text;
    };
} cj_token;

/// The tokens of a document; `tokens` is NULL when it is not JSON, and `error` says why. They are freed with
/// `cj_tokens_free`.
typedef struct {
    cj_token *tokens;
    size_t count;
} cj_tokens;

cj_tokens cj_read(const char *bytes, size_t length, cj_error *error);
void cj_tokens_free(cj_tokens tokens);

#ifdef __cplusplus
}
#endif
