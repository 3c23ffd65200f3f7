#include "tests/fuzz/body_generator.hpp"

/// Variables, references, tables: instructions that are typed by what they name.
namespace sojourn::fuzz {

using namespace vm;

namespace {

constexpr std::uint32_t kPiece = 4;  ///< elements at a time

}  // namespace

void BodyGenerator::by_context(Opcode opcode) {
    switch (opcode) {
        case Opcode::drop:
            if (stack_.size() == floor() || !one_in(4)) return;
            take(1);
            return code_.op(opcode);
        case Opcode::select:
        case Opcode::select_typed:
            return select(opcode == Opcode::select_typed);
        case Opcode::local_get:
        case Opcode::local_set:
        case Opcode::local_tee:
        case Opcode::global_get:
        case Opcode::global_set:
            return on_variable(opcode);
        case Opcode::ref_null:
        case Opcode::ref_is_null:
        case Opcode::ref_func:
        case Opcode::ref_as_non_null:
            return on_reference(opcode);
        case Opcode::memory_copy:
            return copy_memory();
        case Opcode::table_get:
        case Opcode::table_set:
        case Opcode::table_size:
        case Opcode::table_grow:
        case Opcode::table_fill:
        case Opcode::table_init:
        case Opcode::table_copy:
            return on_table(opcode);
        default:
            return control(opcode);
    }
}

void BodyGenerator::on_variable(Opcode opcode) {
    const bool is_global = opcode == Opcode::global_get || opcode == Opcode::global_set;
    const std::size_t first = is_global ? kFirstGlobal : 0;
    const std::size_t count = is_global ? shape_.globals.size() : usable_locals_;
    const auto index = static_cast<std::uint32_t>(first + below(count - first));
    const ValueType type = is_global ? shape_.globals[index] : locals_[index];
    if (opcode != Opcode::local_get && opcode != Opcode::global_get) provide_and_take({type});
    code_.op(opcode, index);
    if (opcode != Opcode::local_set && opcode != Opcode::global_set) push(type);
}

void BodyGenerator::on_reference(Opcode opcode) {
    if (opcode == Opcode::ref_func) {
        code_.op(opcode, any_function());
        return push(ValueType::funcref);
    }
    const bool is_function = below(2) == 0;
    const ValueType type = is_function ? ValueType::funcref : ValueType::externref;
    if (opcode == Opcode::ref_null) {
        code_.constant(type, 0);
        return push(type);
    }
    provide_and_take({type});
    code_.op(opcode);
    push(opcode == Opcode::ref_is_null ? ValueType::i32 : type);
}

void BodyGenerator::select(bool is_typed) {
    const ValueType type = any_type();
    if (is_reference(type) && !is_typed) return;
    provide_and_take({type, type, ValueType::i32});
    if (is_typed) {
        code_.op(Opcode::select_typed, 1);
        code_.add(encoded(type));
    } else {
        code_.op(Opcode::select);
    }
    push(type);
}

void BodyGenerator::copy_memory() {
    const std::uint32_t to = below(shape_.memories.size());
    const std::uint32_t from = below(shape_.memories.size());
    const bool are_64_bit =
        shape_.memories[to] == ValueType::i64 && shape_.memories[from] == ValueType::i64;
    push_address(to);
    push_address(from);
    push_number(are_64_bit ? ValueType::i64 : ValueType::i32, kDataBytes);
    take(3);
    code_.op(Opcode::memory_copy, to, from);
}

void BodyGenerator::on_table(Opcode opcode) {
    const std::uint32_t table = below(shape_.tables.size());
    const ValueType element = shape_.tables[table];
    const auto push_index = [&] { push_number(ValueType::i32, kTableSize); };
    const auto push_count = [&] { push_number(ValueType::i32, kPiece); };
    std::uint32_t other = below(shape_.tables.size());
    switch (opcode) {
        case Opcode::table_get:
            push_index();
            take(1);
            push(element);
            return code_.op(opcode, table);
        case Opcode::table_set:
            push_index();
            push_value(element);
            take(2);
            return code_.op(opcode, table);
        case Opcode::table_size:
            push(ValueType::i32);
            return code_.op(opcode, table);
        case Opcode::table_grow:
            provide_and_take({element});
            code_.i32(static_cast<std::int32_t>(below(kPiece)));
            push(ValueType::i32);
            return code_.op(opcode, table);
        case Opcode::table_fill:
            push_index();
            push_value(element);
            push_count();
            take(3);
            return code_.op(opcode, table);
        case Opcode::table_copy:
            if (shape_.tables[other] != element) other = table;
            push_index();
            push_index();
            push_count();
            take(3);
            return code_.op(opcode, table, other);
        default:  // table_init
            other = below(shape_.elements.size());
            if (shape_.elements[other] != element) return;
            push_index();
            push_number(ValueType::i32, kPiece);
            push_count();
            take(3);
            return code_.op(opcode, other, table);
    }
}

}  // namespace sojourn::fuzz
