#include "tests/fuzz/body_generator.hpp"

#include <algorithm>

namespace sojourn::fuzz {

using namespace vm;
using test::join;
using test::leb;
using test::Raw;

namespace {

constexpr std::size_t kStepsMax = 400;
constexpr std::size_t kOperandsMax = 40;
constexpr std::size_t kLocalsOfType = 2;
constexpr std::uint8_t kEmptyBlock = 0x40;

bool is_about_vectors(const Signature& signature) {
    const auto operands = std::span(signature.operands).first(signature.operand_count);
    return signature.result == ValueType::v128 ||
           std::ranges::find(operands, ValueType::v128) != operands.end();
}

}  // namespace

BodyGenerator::BodyGenerator(const ModuleShape& shape, const Dialect& dialect, Bytes choices)
    : shape_(shape), dialect_(dialect), choices_(choices), value_types_(dialect.value_types()) {
    for (std::size_t row = 0; row < kOpcodeCount; ++row) {
        const auto opcode = static_cast<Opcode>(row);
        if (!dialect.has(opcode)) continue;
        const Signature& signature = info_of(opcode).signature;
        auto& kind = signature.by_context          ? contextual_
                     : is_about_vectors(signature) ? vector_
                                                   : scalar_;
        kind.push_back(opcode);
    }
}

Raw BodyGenerator::generate(std::uint32_t function) {
    declare_locals(function);
    blocks_.push_back({.results = shape_.type_of_function(function).results});
    burn_fuel();
    set_locals();
    for (std::size_t steps = 0; steps < kStepsMax && !choices_.is_empty(); ++steps)
        step();
    while (blocks_.size() > 1)
        close();
    settle(blocks_.front().results);
    code_.op(Opcode::end);
    return code_.bytes();
}

void BodyGenerator::declare_locals(std::uint32_t function) {
    locals_ = shape_.type_of_function(function).parameters;
    code_.add(leb(value_types_.size() * 2));
    for (const std::size_t count : {kLocalsOfType, std::size_t{1}}) {
        for (const ValueType type : value_types_) {
            code_.add(join({leb(count), encoded(type)}));
            locals_.insert(locals_.end(), count, type);
        }
        if (count == kLocalsOfType) usable_locals_ = locals_.size();
    }
}

void BodyGenerator::set_locals() {
    for (std::uint32_t i = 0; i < usable_locals_; ++i) {
        if (!one_in(2)) continue;
        add_chosen_constant(code_, choices_, shape_, locals_[i]);
        code_.op(Opcode::local_set, i);
    }
}

std::uint32_t BodyGenerator::scratch(ValueType type) const {
    const auto found = std::ranges::find(value_types_, type) - value_types_.begin();
    return static_cast<std::uint32_t>(usable_locals_ + static_cast<std::size_t>(found));
}

void BodyGenerator::burn_fuel() {
    code_.op(Opcode::global_get, kFuelGlobal);
    code_.op(Opcode::i32_eqz);
    code_.op(Opcode::if_, kEmptyBlock);
    code_.op(Opcode::unreachable);
    code_.op(Opcode::end);
    code_.op(Opcode::global_get, kFuelGlobal);
    code_.i32(1);
    code_.op(Opcode::i32_sub);
    code_.op(Opcode::global_set, kFuelGlobal);
}

void BodyGenerator::step() {
    if (stack_.size() - floor() > kOperandsMax) settle({});
    switch (below(8)) {
        case 0:
            return push_value(any_type());
        case 1:
        case 2:
            return by_context(choose_of(choices_, contextual_));
        case 3:
        case 4:
        case 5:
            return plain(choose_of(choices_, scalar_));
        default:
            return plain(choose_of(choices_, vector_.empty() ? scalar_ : vector_));
    }
}

void BodyGenerator::push_value(ValueType type) {
    std::vector<std::uint32_t> locals;
    for (std::uint32_t i = 0; i < usable_locals_; ++i) {
        if (locals_[i] == type) locals.push_back(i);
    }
    if (one_in(3)) {
        add_chosen_constant(code_, choices_, shape_, type);
    } else {
        code_.op(Opcode::local_get, choose_of(choices_, locals));
    }
    push(type);
}

void BodyGenerator::provide(const Types& types) {
    std::size_t found = std::min(types.size(), stack_.size() - floor());
    while (
        !std::equal(stack_.end() - static_cast<std::ptrdiff_t>(found), stack_.end(), types.begin()))
        --found;
    for (; found < types.size(); ++found)
        push_value(types[found]);
}

void BodyGenerator::digest_top() {
    const ValueType type = stack_.back();
    take(1);
    switch (type) {
        case ValueType::i64:
            break;
        case ValueType::f64:
            code_.op(Opcode::i64_reinterpret_f64);
            break;
        case ValueType::v128:
            code_.op(Opcode::local_tee, scratch(type));
            code_.op(Opcode::i64x2_extract_lane, 0);
            digest();
            code_.op(Opcode::local_get, scratch(type));
            code_.op(Opcode::i64x2_extract_lane, 1);
            break;
        default:
            if (type == ValueType::f32) code_.op(Opcode::i32_reinterpret_f32);
            if (is_reference(type)) code_.op(Opcode::ref_is_null);
            code_.op(Opcode::i64_extend_i32_u);
            break;
    }
    digest();
}

void BodyGenerator::digest() {
    code_.op(Opcode::global_get, kDigestGlobal);
    code_.constant(ValueType::i64, 0x100'0000'01b3);
    code_.op(Opcode::i64_mul);
    code_.op(Opcode::i64_xor);
    code_.op(Opcode::global_set, kDigestGlobal);
}

void BodyGenerator::settle(const Types& types) {
    const auto is_beginning = [&] {
        const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(floor());
        const auto count = static_cast<std::size_t>(stack_.end() - first);
        return count <= types.size() && std::equal(first, stack_.end(), types.begin());
    };
    while (!is_beginning())
        digest_top();
    provide(types);
}

}  // namespace sojourn::fuzz
