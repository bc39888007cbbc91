#include "json_encoder.h"

using lb_json::Encoder;

static enum lb_step encode(
    lua_State *L, int index, const char *path, size_t limit, int64_t budget, Encoder::Mode mode, lb_buffer *buffer) {
    return lb_json::writing(
        L, budget, buffer, [&] { return Encoder(L, path, limit, mode, buffer).document(index); });
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
