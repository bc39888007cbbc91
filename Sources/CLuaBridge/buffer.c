// A growing byte buffer.

#include "bridge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// Bytes of a key that a path shows.
#define LB_KEY_SHOWN 80

bool lb_buffer_reserve(lb_buffer *buffer, size_t more) {
    if (buffer->capacity - buffer->length >= more) {
        return true;
    }
    size_t capacity = buffer->capacity == 0 ? 512 : buffer->capacity * 2;
    while (capacity - buffer->length < more) {
        capacity *= 2;
    }
    char *grown = realloc(buffer->bytes, capacity);
    if (grown == NULL) {
        return false;
    }
    buffer->bytes = grown;
    buffer->capacity = capacity;
    return true;
}

void lb_buffer_append(lb_buffer *buffer, const char *bytes, size_t length) {
    if (length > 0 && lb_buffer_reserve(buffer, length)) {
        memcpy(buffer->bytes + buffer->length, bytes, length);
        buffer->length += length;
    }
}

void lb_buffer_text(lb_buffer *buffer, const char *text) {
    lb_buffer_append(buffer, text, strlen(text));
}

static bool is_name(const char *name, size_t length) {
    if (length == 0 || (name[0] >= '0' && name[0] <= '9')) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        char c = name[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_')) {
            return false;
        }
    }
    return true;
}

void lb_buffer_key(lb_buffer *buffer, const char *name, size_t length, long long number) {
    char text[32];
    const char *more = length > LB_KEY_SHOWN ? "…" : "";
    length = length > LB_KEY_SHOWN ? LB_KEY_SHOWN : length;
    if (name == NULL) {
        snprintf(text, sizeof text, "[%lld]", number);
        lb_buffer_text(buffer, text);
    } else if (is_name(name, length)) {
        lb_buffer_text(buffer, ".");
        lb_buffer_append(buffer, name, length);
        lb_buffer_text(buffer, more);
    } else {
        lb_buffer_text(buffer, "[\"");
        lb_buffer_append(buffer, name, length);
        lb_buffer_text(buffer, more);
        lb_buffer_text(buffer, "\"]");
    }
}

void lb_buffer_free(lb_buffer *buffer) {
    free(buffer->bytes);
    buffer->bytes = NULL;
    buffer->length = 0;
    buffer->capacity = 0;
}
