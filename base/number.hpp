#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>

namespace sojourn {

/// What the whole of `text` writes in decimal digits; nullopt for anything else, and for what does
/// not fit.
template <std::unsigned_integral Number>
std::optional<Number> parse_number(std::string_view text) {
    Number number = 0;
    const char* last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, number);
    return error == std::errc{} && end == last ? std::optional(number) : std::nullopt;
}

}  // namespace sojourn
