#include "base/printable.hpp"

#include <fmt/format.h>

namespace sojourn {

std::string printable(std::string_view text) {
    constexpr unsigned char kDelete = 0x7f;
    constexpr unsigned char kC1Lead = 0xc2;  // U+0080 to U+009f are this byte and one below 0xa0
    std::string shown;
    shown.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0xff;
        if (byte < 0x20 || byte == kDelete) {
            shown += fmt::format("\\x{:02x}", byte);
        } else if (byte == kC1Lead && next < 0xa0) {
            shown += fmt::format("\\x{:02x}", next);
            ++i;
        } else {
            shown += text[i];
        }
    }
    return shown;
}

std::string printable_excerpt(std::string_view text) {
    constexpr std::size_t kBytesMax = 64;
    if (text.size() <= kBytesMax) return printable(text);
    constexpr auto is_continuation = [](char byte) { return (byte & 0xc0) == 0x80; };
    std::size_t end = kBytesMax;
    while (end > 0 && is_continuation(text[end]))
        --end;
    return printable(text.substr(0, end)) + "…";
}

}  // namespace sojourn
