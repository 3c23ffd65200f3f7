#pragma once

#include <concepts>

#include "vm/wasm/internal/immediates.hpp"

namespace sojourn::vm::internal {

/// Reads a module out of bytes that nobody vouches for.
///
/// The first failure is remembered with its place; from then on every read is at the end and hands
/// out zeros. So a caller reads on without asking after each step, and asks failed() before it
/// trusts, loops on, or allocates by, what it read. Borrows the bytes.
class ModuleReader {
public:
    /// `first_same_type`: what becomes of type indices, and how many there are by now; nullptr
    /// where there are none. Borrowed.
    explicit ModuleReader(Bytes bytes, const std::vector<std::uint32_t>* first_same_type = nullptr)
        : begin_(reinterpret_cast<const std::uint8_t*>(bytes.data())),
          at_(begin_),
          end_(begin_ + bytes.size()),
          first_same_type_(first_same_type) {}

    [[nodiscard]] bool failed() const { return error_.has_value(); }
    /// Requires: failed().
    [[nodiscard]] Error take_error();

    template <typename... Args>
    void malformed(fmt::format_string<Args...> format, Args&&... args) {
        fail_here(ErrorCode::malformed_module, fmt::format(format, std::forward<Args>(args)...));
    }
    template <typename... Args>
    void invalid(fmt::format_string<Args...> format, Args&&... args) {
        fail_here(ErrorCode::invalid_module, fmt::format(format, std::forward<Args>(args)...));
    }
    template <typename... Args>
    void unsupported(fmt::format_string<Args...> format, Args&&... args) {
        fail_here(ErrorCode::unsupported, fmt::format(format, std::forward<Args>(args)...));
    }

    /// Names the function in whose body the next failures lie; nullopt outside of bodies.
    void enter_function(std::optional<std::uint32_t> index) { function_ = index; }
    /// Failures are said to be here rather than where the reader stands; cleared by nullopt.
    void blame(std::optional<std::uint32_t> offset) { blamed_offset_ = offset; }

    /// From the module's first byte.
    [[nodiscard]] std::uint32_t offset() const { return static_cast<std::uint32_t>(at_ - begin_); }
    [[nodiscard]] std::uint32_t left() const { return static_cast<std::uint32_t>(end_ - at_); }
    [[nodiscard]] bool at_end() const { return at_ == end_; }

    /// Ends the reader after the next `byte_count` bytes, until leave(): a section, a body.
    /// Requires: byte_count <= left(). Returns what leave() wants.
    [[nodiscard]] const std::uint8_t* enter(std::uint32_t byte_count);
    void leave(const std::uint8_t* outer_end) {
        if (!failed()) end_ = outer_end;
    }

    std::uint8_t u8() {
        if (at_ == end_) [[unlikely]] {
            malformed("unexpected end");
            return 0;
        }
        return *at_++;
    }
    /// 0 at the end.
    [[nodiscard]] std::uint8_t peek() const { return at_ == end_ ? std::uint8_t{0} : *at_; }

    std::uint32_t u32() {
        if (at_ != end_ && *at_ < 0x80) [[likely]] {
            return *at_++;
        }
        return static_cast<std::uint32_t>(unsigned_leb(32));
    }
    std::uint64_t u64() {
        if (at_ != end_ && *at_ < 0x80) [[likely]] {
            return *at_++;
        }
        return unsigned_leb(64);
    }
    std::int32_t s32() { return static_cast<std::int32_t>(signed_number(32)); }
    std::int64_t s33() { return signed_number(33); }
    std::int64_t s64() { return signed_number(64); }
    std::uint32_t fixed_u32() { return fixed<std::uint32_t>(); }
    std::uint64_t fixed_u64() { return fixed<std::uint64_t>(); }

    /// The number of elements of a vector, refused when there can't be as many.
    std::uint32_t count(std::string_view of_what);
    /// A view into the module. Refused beyond the end.
    Bytes bytes(std::uint32_t byte_count);
    /// UTF-8, checked. A view into the module.
    std::string_view name();

    ValueType value_type();
    ValueType reference_type();
    HeapType heap_type();
    /// A failure when there is no such type.
    std::uint32_t type_index(std::int64_t index);
    BlockType block_type();
    CatchForm catch_form();
    bool mutability();
    GlobalType global_type();
    TableType table_type();
    MemoryType memory_type();
    Opcode opcode() {
        if (at_ != end_ && kPlainOpcodes[*at_] != kNoOpcode) [[likely]] {
            return static_cast<Opcode>(kPlainOpcodes[*at_++]);
        }
        return prefixed_opcode();
    }

private:
    /// One that stands behind a prefix, or none at all, which is a failure.
    Opcode prefixed_opcode();
    /// The failure of an instruction that is none of the table.
    void refuse_opcode(std::uint8_t first, std::uint32_t code);
    std::uint8_t limits_flags(std::string_view of_what);
    Limits limits(std::uint8_t flags);
    void check_limits(const Limits& limits, std::uint64_t size_max, std::string_view too_large);
    void fail_here(ErrorCode code, std::string text);
    std::uint64_t unsigned_leb(unsigned bits);
    std::int64_t signed_leb(unsigned bits);
    std::int64_t signed_number(unsigned bits) {
        if (at_ != end_ && *at_ < 0x80) [[likely]] {
            constexpr unsigned kUnused = 64 - 7;
            return static_cast<std::int64_t>(std::uint64_t{*at_++} << kUnused) >> kUnused;
        }
        return signed_leb(bits);
    }

    template <std::unsigned_integral T>
    T fixed() {
        const Bytes raw = bytes(sizeof(T));
        T value = 0;
        if (!failed()) std::memcpy(&value, raw.data(), sizeof(T));
        return value;
    }

    const std::uint8_t* begin_;
    const std::uint8_t* at_;
    const std::uint8_t* end_;
    const std::vector<std::uint32_t>* first_same_type_;
    std::optional<std::uint32_t> function_;
    std::optional<std::uint32_t> blamed_offset_;
    std::optional<Error> error_;
};

/// RFC 3629: shortest forms only, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

}  // namespace sojourn::vm::internal
