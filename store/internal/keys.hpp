#pragma once

#include <bit>

#include "store/unit_codec.hpp"

/// Keys of the tables: big-endian, so that the database's order is the order of the numbers.
namespace sojourn::store {

template <typename... Fields>
constexpr std::size_t kKeyBytes = (sizeof(Fields) + ...);

/// The fields one after the other, each big-endian.
template <typename... Fields>
std::array<std::byte, kKeyBytes<Fields...>> make_key(Fields... fields) {
    std::array<std::byte, kKeyBytes<Fields...>> key;
    std::size_t position = 0;
    const auto append = [&](auto field) {
        auto value = static_cast<std::uint64_t>(field);
        for (std::size_t index = sizeof field; index-- > 0; value >>= 8) {
            key[position + index] = static_cast<std::byte>(value & 0xff);
        }
        position += sizeof field;
    };
    (append(fields), ...);
    return key;
}

/// Reads a key's fields in order. Requires: the caller has compared the key's length.
class KeyReader {
public:
    explicit KeyReader(Bytes key) : key_(key) {}

    template <typename Field>
    Field get() {
        EXPECTS(position_ + sizeof(Field) <= key_.size(), "a key is as long as its fields");
        std::uint64_t value = 0;
        for (std::size_t index = 0; index < sizeof(Field); ++index) {
            value = (value << 8) | std::to_integer<std::uint64_t>(key_[position_++]);
        }
        return static_cast<Field>(value);
    }

private:
    Bytes key_;
    std::size_t position_ = 0;
};

template <typename Number>
constexpr Number next(Number number) {
    return static_cast<Number>(static_cast<std::uint64_t>(number) + 1);
}

/// A number as a message shows it.
template <typename Number>
constexpr std::uint64_t plain(Number number) {
    return static_cast<std::uint64_t>(number);
}

/// One value of one unit.
struct UnitVersion {
    BranchId branch{0};
    UnitKey unit;
    Version version = kNoVersion;

    bool operator==(const UnitVersion&) const = default;
};

inline auto key_of(const UnitVersion& value) {
    return make_key(value.branch, value.unit.region, value.unit.unit, value.version);
}
inline constexpr std::size_t kUnitVersionKeyBytes = 24;

}  // namespace sojourn::store
