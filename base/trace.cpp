#include "base/trace.hpp"

#include <cstdio>

namespace sojourn::trace {

namespace internal {

std::uint32_t open_mask = 0;

void write_line(std::string_view line) {
    std::string text(line);
    text += '\n';
    std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace internal

namespace {

struct Row {
    std::string_view name;
    Channel channel;
};

constexpr Row kRows[] = {
#define CHANNEL(name, what) {#name, Channel::name},
#include "base/trace.def"
#undef CHANNEL
};

}  // namespace

Result<void> open_channels(std::string_view list) {
    while (!list.empty()) {
        const auto comma = list.find(',');
        const auto word = list.substr(0, comma);
        list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
        bool known = false;
        for (const Row& row : kRows) {
            if (row.name != word) continue;
            internal::open_mask |= 1U << static_cast<std::uint32_t>(row.channel);
            known = true;
        }
        if (known) continue;
        std::string names;
        for (const Row& row : kRows)
            names += fmt::format(" {}", row.name);
        return fail(ErrorCode::invalid_argument, "no trace channel '{}'; there are:{}", word,
                    names);
    }
    return {};
}

}  // namespace sojourn::trace
