#include "vm/wasm/internal/module_reader.hpp"

#include <cstring>

#include "vm/wasm/internal/features.hpp"

namespace sojourn::vm::internal {

namespace {

constexpr std::uint8_t kLimitsHaveMax = 0x01;
constexpr std::uint8_t kLimitsAre64Bit = 0x04;

}  // namespace

Error ModuleReader::take_error() {
    EXPECTS(failed(), "an error is taken from a reader that has one");
    return std::move(*error_);
}

void ModuleReader::fail_here(ErrorCode code, std::string text) {
    if (failed()) return;
    const std::uint32_t place = blamed_offset_.value_or(offset());
    if (function_) {
        error_ = fail(code, "{} (function {}, byte 0x{:x})", text, *function_, place);
    } else {
        error_ = fail(code, "{} (byte 0x{:x})", text, place);
    }
    end_ = at_;
}

const std::uint8_t* ModuleReader::enter(std::uint32_t byte_count) {
    EXPECTS(byte_count <= left(), "what is entered lies inside what encloses it");
    return std::exchange(end_, at_ + byte_count);
}

std::uint64_t ModuleReader::unsigned_leb(unsigned bits) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < bits; shift += 7) {
        const std::uint8_t byte = u8();
        const unsigned bits_left = bits - shift;
        if (bits_left < 7 && (byte & 0x7fU) >> bits_left != 0) {
            malformed("integer too large");
            return 0;
        }
        value |= std::uint64_t{byte & 0x7fU} << shift;
        if (byte < 0x80) return value;
    }
    malformed("integer representation too long");
    return 0;
}

std::int64_t ModuleReader::signed_leb(unsigned bits) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < bits; shift += 7) {
        const std::uint8_t byte = u8();
        const unsigned bits_left = bits - shift;
        if (bits_left < 7) {  // the bits that don't fit repeat the sign
            const unsigned sign_and_above = (byte & 0x7fU) >> (bits_left - 1);
            if (sign_and_above != 0 && sign_and_above != 0x7fU >> (bits_left - 1)) {
                malformed("integer too large");
                return 0;
            }
        }
        value |= std::uint64_t{byte & 0x7fU} << shift;
        if (byte >= 0x80) continue;
        const bool is_negative = (byte & 0x40) != 0;
        if (is_negative && shift + 7 < 64) value |= ~std::uint64_t{0} << (shift + 7);
        return static_cast<std::int64_t>(value);
    }
    malformed("integer representation too long");
    return 0;
}

std::uint32_t ModuleReader::count(std::string_view of_what) {
    const std::uint32_t result = u32();
    if (result <= left()) return result;
    malformed("unexpected end: {} {} are announced, {} bytes are left", result, of_what, left());
    return 0;
}

Bytes ModuleReader::bytes(std::uint32_t byte_count) {
    if (byte_count > left()) {
        malformed("unexpected end: {} bytes are wanted, {} are left", byte_count, left());
        return {};
    }
    const Bytes result(reinterpret_cast<const std::byte*>(at_), byte_count);
    at_ += byte_count;
    return result;
}

std::string_view ModuleReader::name() {
    const std::string_view text = as_text(bytes(u32()));
    if (is_utf8(text)) return text;
    malformed("malformed UTF-8 encoding");
    return {};
}

ValueType ModuleReader::value_type() {
    constexpr std::uint8_t kReference = 0x64;
    constexpr std::uint8_t kNullableReference = 0x63;
    const std::uint8_t code = u8();
    switch (code) {
        case static_cast<std::uint8_t>(ValueType::i32):
        case static_cast<std::uint8_t>(ValueType::i64):
        case static_cast<std::uint8_t>(ValueType::f32):
        case static_cast<std::uint8_t>(ValueType::f64):
        case static_cast<std::uint8_t>(ValueType::v128):
            return static_cast<ValueType>(code);
        case kReference:
        case kNullableReference:
            return reference_to(heap_type(), code == kNullableReference);
        default:
            break;
    }
    if (is_abstract_heap(code)) return static_cast<ValueType>(code);
    malformed("malformed value type 0x{:02x}", code);
    return ValueType::i32;
}

ValueType ModuleReader::reference_type() {
    const ValueType type = value_type();
    if (failed() || is_reference(type)) return type;
    malformed("malformed reference type {}", text_of(type));
    return ValueType::funcref;
}

HeapType ModuleReader::heap_type() {
    const bool is_abstract = (peek() & 0xc0) == 0x40;
    if (!is_abstract) return type_index_heap(type_index(s33()));
    const std::uint8_t code = u8();
    if (!is_abstract_heap(code)) malformed("malformed heap type 0x{:02x}", code);
    return failed() ? HeapType::func : static_cast<HeapType>(code);
}

std::uint32_t ModuleReader::type_index(std::int64_t index) {
    if (failed()) return 0;
    if (index < 0) {
        malformed("malformed type index {}", index);
    } else if (first_same_type_ == nullptr ||
               static_cast<std::uint64_t>(index) >= first_same_type_->size()) {
        invalid("unknown type {}", index);
    } else {
        return (*first_same_type_)[static_cast<std::size_t>(index)];
    }
    return 0;
}

BlockType ModuleReader::block_type() {
    constexpr std::uint8_t kEmpty = 0x40;
    if (peek() == kEmpty) {
        u8();
        return {};
    }
    const bool is_negative_byte = (peek() & 0xc0) == 0x40;
    if (is_negative_byte) return BlockType::of_value(value_type());
    const std::int64_t index = s33();
    if (index < 0) malformed("malformed block type");
    return BlockType::of_function_type(static_cast<std::uint32_t>(index));
}

CatchForm ModuleReader::catch_form() {
    const std::uint8_t form = u8();
    if (form <= static_cast<std::uint8_t>(CatchForm::all_reference)) return CatchForm{form};
    malformed("malformed catch clause 0x{:02x}", form);
    return CatchForm::all;
}

std::uint8_t ModuleReader::limits_flags(std::string_view of_what) {
    constexpr std::uint8_t kShared = 0x02;
    constexpr std::uint8_t kKnown = kLimitsHaveMax | kLimitsAre64Bit;
    const std::uint8_t flags = u8();
    if ((flags & ~kKnown) == 0) return flags;
    if ((flags & ~kKnown) == kShared) {
        unsupported("threads (a shared {}), which this build does not have; {}", of_what,
                    remedy_of(Feature::threads));
    } else {
        malformed("malformed limits flags 0x{:02x}", flags);
    }
    return 0;
}

Limits ModuleReader::limits(std::uint8_t flags) {
    Limits result;
    result.min = u64();
    if ((flags & kLimitsHaveMax) != 0) result.max = u64();
    return result;
}

void ModuleReader::check_limits(const Limits& limits, std::uint64_t size_max,
                                std::string_view too_large) {
    if (std::max(limits.min, limits.max.value_or(0)) > size_max) invalid("{}", too_large);
    if (limits.max && *limits.max < limits.min) {
        invalid("size minimum must not be greater than maximum");
    }
}

GlobalType ModuleReader::global_type() {
    GlobalType result;
    result.type = value_type();
    result.is_mutable = mutability();
    return result;
}

bool ModuleReader::mutability() {
    const std::uint8_t code = u8();
    if (code > 1) malformed("malformed mutability 0x{:02x}", code);
    return code == 1;
}

TableType ModuleReader::table_type() {
    TableType result;
    result.element = reference_type();
    const std::uint8_t flags = limits_flags("table");
    if ((flags & kLimitsAre64Bit) != 0) result.address = ValueType::i64;
    result.limits = limits(flags);
    check_limits(result.limits, result.is_64_bit() ? UINT64_MAX : UINT32_MAX,
                 "table size must be at most 2^32-1");
    return result;
}

MemoryType ModuleReader::memory_type() {
    MemoryType result;
    const std::uint8_t flags = limits_flags("memory");
    if ((flags & kLimitsAre64Bit) != 0) result.address = ValueType::i64;
    result.limits = limits(flags);
    if (!result.is_64_bit()) {
        check_limits(result.limits, kMemoryPagesMax,
                     "memory size must be at most 65536 pages (4GiB)");
        return result;
    }
    check_limits(result.limits, kMemory64PagesDeclarable, "memory size must be at most 2^48 pages");
    return result;
}

void ModuleReader::refuse_opcode(std::uint8_t first, std::uint32_t code) {
    const bool has_prefix = is_prefix(first) || is_refused_prefix(first);
    const auto* const refused = find_refused(has_prefix ? first : std::uint8_t{0}, code);
    if (refused == nullptr) return malformed("illegal opcode 0x{:02x}", code);
    unsupported("{} ({}), which this build does not have; {}", text_of(refused->feature),
                refused->text, remedy_of(refused->feature));
}

Opcode ModuleReader::prefixed_opcode() {
    const std::uint32_t start = offset();
    const std::uint8_t first = u8();
    const bool has_prefix = is_prefix(first);
    const std::uint32_t code = has_prefix ? u32() : first;
    if (const auto found = find_opcode(has_prefix ? first : std::uint8_t{0}, code)) return *found;
    blame(start);
    refuse_opcode(first, is_refused_prefix(first) ? u32() : code);
    return Opcode::unreachable;
}

namespace {

/// How many bytes the sequence that starts with `first` has; 0 when nothing starts so.
unsigned sequence_length(std::uint8_t first) {
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first < 0xe0) return 2;
    if (first >= 0xe0 && first < 0xf0) return 3;
    if (first >= 0xf0 && first < 0xf5) return 4;
    return 0;
}

/// The shortest form of a sequence and its range are decided by its first two bytes.
bool second_byte_fits(std::uint8_t first, std::uint8_t second) {
    switch (first) {
        case 0xe0:
            return second >= 0xa0;
        case 0xed:
            return second < 0xa0;  // surrogates
        case 0xf0:
            return second >= 0x90;
        case 0xf4:
            return second < 0x90;
        default:
            return true;
    }
}

}  // namespace

bool is_utf8(std::string_view text) {
    const auto byte_at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    for (std::size_t i = 0; i < text.size();) {
        const unsigned length = sequence_length(byte_at(i));
        if (length == 0 || length > text.size() - i) return false;
        for (unsigned k = 1; k < length; ++k) {
            if ((byte_at(i + k) & 0xc0) != 0x80) return false;
        }
        if (length > 1 && !second_byte_fits(byte_at(i), byte_at(i + 1))) return false;
        i += length;
    }
    return true;
}

}  // namespace sojourn::vm::internal
