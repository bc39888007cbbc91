// What the compiler of Lua 5.4.4 gets wrong, instruction by instruction.

#include "instructions.h"

#include <lua.h>

#if LUA_VERSION_RELEASE_NUM != 50404
#error "instructions.h knows the instructions of Lua 5.4.4; read LuaDefects before another version is used"
#endif

static void set_instruction(unsigned char *code, size_t index, uint32_t instruction) {
    memcpy(code + 4 * index, &instruction, 4);
}

/// A `break` out of the scope of a captured variable lets the instruction that closes the variables of a generic `for`
/// begin too high: its fourth value, which is to be closed, stays open, and the list of such variables points at what
/// is on the stack no more.
static bool mend_loops(unsigned char *code, size_t count) {
    bool changed = false;
    for (size_t i = 0; i + 1 < count; i++) {
        uint32_t loop = instruction_at(code, i);
        uint32_t close = instruction_at(code, i + 1);
        if (opcode(loop) == OP_TFORLOOP && opcode(close) == OP_CLOSE && field_a(close) > field_a(loop)) {
            set_instruction(code, i + 1, (close & ~(UINT32_C(0xFF) << 7)) | field_a(loop) << 7);
            changed = true;
        }
    }
    return changed;
}

/// In `t[a < b]` with `t` from an outer function, reading `t` stands where the comparison jumps over it. The two
/// instructions that make the boolean always follow a jump, so another before them is that one: it moves behind them.
static bool mend_comparisons(unsigned char *code, size_t count) {
    bool changed = false;
    for (size_t i = 1; i + 1 < count; i++) {
        uint32_t read = instruction_at(code, i - 1);
        uint32_t no = instruction_at(code, i);
        uint32_t yes = instruction_at(code, i + 1);
        if (opcode(no) != OP_LFALSESKIP || opcode(yes) != OP_LOADTRUE || opcode(read) != OP_GETUPVAL) {
            continue;
        }
        set_instruction(code, i - 1, no);
        set_instruction(code, i, yes);
        set_instruction(code, i + 1, read);
        changed = true;
        for (size_t j = 0; j < count; j++) {
            uint32_t jump = instruction_at(code, j);
            if (opcode(jump) == OP_JMP) {
                int64_t target = (int64_t)j + 1 + (int64_t)(jump >> 7) - 0xFFFFFF;
                if (target == (int64_t)i || target == (int64_t)i + 1) {
                    set_instruction(code, j, jump - (UINT32_C(1) << 7));
                }
            }
        }
    }
    return changed;
}

bool lb_mend_instructions(unsigned char *code, size_t count) {
    bool loops = mend_loops(code, count);
    return mend_comparisons(code, count) || loops;
}

size_t lb_find_fields(const unsigned char *code, size_t count) {
    unsigned fields[256] = {0};
    for (size_t i = 0; i < count; i++) {
        uint32_t instruction = instruction_at(code, i);
        unsigned depth = 0;
        switch (opcode(instruction)) {
        case OP_MOVE:
            depth = fields[field_b(instruction)];
            break;
        case OP_GETFIELD:
            depth = fields[field_b(instruction)] + 1;
            break;
        case OP_GETTABLE:
        case OP_SELF: {
            unsigned key = fields[field_c(instruction)];
            depth = fields[field_b(instruction)];
            depth = (key > depth ? key : depth) + 1;
            break;
        }
        default:
            break;
        }
        if (depth > LB_MOST_FIELDS) {
            return i;
        }
        fields[field_a(instruction)] = depth;
    }
    return count;
}
