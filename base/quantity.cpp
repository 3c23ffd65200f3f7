#include "base/quantity.hpp"

#include <charconv>
#include <optional>
#include <span>

namespace sojourn {

namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

constexpr std::uint64_t kKibi = 1024;
constexpr std::uint64_t kKilo = 1000;
constexpr Unit kSizeUnits[] = {
    {"", 1},
    {"K", kKibi},
    {"KiB", kKibi},
    {"KB", kKilo},
    {"M", kKibi* kKibi},
    {"MiB", kKibi* kKibi},
    {"MB", kKilo* kKilo},
    {"G", kKibi* kKibi* kKibi},
    {"GiB", kKibi* kKibi* kKibi},
    {"GB", kKilo* kKilo* kKilo},
};

constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr Unit kTimeUnits[] = {
    {"ms", kSecondNs / 1000},
    {"s", kSecondNs},
    {"m", 60 * kSecondNs},
    {"h", 3600 * kSecondNs},
};
constexpr std::uint64_t kDurationNsMax = 3652 * 24 * 3600 * kSecondNs;

/// nullopt unless `text` is a positive number with one of the units, and no more than `most`.
std::optional<std::uint64_t> parse_amount(const std::string& text, std::span<const Unit> units,
                                          std::uint64_t most) {
    std::uint64_t number = 0;
    const char* last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, number);
    if (error != std::errc{} || number == 0) return std::nullopt;
    const std::string_view name(end, static_cast<std::size_t>(last - end));
    for (const Unit& unit : units) {
        if (unit.name == name && number <= most / unit.factor) return number * unit.factor;
    }
    return std::nullopt;
}

}  // namespace

Result<std::uint64_t> parse_size(const std::string& text) {
    if (const auto bytes = parse_amount(text, kSizeUnits, UINT64_MAX)) return *bytes;
    return fail(ErrorCode::invalid_argument, "'{}' is no size; write 65536, 64K, 8M or 1G", text);
}

Result<std::uint64_t> parse_duration(const std::string& text) {
    if (const auto ns = parse_amount(text, kTimeUnits, kDurationNsMax)) return *ns;
    return fail(ErrorCode::invalid_argument, "'{}' is no time; write 200ms, 1s, 5m or 1h", text);
}

}  // namespace sojourn
