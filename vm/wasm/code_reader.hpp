#pragma once

#include <cstring>

#include "vm/wasm/internal/immediates.hpp"

namespace sojourn::vm {

/// Walks the instructions of a validated body, without checks. Type indices are those written, not
/// the first that is the same. Borrows the module.
class CodeReader {
public:
    /// Starts at `offset`, an instruction's first byte.
    CodeReader(const Module& module, std::uint32_t offset)
        : begin_(reinterpret_cast<const std::uint8_t*>(module.bytes.data())),
          at_(begin_ + offset) {}
    CodeReader(const Module& module, const Function& function)
        : CodeReader(module, function.code_offset) {}

    /// Of the next instruction; the function's end_offset when there is none.
    [[nodiscard]] std::uint32_t offset() const { return static_cast<std::uint32_t>(at_ - begin_); }

    /// The next instruction and its immediates, good until the next call.
    /// Requires: offset() is below the function's end_offset.
    const Instruction& next() {
        instruction_.offset = offset();
        instruction_.opcode = opcode();
        internal::read_immediates(*this, instruction_, storage_);
        instruction_.end_offset = offset();
        return instruction_;
    }

    // The source of read_immediates().

    std::uint8_t u8() { return *at_++; }
    std::uint32_t u32() { return static_cast<std::uint32_t>(unsigned_leb()); }
    std::uint64_t u64() { return unsigned_leb(); }
    std::int32_t s32() { return static_cast<std::int32_t>(signed_leb()); }
    std::int64_t s64() { return signed_leb(); }
    std::uint32_t fixed_u32() { return fixed<std::uint32_t>(); }
    std::uint64_t fixed_u64() { return fixed<std::uint64_t>(); }
    ValueType value_type() {
        const std::uint8_t code = *at_++;
        if (code != kReference && code != kNullableReference) return static_cast<ValueType>(code);
        return reference_to(heap_type(), code == kNullableReference);
    }
    HeapType heap_type() {
        const std::int64_t code = signed_leb();
        if (code >= 0) return type_index_heap(static_cast<std::uint32_t>(code));
        return static_cast<HeapType>(code & 0x7f);
    }

    internal::CatchForm catch_form() { return static_cast<internal::CatchForm>(*at_++); }

    BlockType block_type() {
        if (*at_ == kEmptyBlock) {
            ++at_;
            return {};
        }
        const bool is_value_type = (*at_ & 0xc0) == 0x40;
        if (is_value_type) return BlockType::of_value(value_type());
        return BlockType::of_function_type(static_cast<std::uint32_t>(signed_leb()));
    }

    static constexpr bool failed() { return false; }

private:
    static constexpr std::uint8_t kEmptyBlock = 0x40;
    static constexpr std::uint8_t kReference = 0x64;
    static constexpr std::uint8_t kNullableReference = 0x63;

    Opcode opcode() {
        const std::uint8_t first = *at_++;
        if (!is_prefix(first)) return *find_opcode(0x00, first);
        return *find_opcode(first, u32());
    }

    std::uint64_t unsigned_leb() {
        std::uint64_t value = 0;
        for (unsigned shift = 0;; shift += 7) {
            const std::uint8_t byte = *at_++;
            value |= std::uint64_t{byte & 0x7fU} << shift;
            if (byte < 0x80) return value;
        }
    }

    std::int64_t signed_leb() {
        std::uint64_t value = 0;
        for (unsigned shift = 0;;) {
            const std::uint8_t byte = *at_++;
            value |= std::uint64_t{byte & 0x7fU} << shift;
            shift += 7;
            if (byte >= 0x80) continue;
            const bool is_negative = (byte & 0x40) != 0;
            if (is_negative && shift < 64) value |= ~std::uint64_t{0} << shift;
            return static_cast<std::int64_t>(value);
        }
    }

    template <typename T>
    T fixed() {
        T value;
        std::memcpy(&value, at_, sizeof(T));
        at_ += sizeof(T);
        return value;
    }

    const std::uint8_t* begin_;
    const std::uint8_t* at_;
    Instruction instruction_;
    internal::ImmediateStorage storage_;
};

}  // namespace sojourn::vm
