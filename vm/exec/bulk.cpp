#include "vm/exec/bulk.hpp"

#include <algorithm>
#include <cstring>

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
    const bool is_64_bit = memory.type.is_64_bit();
    if (!is_64_bit) pages = static_cast<std::uint32_t>(pages);
    const std::uint64_t before = memory.pages();
    if (!fits(before, pages, memory.type.pages_max())) {
        return is_64_bit ? kGrowRefused64 : kGrowRefused;
    }
    extend(*memory.region, (before + pages) * kWasmPageBytes);
    return before;
}

std::uint32_t grow(Table& table, std::uint32_t elements, Reference value) {
    const std::uint32_t before = table.size;
    if (std::uint64_t{before} + elements > table.size_max()) return kGrowRefused;
    table.size = before + elements;
    extend(*table.region, table_bytes(table.size));
    if (value != kNullReference) std::fill_n(table.elements() + before, elements, value);
    return before;
}

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
    }
    return kNullReference;
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

std::optional<Trap> copy_bytes(LinearMemory& memory, Range range) {
    const std::uint64_t size = memory.region->size_bytes();
    if (!fits(range.from, range.count, size) || !fits(range.to, range.count, size)) {
        return Trap::out_of_bounds_memory;
    }
    std::byte* base = memory.region->base();
    std::memmove(base + range.to, base + range.from, range.count);
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

std::optional<Trap> fill_elements(Table& table, std::uint32_t first, Reference value,
                                  std::uint32_t count) {
    if (!fits(first, count, table.size)) return Trap::out_of_bounds_table;
    std::fill_n(table.elements() + first, count, value);
    return std::nullopt;
}

}  // namespace sojourn::vm
