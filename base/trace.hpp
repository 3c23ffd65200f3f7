#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/result.hpp"

/// One-line traces on stderr, by channel (base/trace.def). A closed channel costs one branch.
namespace sojourn::trace {

enum class Channel : std::uint32_t {
#define CHANNEL(name, what) name,
#include "base/trace.def"
#undef CHANNEL
};

/// Opens the channels named in `list`, separated by commas. Call before threads start.
Result<void> open_channels(std::string_view list);

namespace internal {
extern std::uint32_t open_mask;
void write_line(std::string_view line);

template <typename... Args>
void line(std::string_view channel, std::string_view event, std::string_view names,
          const Args&... args) {
    std::string text = fmt::format("{}.{}", channel, event);
    [[maybe_unused]] auto add = [&](const auto& value) {
        const auto comma = names.find(',');
        auto name = names.substr(0, comma);
        name.remove_prefix(std::min(name.find_first_not_of(' '), name.size()));
        text += fmt::format(" {}={}", name, value);
        names.remove_prefix(comma == std::string_view::npos ? names.size() : comma + 1);
    };
    (add(args), ...);
    write_line(text);
}
}  // namespace internal

inline bool is_open(Channel channel) {
    return (internal::open_mask & (1U << static_cast<std::uint32_t>(channel))) != 0;
}

}  // namespace sojourn::trace

/// `TRACE(heap, "page_faulted_in", page, version);` prints `heap.page_faulted_in page=7
/// version=12`.
#define TRACE(channel, event, ...)                                                      \
    do {                                                                                \
        if (::sojourn::trace::is_open(::sojourn::trace::Channel::channel)) [[unlikely]] \
            ::sojourn::trace::internal::line(#channel, event,                           \
                                             #__VA_ARGS__ __VA_OPT__(, ) __VA_ARGS__);  \
    } while (false)
