#include <algorithm>
#include <bit>

#include "tests/fuzz/body_generator.hpp"
#include "vm/wasm/meaning.hpp"

/// Instructions whose row says what they pop and push.
namespace sojourn::fuzz {

using namespace vm;
using test::leb;
using test::Raw;

namespace {

constexpr std::uint32_t kCanonicalNan32 = 0x7fc0'0000;
constexpr std::uint64_t kCanonicalNan64 = 0x7ff8'0000'0000'0000;

/// How a NaN among the results of an instruction is found and replaced.
struct NanForm {
    ValueType type;
    Opcode equal;
    Opcode choose;
    std::uint64_t canonical;
};
constexpr NanForm kNanForms[] = {
    {ValueType::f32, Opcode::f32_eq, Opcode::select, kCanonicalNan32},
    {ValueType::f64, Opcode::f64_eq, Opcode::select, kCanonicalNan64},
    {ValueType::v128, Opcode::f32x4_eq, Opcode::v128_bitselect,
     std::uint64_t{kCanonicalNan32} << 32U | kCanonicalNan32},
    {ValueType::v128, Opcode::f64x2_eq, Opcode::v128_bitselect, kCanonicalNan64},
};

/// What the bits of a NaN are is left open for these (specification 4.3.3), in any shape.
constexpr std::string_view kComputing[] = {
    "ceil",    "floor",        "trunc",         "nearest",     "sqrt",       "add",
    "sub",     "mul",          "div",           "min",         "max",        "demote",
    "promote", "relaxed_madd", "relaxed_nmadd", "relaxed_min", "relaxed_max"};

/// nullptr when the results of `opcode` are no floats that it computed.
const NanForm* nan_form_of(Opcode opcode) {
    const std::string_view text = text_of(opcode);
    const std::string_view shape = text.substr(0, text.find('.'));
    const std::string_view name = text.substr(std::min(text.size(), shape.size() + 1));
    const bool computes = std::ranges::any_of(kComputing, [&](std::string_view computing) {
        return name.starts_with(computing) &&
               (name.size() == computing.size() || name[computing.size()] == '_');
    });
    if (!computes) return nullptr;
    if (shape == "f32") return &kNanForms[0];
    if (shape == "f64") return &kNanForms[1];
    if (shape == "f32x4") return &kNanForms[2];
    return shape == "f64x2" ? &kNanForms[3] : nullptr;
}

}  // namespace

void BodyGenerator::plain(Opcode opcode) {
    switch (info_of(opcode).immediate) {
        case Immediate::memarg:
        case Immediate::memarg_lane:
            return access(opcode);
        case Immediate::memory:
        case Immediate::data_memory:
            return on_memory(opcode);
        case Immediate::data:
            return one_in(8) ? code_.op(opcode, below(kPassiveData + 1)) : void();
        case Immediate::element:
            return one_in(8) ? code_.op(opcode, below(shape_.elements.size())) : void();
        case Immediate::i32:
        case Immediate::i64:
        case Immediate::f32:
        case Immediate::f64:
        case Immediate::v128: {
            const ValueType type = *info_of(opcode).signature.result;
            add_chosen_constant(code_, choices_, shape_, type);
            return push(type);
        }
        default:
            return plain_on(opcode, info_of(opcode).signature);
    }
}

void BodyGenerator::plain_on(Opcode opcode, const Signature& signature) {
    provide({signature.operands.begin(), signature.operands.begin() + signature.operand_count});
    if (info_of(opcode).interrupt == Interrupt::trap && !one_in(8))
        tame_operand(signature.operands[signature.operand_count - 1U]);
    take(signature.operand_count);
    code_.op(opcode);
    if (info_of(opcode).immediate == Immediate::lane) {
        code_.add({static_cast<std::uint8_t>(below(lane_count(opcode)))});
    } else if (info_of(opcode).immediate == Immediate::lanes) {
        Raw lanes(16);
        std::ranges::generate(lanes, [&] { return static_cast<std::uint8_t>(below(32)); });
        code_.add(lanes);
    }
    if (!signature.result) return;
    push(*signature.result);
    make_canonical(opcode);
}

void BodyGenerator::tame_operand(ValueType top) {
    if (top == ValueType::i32 || top == ValueType::i64) {
        code_.constant(top, 1);
        code_.op(top == ValueType::i32 ? Opcode::i32_or : Opcode::i64_or);
    } else {
        constexpr double kTame[] = {0, 1.5, 77, 1e6, 2147483000.0};
        const double value = kTame[below(std::size(kTame))];
        code_.op(Opcode::drop);
        code_.constant(top, top == ValueType::f32
                                ? std::bit_cast<std::uint32_t>(static_cast<float>(value))
                                : std::bit_cast<std::uint64_t>(value));
    }
}

void BodyGenerator::make_canonical(Opcode opcode) {
    const NanForm* const form = nan_form_of(opcode);
    if (form == nullptr) return;
    code_.op(Opcode::local_tee, scratch(form->type));
    if (form->type == ValueType::v128) {
        code_.constant(V128{{form->canonical, form->canonical}});
    } else {
        code_.constant(form->type, form->canonical);
    }
    code_.op(Opcode::local_get, scratch(form->type));
    code_.op(Opcode::local_get, scratch(form->type));
    code_.op(form->equal);
    code_.op(form->choose);
}

void BodyGenerator::access(Opcode opcode) {
    const Signature& signature = info_of(opcode).signature;
    const std::uint32_t memory = below(shape_.memories.size());
    const bool has_value = signature.operand_count == 2;
    const ValueType value = signature.operands[1];
    const bool is_there = has_value && is_on_top(value);
    if (is_there) {
        code_.op(Opcode::local_set, scratch(value));
        take(1);
    }
    push_address(memory);
    if (is_there) {
        code_.op(Opcode::local_get, scratch(value));
        push(value);
    } else if (has_value) {
        push_value(value);
    }
    take(signature.operand_count);
    code_.op(opcode);
    add_memarg(opcode, memory);
    if (info_of(opcode).immediate == Immediate::memarg_lane)
        code_.add({static_cast<std::uint8_t>(below(lane_count(opcode)))});
    if (signature.result) push(*signature.result);
}

void BodyGenerator::add_memarg(Opcode opcode, std::uint32_t memory) {
    constexpr std::uint32_t kMemoryIndexFollows = 0x40;
    const auto natural = static_cast<std::uint32_t>(std::countr_zero(access_bytes(opcode)));
    const std::uint32_t alignment = below(natural + 1U);
    if (memory == 0) {
        code_.add(leb(alignment));
    } else {
        code_.add(test::join({leb(alignment | kMemoryIndexFollows), leb(memory)}));
    }
    const std::uint32_t way = below(64);
    std::uint64_t offset = choices_.take<std::uint8_t>();
    if (way == 1) offset = kWasmPageBytes - below(32);  // the last bytes, or one beyond
    if (way == 2) offset = choices_.take<std::uint32_t>();
    code_.add(leb(offset));
}

void BodyGenerator::push_address(std::uint32_t memory) {
    const ValueType type = shape_.memories[memory];
    push_value(type);
    if (one_in(64)) return;
    code_.constant(type, kBusyBytes - 1);
    code_.op(type == ValueType::i32 ? Opcode::i32_and : Opcode::i64_and);
}

void BodyGenerator::push_number(ValueType type, std::uint64_t count) {
    code_.constant(type, below(count));
    push(type);
}

void BodyGenerator::on_memory(Opcode opcode) {
    const std::uint32_t memory = below(shape_.memories.size());
    const ValueType address = shape_.memories[memory];
    switch (opcode) {
        case Opcode::memory_size:
            push(address);
            return code_.op(opcode, memory);
        case Opcode::memory_grow:
            push_number(address, 3);
            return code_.op(opcode, memory);
        case Opcode::memory_fill:
            push_address(memory);
            push_value(ValueType::i32);
            push_number(address, kDataBytes);
            take(3);
            return code_.op(opcode, memory);
        default:  // memory_init
            push_address(memory);
            push_number(ValueType::i32, kDataBytes / 2);
            push_number(ValueType::i32, kDataBytes / 2);
            take(3);
            return code_.op(opcode, kPassiveData, memory);
    }
}

}  // namespace sojourn::fuzz
