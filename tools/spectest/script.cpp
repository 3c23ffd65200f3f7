#include "tools/spectest/script.hpp"

#include <algorithm>
#include <array>

#include "base/file.hpp"
#include "tools/spectest/value.hpp"

namespace sojourn::spec {

namespace {

using nlohmann::json;

/// What a command of each type must have besides its type and line.
struct CommandShape {
    std::string_view type;
    std::array<std::string_view, 2> fields;
};
constexpr CommandShape kCommands[] = {
    {"module", {}},
    {"module_definition", {}},
    {"module_instance", {}},
    {"register", {"as"}},
    {"action", {"action"}},
    {"assert_return", {"action", "expected"}},
    {"assert_trap", {"action", "text"}},
    {"assert_exhaustion", {"action", "text"}},
    {"assert_exception", {"action"}},
    {"assert_malformed", {"module_type", "text"}},
    {"assert_invalid", {"module_type", "text"}},
    {"assert_unlinkable", {"text"}},
    {"assert_uninstantiable", {"text"}},
};
constexpr std::string_view kCommandsWithModule[] = {
    "module",         "module_definition", "assert_malformed",
    "assert_invalid", "assert_unlinkable", "assert_uninstantiable",
};
constexpr std::string_view kTexts[] = {"as",   "text",   "filename", "module_type",
                                       "name", "module", "instance"};

bool is_text_if_there(const json& object, std::string_view field) {
    const auto found = object.find(field);
    return found == object.end() || found->is_string();
}

bool are_values(const json& object, std::string_view field) {
    const auto found = object.find(field);
    return found != object.end() && found->is_array() && std::ranges::all_of(*found, is_value);
}

bool is_action(const json& action) {
    if (!action.is_object() || !is_text_if_there(action, "module")) return false;
    const auto type = action.find("type");
    const auto field = action.find("field");
    if (type == action.end() || field == action.end() || !field->is_string()) return false;
    return *type == "get" || (*type == "invoke" && are_values(action, "args"));
}

/// Why a command can't be read; empty when it can.
std::string fault_of(const json& command, const CommandShape& shape) {
    for (const std::string_view text : kTexts) {
        if (!is_text_if_there(command, text)) return fmt::format("its {} is no text", text);
    }
    for (const std::string_view field : shape.fields) {
        if (!field.empty() && !command.contains(field)) return fmt::format("it has no {}", field);
    }
    const bool has_module = std::ranges::count(kCommandsWithModule, shape.type) > 0;
    if (has_module && !command.contains("filename") && !command.contains("unreadable")) {
        return "it has no filename";
    }
    if (command.contains("action") && !is_action(command["action"])) {
        return "its action is neither an invoke with values nor a get";
    }
    if (shape.type == "assert_return" && !are_values(command, "expected")) {
        return "what it expects are no values";
    }
    return {};
}

Result<void> check_command(const json& command, const std::filesystem::path& path) {
    const auto type = command.is_object() ? command.find("type") : command.end();
    const auto line = command.is_object() ? command.find("line") : command.end();
    if (type == command.end() || !type->is_string() || line == command.end() ||
        !line->is_number_unsigned()) {
        return fail(ErrorCode::corrupt, "{}: a command has no type or no line; convert it again",
                    path.native());
    }
    const std::string place =
        fmt::format("{}: the command of line {}", path.native(), line->dump());
    const auto shape = std::ranges::find(kCommands, type->get<std::string>(), &CommandShape::type);
    if (shape == std::end(kCommands)) {
        return fail(
            ErrorCode::unsupported,
            "{} is of the unknown type {}; convert it without that, or leave the script out", place,
            type->dump());
    }
    if (const std::string fault = fault_of(command, *shape); !fault.empty()) {
        return fail(ErrorCode::corrupt, "{}: {}; convert it again", place, fault);
    }
    const bool is_text = command.value("module_type", "binary") == "text";
    if (is_text || !command.contains("filename")) return {};
    const auto module = path.parent_path() / command["filename"].get<std::string>();
    if (std::filesystem::is_regular_file(module)) return {};
    return fail(ErrorCode::not_found, "{} needs {}, which is not there; convert it again", place,
                module.native());
}

}  // namespace

Result<Script> read_script(const std::filesystem::path& path) {
    const ByteVector raw = TRY(read_file(path));
    json script = json::parse(as_text(raw), nullptr, false);
    if (script.is_discarded()) {
        return fail(ErrorCode::corrupt, "{} is not JSON; convert it again", path.native());
    }
    if (!script.is_object() || !script.contains("commands") || !script["commands"].is_array()) {
        return fail(ErrorCode::corrupt,
                    "{} has no commands: it is no script as wast2json writes it; take it out",
                    path.native());
    }
    for (const json& command : script["commands"])
        TRY(check_command(command, path));
    return Script{std::move(script["commands"]), path.parent_path()};
}

}  // namespace sojourn::spec
