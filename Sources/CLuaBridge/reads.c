// What a function reads of an argument: a handler that takes three fields from a table need not be given ten. Only what the
// code says for certain counts: it reads fields by their names, and does nothing else with the parameter.

#include "dump.h"
#include "instructions.h"

#include <stdlib.h>
#include <string.h>

/// Whether an instruction may look at a register in another way than reading a field of it by a name. Testing whether it is
/// true, or equal to a constant, tells nothing of a table. An instruction that works on a row of registers begins above
/// every local variable, or is taken to reach all of them.
static bool uses(uint32_t instruction, uint32_t parameter) {
    uint32_t code = opcode(instruction);
    bool a = field_a(instruction) == parameter;
    bool b = field_b(instruction) == parameter;
    bool c = field_c(instruction) == parameter;
    bool c_or_constant = c && !has_constant_c(instruction);
    switch (code) {
    case OP_GETUPVAL:
    case OP_GETTABUP:
    case OP_GETFIELD:
    case OP_NEWTABLE:
    case OP_CLOSE:
    case OP_JMP:
    case OP_EQK:
    case OP_TEST:
    case OP_RETURN0:
        return false;
    case OP_MOVE:
    case OP_GETI:
    case OP_TESTSET:
        return b;
    case OP_SETUPVAL:
    case OP_RETURN1:
        return a;
    case OP_GETTABLE:
        return b || c;
    case OP_SETTABUP:
        return c_or_constant;
    case OP_SETTABLE:
        return a || b || c_or_constant;
    case OP_SETI:
    case OP_SETFIELD:
        return a || c_or_constant;
    case OP_SELF:
        return b || c_or_constant;
    default:
        break;
    }
    if (code >= OP_LOADI && code < OP_GETUPVAL) {
        return false;
    }
    // Closures: see `captures`. What lies above them takes arguments that have no parameter.
    if (code >= OP_CLOSURE && code <= OP_EXTRAARG) {
        return false;
    }
    // With a constant or a number in the instruction.
    if ((code >= OP_ADDI && code <= OP_SHLI) || (code >= OP_UNM && code <= OP_LEN)) {
        return b;
    }
    if (code >= OP_EQI && code <= OP_GEI) {
        return a;
    }
    if (code >= OP_ADD && code <= OP_SHR) {
        return b || c;
    }
    if ((code >= OP_MMBIN && code <= OP_MMBINK) || (code >= OP_EQ && code <= OP_LE)) {
        return a || b;
    }
    // Calls, loops, lists, and what Lua 5.4.4 does not have.
    return field_a(instruction) <= parameter || code > OP_EXTRAARG;
}

/// Reads a function that another makes, and those in it. Whether it has a register of the other for a variable of its own.
static bool captures(struct lb_dump *dump, uint32_t parameter) {
    lb_skip_string(dump);
    lb_read_size(dump);
    lb_read_size(dump);
    dump->at += 3;
    size_t count = lb_read_size(dump);
    dump->at += 4 * count;
    for (size_t n = lb_read_size(dump); n > 0; n--) {
        lb_skip_constant(dump);
    }
    bool found = false;
    for (size_t n = lb_read_size(dump); n > 0; n--) {
        bool is_local_of_outer = dump->bytes[dump->at] != 0;
        found = found || (is_local_of_outer && dump->bytes[dump->at + 1] == parameter);
        dump->at += 3;
    }
    for (size_t n = lb_read_size(dump); n > 0; n--) {
        captures(dump, parameter);
    }
    // Of a stripped dump: no lines, variables and names.
    for (int list = 0; list < 4; list++) {
        lb_read_size(dump);
    }
    return found;
}

static int64_t find_reads(struct lb_dump *dump, uint32_t parameter, const char *const *names, int count) {
    lb_skip_string(dump);
    lb_read_size(dump);
    lb_read_size(dump);
    unsigned parameters = dump->bytes[dump->at];
    bool has_more = dump->bytes[dump->at + 1] != 0;
    dump->at += 3;
    if (parameters <= parameter) {
        return has_more ? LB_READS_ANYTHING : LB_READS_NOTHING;
    }
    size_t instructions = lb_read_size(dump);
    const unsigned char *code = dump->bytes + dump->at;
    dump->at += 4 * instructions;
    size_t constant_count = lb_read_size(dump);
    size_t constants = dump->at;
    for (size_t n = constant_count; n > 0; n--) {
        lb_skip_constant(dump);
    }
    int64_t found = 0;
    for (size_t i = 0; i < instructions; i++) {
        uint32_t instruction = instruction_at(code, i);
        if (uses(instruction, parameter)) {
            return LB_READS_ANYTHING;
        }
        if (opcode(instruction) != OP_GETFIELD || field_b(instruction) != parameter) {
            continue;
        }
        size_t length;
        const char *name = lb_constant_name(*dump, constants, field_c(instruction), &length);
        int64_t field = LB_READS_OTHERS;
        for (int i = 0; i < count; i++) {
            if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0) {
                field = INT64_C(1) << i;
            }
        }
        found |= field;
    }
    size_t upvalues = lb_read_size(dump);
    dump->at += 3 * upvalues;
    for (size_t n = lb_read_size(dump); n > 0; n--) {
        if (captures(dump, parameter)) {
            return LB_READS_ANYTHING;
        }
    }
    return found;
}

int64_t lb_fields_read(lua_State *L, int index, int parameter, const char *const *names, int count) {
    lb_buffer buffer = {0};
    int64_t found = LB_READS_ANYTHING;
    lua_pushvalue(L, index);
    if (!lua_iscfunction(L, -1) && lb_dump_function(L, &buffer, true)) {
        struct lb_dump dump = {(unsigned char *)buffer.bytes, buffer.length, LB_DUMP_HEADER};
        found = find_reads(&dump, (uint32_t)parameter, names, count);
    }
    lua_settop(L, -2);
    lb_buffer_free(&buffer);
    return found;
}
