#include "vm/exec/bulk.hpp"

#include <algorithm>
#include <cstring>

#include "vm/wasm/code_reader.hpp"
#include "vm/wasm/meaning.hpp"

namespace sojourn::vm {

namespace {

bool fits(std::uint64_t first, std::uint64_t count, std::uint64_t size) {
    return count <= size && first <= size - count;
}

void extend(heap::Region& region, std::uint64_t size_bytes) {
    if (size_bytes <= region.size_bytes()) return;
    const auto grown = region.grow(size_bytes);
    INVARIANT(grown.ok(), "address space that is reserved can be made accessible");
}

}  // namespace

std::uint64_t grow(LinearMemory& memory, std::uint64_t pages) {
    const std::uint64_t before = memory.pages();
    if (!fits(before, pages, memory.type.pages_max()) ||
        !memory.budget->take(pages * kWasmPageBytes)) {
        return grow_refused(memory.type.address);
    }
    extend(*memory.region, (before + pages) * kWasmPageBytes);
    return before;
}

std::uint64_t grow(Table& table, std::uint64_t elements, Reference value) {
    const std::uint32_t before = table.size;
    if (!fits(before, elements, table.size_max()) ||
        !table.budget->take(table_bytes(before + elements) - table_bytes(before))) {
        return grow_refused(table.type.address);
    }
    table.size = static_cast<std::uint32_t>(before + elements);
    extend(*table.region, table_bytes(table.size));
    if (value != kNullReference) std::fill_n(table.elements() + before, elements, value);
    return before;
}

namespace {

/// The value of a constant instruction that has no operands.
std::uint64_t value_of(const Instruction& instruction, const Instance& instance) {
    switch (instruction.opcode) {
        case Opcode::global_get:
            return *instance.globals[instruction.index];
        case Opcode::ref_func:
            return instance.functions[instruction.index]->reference();
        case Opcode::ref_null:
            return kNullReference;
        default:
            return instruction.constant;
    }
}

std::uint64_t combine(Opcode opcode, std::uint64_t left, std::uint64_t right) {
    switch (opcode) {
        case Opcode::i32_add:
            return static_cast<std::uint32_t>(left + right);
        case Opcode::i32_sub:
            return static_cast<std::uint32_t>(left - right);
        case Opcode::i32_mul:
            return static_cast<std::uint32_t>(left * right);
        case Opcode::i64_add:
            return left + right;
        case Opcode::i64_sub:
            return left - right;
        default:
            return left * right;
    }
}

std::uint64_t evaluate_code(std::uint32_t code_offset, const Instance& instance) {
    CodeReader reader(*instance.module, code_offset);
    std::vector<std::uint64_t> operands;
    for (;;) {
        const Instruction& instruction = reader.next();
        if (instruction.opcode == Opcode::end) return operands.back();
        if (!is_plain(instruction.opcode)) {
            operands.push_back(value_of(instruction, instance));
            continue;
        }
        const std::uint64_t right = operands.back();
        operands.pop_back();
        operands.back() = combine(instruction.opcode, operands.back(), right);
    }
}

}  // namespace

std::uint64_t evaluate(const ConstantExpression& expression, const Instance& instance) {
    switch (expression.kind) {
        case ConstantExpression::Kind::constant:
            return expression.bits;
        case ConstantExpression::Kind::global:
            return *instance.globals[expression.bits];
        case ConstantExpression::Kind::function:
            return instance.functions[expression.bits]->reference();
        case ConstantExpression::Kind::null:
            return kNullReference;
        case ConstantExpression::Kind::code:
            return evaluate_code(static_cast<std::uint32_t>(expression.bits), instance);
    }
    return kNullReference;
}

V128 evaluate_vector(const ConstantExpression& expression, const Instance& instance) {
    if (expression.kind == ConstantExpression::Kind::constant) return expression.vector;
    V128 value;
    std::memcpy(&value, instance.globals[expression.bits], sizeof value);
    return value;
}

std::optional<Trap> write_segment(Instance& instance, LinearMemory& memory, std::uint32_t segment,
                                  Range range) {
    const DataSegment& data = instance.module->data[segment];
    const std::uint64_t available = instance.dropped_data[segment] ? 0 : data.byte_count;
    if (!fits(range.from, range.count, available) ||
        !fits(range.to, range.count, memory.region->size_bytes())) {
        return Trap::out_of_bounds_memory;
    }
    if (range.count == 0) return std::nullopt;
    std::memcpy(memory.region->base() + range.to,
                instance.module->bytes.data() + data.bytes_offset + range.from, range.count);
    return std::nullopt;
}

std::optional<Trap> copy_bytes(LinearMemory& to, const LinearMemory& from, Range range) {
    if (!fits(range.from, range.count, from.region->size_bytes()) ||
        !fits(range.to, range.count, to.region->size_bytes())) {
        return Trap::out_of_bounds_memory;
    }
    std::memmove(to.region->base() + range.to, from.region->base() + range.from, range.count);
    return std::nullopt;
}

std::optional<Trap> fill_bytes(LinearMemory& memory, Range range) {
    if (!fits(range.to, range.count, memory.region->size_bytes())) {
        return Trap::out_of_bounds_memory;
    }
    std::memset(memory.region->base() + range.to, static_cast<int>(range.from & 0xff), range.count);
    return std::nullopt;
}

std::optional<Trap> write_segment(Instance& instance, Table& table, std::uint32_t segment,
                                  Range range) {
    const auto& elements = instance.module->elements[segment].elements;
    const std::uint64_t available = instance.dropped_elements[segment] ? 0 : elements.size();
    if (!fits(range.from, range.count, available) || !fits(range.to, range.count, table.size)) {
        return Trap::out_of_bounds_table;
    }
    for (std::uint64_t i = 0; i < range.count; ++i) {
        table.elements()[range.to + i] = evaluate(elements[range.from + i], instance);
    }
    return std::nullopt;
}

std::optional<Trap> copy_elements(Table& to, const Table& from, Range range) {
    if (!fits(range.from, range.count, from.size) || !fits(range.to, range.count, to.size)) {
        return Trap::out_of_bounds_table;
    }
    std::memmove(to.elements() + range.to, from.elements() + range.from,
                 range.count * sizeof(Reference));
    return std::nullopt;
}

std::optional<Trap> fill_elements(Table& table, Range range) {
    if (!fits(range.to, range.count, table.size)) return Trap::out_of_bounds_table;
    std::fill_n(table.elements() + range.to, range.count, range.from);
    return std::nullopt;
}

}  // namespace sojourn::vm
