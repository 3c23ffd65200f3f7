#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.hpp"

/// Byte strings and their little-endian encoding: the base of every saved format.
namespace sojourn {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;
using ByteVector = std::vector<std::byte>;

static_assert(std::endian::native == std::endian::little,
              "saved integers are copied as they lie in memory");

inline Bytes as_bytes(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}

inline std::string_view as_text(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Appends values to a byte string, without padding.
class ByteWriter {
public:
    /// Requires: T is an integer, an enumeration, or a struct without padding.
    template <typename T>
    void put(const T& value) {
        static_assert(std::has_unique_object_representations_v<T>, "no padding reaches a disk");
        const auto* first = reinterpret_cast<const std::byte*>(&value);
        bytes_.insert(bytes_.end(), first, first + sizeof(T));
    }

    void put_bytes(Bytes bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }

    /// A 32-bit length, then the bytes.
    void put_sized(Bytes bytes) {
        EXPECTS(bytes.size() <= UINT32_MAX, "a sized field has a 32-bit length");
        put(static_cast<std::uint32_t>(bytes.size()));
        put_bytes(bytes);
    }
    void put_sized(std::string_view text) { put_sized(as_bytes(text)); }

    [[nodiscard]] std::size_t size() const { return bytes_.size(); }
    [[nodiscard]] Bytes view() const { return bytes_; }
    [[nodiscard]] ByteVector take() { return std::move(bytes_); }

private:
    ByteVector bytes_;
};

/// Reads what ByteWriter wrote, out of bytes that nobody vouches for: running short is an Error
/// of code `corrupt` that carries `subject`, the name of what is being read.
class ByteReader {
public:
    ByteReader(Bytes bytes, std::string_view subject) : bytes_(bytes), subject_(subject) {}

    template <typename T>
    Result<T> get() {
        static_assert(std::has_unique_object_representations_v<T>, "no padding comes from a disk");
        const Bytes raw = TRY(get_bytes(sizeof(T)));
        T value;
        std::memcpy(&value, raw.data(), sizeof(T));
        return value;
    }

    Result<Bytes> get_bytes(std::uint64_t count) {
        if (count > left()) {
            return fail(ErrorCode::corrupt, "{} ends {} bytes early", subject_, count - left());
        }
        const Bytes result = bytes_.subspan(position_, count);
        position_ += count;
        return result;
    }

    /// A view into the bytes given to the constructor.
    Result<Bytes> get_sized() {
        const auto size = TRY(get<std::uint32_t>());
        return get_bytes(size);
    }
    Result<std::string> get_string() {
        const Bytes raw = TRY(get_sized());
        return std::string(as_text(raw));
    }

    /// A count of elements that take at least `element_bytes_min` each: refused when they can't be
    /// there, so that a hostile count never sizes an allocation.
    Result<std::uint32_t> get_count(std::size_t element_bytes_min) {
        const auto count = TRY(get<std::uint32_t>());
        if (std::uint64_t{count} * element_bytes_min > left()) {
            return fail(ErrorCode::corrupt, "{} announces {} elements and is too short for them",
                        subject_, count);
        }
        return count;
    }

    Result<void> expect_end() const {
        if (left() == 0) return {};
        return fail(ErrorCode::corrupt, "{} has {} bytes too many", subject_, left());
    }

    [[nodiscard]] std::size_t left() const { return bytes_.size() - position_; }
    [[nodiscard]] std::size_t position() const { return position_; }

private:
    Bytes bytes_;
    std::size_t position_ = 0;
    std::string subject_;
};

/// Lower-case hexadecimal.
std::string to_hex(Bytes bytes);

/// Fills `out` from exactly twice as many hexadecimal digits; false when `text` is anything else.
bool from_hex(std::string_view text, MutableBytes out);

}  // namespace sojourn
