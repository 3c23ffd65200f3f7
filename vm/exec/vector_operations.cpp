#include "vm/exec/vector_operations.hpp"

#include "vm/exec/operations.hpp"

namespace sojourn::vm {

namespace {

template <Opcode opcode>
auto evaluate_on_vectors(const Operation& op, const std::uint64_t* slots) {
    constexpr std::uint8_t kOperands = info_of(opcode).signature.operand_count;
    const auto first = read_slots<OperandOf<opcode, 0>>(slots + op.b);
    if constexpr (kOperands == 1 && takes_lane(opcode)) {
        return Meaning<opcode>::eval(first, op.d());
    } else if constexpr (kOperands == 1) {
        return Meaning<opcode>::eval(first);
    } else {
        const auto second = read_slots<OperandOf<opcode, 1>>(slots + op.c());
        if constexpr (takes_lane(opcode)) {
            return Meaning<opcode>::eval(first, second, op.d());
        } else if constexpr (kOperands == 2) {
            return Meaning<opcode>::eval(first, second);
        } else {
            const auto third = read_slots<OperandOf<opcode, 2>>(slots + op.d());
            return Meaning<opcode>::eval(first, second, third);
        }
    }
}

template <Opcode opcode>
void perform_on_vectors(const Operation& op, std::uint64_t* slots) {
    write_slots(slots + op.a, evaluate_on_vectors<opcode>(op, slots));
}

template <Opcode opcode>
constexpr VectorFunction function_or_null() {
    if constexpr (is_on_vectors(opcode)) {
        return &perform_on_vectors<opcode>;
    } else {
        return nullptr;
    }
}

constexpr std::array<VectorFunction, kOpcodeCount> kVectorFunctions{
#define OPCODE(name, ...) function_or_null<Opcode::name>(),
#include "vm/wasm/opcodes.def"
#undef OPCODE
};

}  // namespace

VectorFunction vector_function_of(Opcode opcode) {
    const VectorFunction function = kVectorFunctions[static_cast<std::size_t>(opcode)];
    EXPECTS(function != nullptr, "instructions on vectors have functions");
    return function;
}

void shuffle_lanes(const Word* pc, std::uint64_t* slots) {
    const auto left = read_slots<V128>(slots + pc->op.b);
    const auto right = read_slots<V128>(slots + pc->op.c());
    const V128 lanes{{pc[1].more.first, pc[1].more.second}};
    write_slots(slots + pc->op.a, Meaning<Opcode::i8x16_shuffle>::eval(left, right, lanes));
}

}  // namespace sojourn::vm
