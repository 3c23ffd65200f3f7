#include "process/internal/json_line.hpp"

namespace sojourn::process {

using nlohmann::json;

std::string line_of(const json& object) {
    return object.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

json parse_object(std::string_view line) {
    json object = json::parse(line, nullptr, /*allow_exceptions=*/false);
    return object.is_object() ? object : json();
}

std::string text_in(const json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_string()) return "";
    return found->get<std::string>();
}

std::uint64_t number_in(const json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_number_unsigned()) return 0;
    return found->get<std::uint64_t>();
}

}  // namespace sojourn::process
