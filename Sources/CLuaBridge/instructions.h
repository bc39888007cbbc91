// Instructions of compiled code.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/// Fields read one from another in one expression: to word an error, Lua recurses once for each, without a limit.
#define LB_MOST_FIELDS 200

// Opcodes of Lua 5.4.4 (lopcodes.h), as far as they matter here.
enum {
    OP_MOVE = 0,
    OP_LOADI = 1,
    OP_LFALSESKIP = 6,
    OP_LOADTRUE = 7,
    OP_GETUPVAL = 9,
    OP_SETUPVAL = 10,
    OP_GETTABUP = 11,
    OP_GETTABLE = 12,
    OP_GETI = 13,
    OP_GETFIELD = 14,
    OP_SETTABUP = 15,
    OP_SETTABLE = 16,
    OP_SETI = 17,
    OP_SETFIELD = 18,
    OP_NEWTABLE = 19,
    OP_SELF = 20,
    OP_ADDI = 21,
    OP_SHLI = 33,
    OP_ADD = 34,
    OP_SHR = 45,
    OP_MMBIN = 46,
    OP_MMBINK = 48,
    OP_UNM = 49,
    OP_LEN = 52,
    OP_CLOSE = 54,
    OP_JMP = 56,
    OP_EQ = 57,
    OP_LE = 59,
    OP_EQK = 60,
    OP_EQI = 61,
    OP_GEI = 65,
    OP_TEST = 66,
    OP_TESTSET = 67,
    OP_RETURN0 = 71,
    OP_RETURN1 = 72,
    OP_TFORLOOP = 77,
    OP_CLOSURE = 79,
    OP_EXTRAARG = 82,
};

static inline uint32_t opcode(uint32_t instruction) {
    return instruction & 0x7F;
}

static inline uint32_t field_a(uint32_t instruction) {
    return instruction >> 7 & 0xFF;
}

static inline uint32_t field_b(uint32_t instruction) {
    return instruction >> 16 & 0xFF;
}

static inline uint32_t field_c(uint32_t instruction) {
    return instruction >> 24;
}

/// Whether C is the index of a constant, where an instruction has both kinds.
static inline bool has_constant_c(uint32_t instruction) {
    return (instruction >> 15 & 1) != 0;
}

static inline uint32_t instruction_at(const unsigned char *code, size_t index) {
    uint32_t instruction;
    memcpy(&instruction, code + 4 * index, 4);
    return instruction;
}

/// Puts right what the compiler has got wrong in a function's code. Whether anything was.
bool lb_mend_instructions(unsigned char *code, size_t count);

/// The index of the first instruction that reads more than LB_MOST_FIELDS fields one from another, or `count`.
size_t lb_find_fields(const unsigned char *code, size_t count);
