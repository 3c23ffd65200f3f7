#include "tools/vm/output.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/printable.hpp"

namespace sojourn::tools {

namespace {

constexpr std::size_t kColumnGap = 2;

bool wants_colour() {
    const char* no_colour = std::getenv("NO_COLOR");
    return ::isatty(STDOUT_FILENO) == 1 && (no_colour == nullptr || *no_colour == '\0');
}

std::string_view escape_of(Colour colour) {
    switch (colour) {
        case Colour::none:
            return "";
        case Colour::green:
            return "\x1b[32m";
        case Colour::yellow:
            return "\x1b[33m";
        case Colour::red:
            return "\x1b[31m";
        case Colour::grey:
            return "\x1b[90m";
    }
    return "";
}

std::string line_of(const std::vector<Cell>& cells, const std::vector<std::size_t>& widths,
                    bool coloured) {
    std::string line;
    for (std::size_t column = 0; column < cells.size(); ++column) {
        const Cell& cell = cells[column];
        const bool is_last = column + 1 == cells.size();
        const std::string padding(widths[column] - std::min(widths[column], cell.text.size()), ' ');
        if (cell.is_number) line += padding;
        if (coloured && cell.colour != Colour::none) {
            line += fmt::format("{}{}\x1b[0m", escape_of(cell.colour), cell.text);
        } else {
            line += cell.text;
        }
        if (is_last) break;
        if (!cell.is_number) line += padding;
        line.append(kColumnGap, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line + "\n";
}

}  // namespace

Result<void> print_line(std::string_view text) {
    return write_all(STDOUT_FILENO, as_bytes(fmt::format("{}\n", text)));
}

Result<void> print_json(const Json& object) {
    return print_line(object.dump(-1, ' ', false, Json::error_handler_t::replace));
}

Json new_json() {
    return Json{{"schema", 1}};
}

Json json_of(const store::CheckpointInfo& info) {
    Json row{{"id", static_cast<std::uint64_t>(info.id)}, {"parent", nullptr}};
    if (info.parent != store::kNoVersion) row["parent"] = static_cast<std::uint64_t>(info.parent);
    row["time"] = rfc3339(info.time_us);
    row["message"] = info.message;
    row["dirty_pages"] = info.dirty_pages;
    row["written_bytes"] = info.written_bytes;
    row["pause_us"] = info.pause_us;
    row["durable_us"] = info.durable_us;
    row["tags"] = info.tags;
    return row;
}

std::string checkpoint_words(const store::CheckpointInfo& info, store::Version head) {
    std::vector<std::string> names;
    if (info.id == head) names.emplace_back("head");
    for (const std::string& tag : info.tags)
        names.push_back(fmt::format("tag: {}", tag));
    const std::string message = printable(info.message);
    if (names.empty()) return message;
    return fmt::format("({}){}{}", printable(fmt::format("{}", fmt::join(names, ", "))),
                       message.empty() ? "" : " ", message);
}

Result<void> print_table(const std::vector<std::string>& header,
                         const std::vector<std::vector<Cell>>& rows) {
    std::vector<Cell> head;
    std::vector<std::size_t> widths;
    for (std::size_t column = 0; column < header.size(); ++column) {
        const bool is_number = !rows.empty() && rows.front()[column].is_number;
        head.push_back({header[column], Colour::grey, is_number});
        widths.push_back(header[column].size());
        for (const auto& row : rows) {
            if (column < row.size())
                widths[column] = std::max(widths[column], row[column].text.size());
        }
    }
    const bool coloured = wants_colour();
    std::string text = line_of(head, widths, coloured);
    for (const auto& row : rows)
        text += line_of(row, widths, coloured);
    return write_all(STDOUT_FILENO, as_bytes(text));
}

std::string bytes_for_people(std::uint64_t bytes) {
    constexpr std::array kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 1024 && unit + 1 < kUnits.size()) {
        value /= 1024;
        ++unit;
    }
    return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string microseconds_for_people(std::uint64_t microseconds) {
    if (microseconds < 1000) return fmt::format("{} us", microseconds);
    const auto value = static_cast<double>(microseconds);
    if (microseconds < 1'000'000) return fmt::format("{:.2f} ms", value / 1e3);
    return fmt::format("{:.2f} s", value / 1e6);
}

void print_error(const Error& error) {
    fmt::print(stderr, "vm: error: {}: {}\n", text_of(error.code), printable(error.message));
}

void print_warning(const Error& error) {
    fmt::print(stderr, "vm: warning: {}: {}\n", text_of(error.code), printable(error.message));
}

}  // namespace sojourn::tools
