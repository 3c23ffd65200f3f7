#include <algorithm>

#include "tests/fuzz/body_generator.hpp"

/// Blocks, branches, calls, exceptions.
namespace sojourn::fuzz {

using namespace vm;
using test::join;
using test::leb;
using test::Raw;
using test::signed_leb;

namespace {

constexpr std::size_t kDepthMax = 8;

}  // namespace

void BodyGenerator::control(Opcode opcode) {
    switch (opcode) {
        case Opcode::nop:
            return code_.op(opcode);
        case Opcode::unreachable:
            if (!one_in(16)) return;
            code_.op(opcode);
            return cut();
        case Opcode::block:
        case Opcode::loop:
        case Opcode::if_:
        case Opcode::try_:
        case Opcode::try_table:
            return enter(opcode);
        case Opcode::end:
            if (blocks_.size() > 1) close();
            return;
        case Opcode::else_:
        case Opcode::catch_:
        case Opcode::catch_all:
            return next_arm(opcode);
        case Opcode::delegate:
            return delegate();
        case Opcode::rethrow:
            return rethrow();
        case Opcode::throw_:
            return throw_chosen();
        case Opcode::throw_ref:
            if (!one_in(4)) return;
            provide({ValueType::exnref});
            code_.op(opcode);
            return cut();
        case Opcode::br:
        case Opcode::br_if:
        case Opcode::return_:
            return branch(opcode);
        case Opcode::br_table:
            return branch_by_table();
        case Opcode::br_on_null:
        case Opcode::br_on_non_null:
            return branch_on_null(opcode);
        default:
            return call(opcode);
    }
}

Raw BodyGenerator::choose_block_type(Block& block) {
    constexpr std::uint8_t kEmpty = 0x40;
    switch (below(4)) {
        case 0:
            return {kEmpty};
        case 1:
            block.results = {any_type()};
            return encoded(block.results.front());
        default: {
            const std::uint32_t index = below(shape_.plain_types);
            block.parameters = shape_.types[index].parameters;
            block.results = shape_.types[index].results;
            return signed_leb(index);
        }
    }
}

void BodyGenerator::enter(Opcode opcode) {
    if (blocks_.size() > kDepthMax) return;
    Block block{.opcode = opcode};
    const Raw type = choose_block_type(block);
    provide(block.parameters);
    if (opcode == Opcode::if_) {
        push_value(ValueType::i32);
        take(1);
    }
    code_.op(opcode);
    code_.add(type);
    if (opcode == Opcode::try_table) add_catches();
    block.height = stack_.size() - block.parameters.size();
    blocks_.push_back(std::move(block));
    if (opcode == Opcode::loop) burn_fuel();
}

void BodyGenerator::add_catches() {
    std::vector<Raw> fitting;
    for (std::uint32_t depth = 0; depth < blocks_.size(); ++depth) {
        Types wanted = blocks_[blocks_.size() - 1 - depth].label_types();
        const bool has_reference = !wanted.empty() && wanted.back() == ValueType::exnref;
        const auto form = static_cast<std::uint8_t>(has_reference ? 1 : 0);
        if (has_reference) wanted.pop_back();
        for (std::uint32_t tag = 0; tag < shape_.tags.size(); ++tag) {
            if (shape_.parameters_of_tag(tag) == wanted)
                fitting.push_back(join({{form}, leb(tag), leb(depth)}));
        }
        const auto form_of_all = static_cast<std::uint8_t>(form + 2);
        if (wanted.empty()) fitting.push_back(join({{form_of_all}, leb(depth)}));
    }
    const std::size_t count = fitting.empty() ? 0 : below(4);
    code_.add(leb(count));
    for (std::size_t i = 0; i < count; ++i)
        code_.add(choose_of(choices_, fitting));
}

void BodyGenerator::close() {
    const Opcode opcode = blocks_.back().opcode;
    if (opcode == Opcode::if_ && blocks_.back().parameters != blocks_.back().results) {
        next_arm(Opcode::else_);
    }
    if (opcode == Opcode::try_) next_arm(Opcode::catch_all);
    settle(blocks_.back().results);
    code_.op(Opcode::end);
    blocks_.pop_back();
}

void BodyGenerator::next_arm(Opcode opcode) {
    Block& block = blocks_.back();
    const bool fits = opcode == Opcode::else_
                          ? block.opcode == Opcode::if_
                          : block.opcode == Opcode::try_ || block.opcode == Opcode::catch_;
    if (!fits || blocks_.size() == 1) return;
    settle(block.results);
    cut();
    if (opcode == Opcode::catch_) {
        const std::uint32_t tag = below(shape_.tags.size());
        code_.op(opcode, tag);
        push_all(shape_.parameters_of_tag(tag));
    } else {
        code_.op(opcode);
        if (opcode == Opcode::else_) push_all(block.parameters);
    }
    block.opcode = opcode;
}

void BodyGenerator::delegate() {
    if (blocks_.back().opcode != Opcode::try_) return;
    settle(blocks_.back().results);
    code_.op(Opcode::delegate, below(blocks_.size() - 1));
    blocks_.pop_back();
}

void BodyGenerator::rethrow() {
    std::vector<std::uint32_t> caught;
    for (std::uint32_t depth = 0; depth < blocks_.size(); ++depth) {
        if (blocks_[blocks_.size() - 1 - depth].has_caught()) caught.push_back(depth);
    }
    if (caught.empty()) return;
    code_.op(Opcode::rethrow, choose_of(choices_, caught));
    cut();
}

void BodyGenerator::throw_chosen() {
    if (!one_in(8)) return;
    const std::uint32_t tag = below(shape_.tags.size());
    provide(shape_.parameters_of_tag(tag));
    code_.op(Opcode::throw_, tag);
    cut();
}

void BodyGenerator::branch(Opcode opcode) {
    if (opcode == Opcode::return_) {
        if (!one_in(16)) return;
        provide(blocks_.front().results);
        code_.op(opcode);
        return cut();
    }
    if (opcode == Opcode::br && !one_in(8)) return;
    const std::uint32_t depth = below(blocks_.size());
    provide(blocks_[blocks_.size() - 1 - depth].label_types());
    if (opcode == Opcode::br_if) {
        push_value(ValueType::i32);
        take(1);
    }
    code_.op(opcode, depth);
    if (opcode == Opcode::br) cut();
}

void BodyGenerator::branch_by_table() {
    const auto types_of = [&](std::uint32_t depth) -> const Types& {
        return blocks_[blocks_.size() - 1 - depth].label_types();
    };
    if (!one_in(4)) return;
    const std::uint32_t fallback = below(blocks_.size());
    std::vector<std::uint32_t> alike;
    for (std::uint32_t depth = 0; depth < blocks_.size(); ++depth) {
        if (types_of(depth) == types_of(fallback)) alike.push_back(depth);
    }
    provide(types_of(fallback));
    push_value(ValueType::i32);
    const std::size_t count = below(5);
    if (one_in(2)) {  // so that not only the default is taken
        code_.i32(3);
        code_.op(Opcode::i32_and);
    }
    code_.op(Opcode::br_table, count);
    for (std::size_t i = 0; i < count; ++i)
        code_.add(leb(choose_of(choices_, alike)));
    code_.add(leb(fallback));
    cut();
}

void BodyGenerator::branch_on_null(Opcode opcode) {
    const std::uint32_t depth = below(blocks_.size());
    const Types types = blocks_[blocks_.size() - 1 - depth].label_types();
    if (opcode == Opcode::br_on_null) {
        const ValueType type = below(2) == 0 ? ValueType::funcref : ValueType::externref;
        provide(types);
        push_value(type);
        return code_.op(opcode, depth);
    }
    if (types.empty() || !is_reference(types.back())) return;
    provide(types);
    take(1);
    code_.op(opcode, depth);
}

void BodyGenerator::call(Opcode opcode) {
    const std::uint32_t function = any_function();
    const std::uint32_t type_index = shape_.functions[function];
    const FunctionType& type = shape_.types[type_index];
    const std::string_view text = text_of(opcode);
    const bool is_last = text.starts_with("return_");
    if (is_last && (type.results != blocks_.front().results || !one_in(4))) return;
    provide(type.parameters);
    if (text.ends_with("call")) {
        code_.op(opcode, function);
    } else if (text.ends_with("call_ref")) {
        code_.op(Opcode::ref_func, function);
        code_.op(opcode, type_index);
    } else {
        constexpr std::uint32_t kFunctionTables = 2;
        code_.i32(static_cast<std::int32_t>(one_in(8) ? below(2 * kTableSize) : function));
        code_.op(opcode, type_index, below(kFunctionTables));
    }
    take(type.parameters.size());
    push_all(type.results);
    if (is_last) cut();
}

}  // namespace sojourn::fuzz
