#include "process/console_protocol.hpp"

#include <span>

#include <nlohmann/json.hpp>

#include "base/bytes.hpp"
#include "process/internal/json_line.hpp"

namespace sojourn::process {

namespace {

using nlohmann::json;

constexpr std::string_view kCooked = "cooked";
constexpr std::string_view kRaw = "raw";
constexpr std::uint64_t kWindowSideMax = 10'000;

std::optional<std::string> bytes_of(std::string_view hex) {
    if (hex.size() % 2 != 0 || hex.size() / 2 > kTypedBytesMax) return std::nullopt;
    std::string bytes(hex.size() / 2, '\0');
    if (!from_hex(hex, std::as_writable_bytes(std::span(bytes)))) return std::nullopt;
    return bytes;
}

}  // namespace

std::string encode_console_message(const ConsoleMessage& message) {
    EXPECTS(!message.input || message.input->size() <= kTypedBytesMax, "it is sent in pieces");
    json object = json::object();
    if (message.input) object["input"] = to_hex(as_bytes(*message.input));
    if (message.window) {
        object["columns"] = message.window->columns;
        object["rows"] = message.window->rows;
    }
    return line_of(object);
}

Result<ConsoleMessage> parse_console_message(std::string_view line) {
    const json object = parse_object(line);
    if (object.is_null()) {
        return fail(ErrorCode::invalid_argument, "a message is one line with one JSON object");
    }
    ConsoleMessage message;
    message.window = window_of(number_in(object, "columns"), number_in(object, "rows"));
    const auto input = object.find("input");
    if (input == object.end()) return message;
    if (input->is_string()) message.input = bytes_of(input->get_ref<const std::string&>());
    if (message.input) return message;
    return fail(ErrorCode::invalid_argument, "what is typed is up to {} bytes in hexadecimal",
                kTypedBytesMax);
}

std::string encode_mode(leases::TerminalMode mode) {
    return line_of({{"mode", text_of(mode)}});
}

Result<leases::TerminalMode> parse_mode(std::string_view line) {
    const json object = parse_object(line);
    const auto mode = object.find("mode");
    const bool is_text = mode != object.end() && mode->is_string();
    const auto known = is_text ? mode_named(mode->get_ref<const std::string&>()) : std::nullopt;
    if (known) return *known;
    return fail(ErrorCode::invalid_argument, "the runner speaks of no mode that there is");
}

std::string_view text_of(leases::TerminalMode mode) {
    return mode == leases::TerminalMode::raw ? kRaw : kCooked;
}

std::optional<leases::TerminalMode> mode_named(std::string_view text) {
    if (text == kCooked) return leases::TerminalMode::cooked;
    if (text == kRaw) return leases::TerminalMode::raw;
    return std::nullopt;
}

std::optional<leases::WindowSize> window_of(std::uint64_t columns, std::uint64_t rows) {
    const bool is_one =
        columns >= 1 && columns <= kWindowSideMax && rows >= 1 && rows <= kWindowSideMax;
    if (!is_one) return std::nullopt;
    return leases::WindowSize{.columns = static_cast<std::uint16_t>(columns),
                              .rows = static_cast<std::uint16_t>(rows)};
}

}  // namespace sojourn::process
