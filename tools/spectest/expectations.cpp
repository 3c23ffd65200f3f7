#include "tools/spectest/expectations.hpp"

#include <optional>
#include <sstream>

#include "base/file.hpp"
#include "base/number.hpp"

namespace sojourn::spec {

namespace {

struct Place {
    std::string script;
    unsigned line;
};

/// Of `core/memory_init:190 because …`.
std::optional<Place> place_of(const std::string& text) {
    const std::size_t end = text.find(' ');
    if (end == std::string::npos) return std::nullopt;
    const bool has_reason = text.find_first_not_of(' ', end) != std::string::npos;
    const std::size_t colon = text.rfind(':', end);
    if (!has_reason || colon == std::string::npos || colon == 0) return std::nullopt;
    const auto line =
        parse_number<unsigned>(std::string_view(text).substr(colon + 1, end - colon - 1));
    if (!line) return std::nullopt;
    return Place{text.substr(0, colon), *line};
}

}  // namespace

Result<Expectations> Expectations::read(const std::filesystem::path& file) {
    const ByteVector raw = TRY(read_file(file));
    std::istringstream lines{std::string(as_text(raw))};
    Expectations expectations;
    std::size_t number = 0;
    for (std::string line; std::getline(lines, line);) {
        ++number;
        if (line.empty() || line.front() == '#') continue;
        const auto place = place_of(line);
        if (!place) {
            return fail(ErrorCode::invalid_argument, "{}:{}: write SCRIPT:LINE REASON",
                        file.native(), number);
        }
        expectations.lines_[place->script].insert(place->line);
    }
    return expectations;
}

const std::set<unsigned>& Expectations::lines_of(const std::string& script) const {
    static const std::set<unsigned> kNone;
    const auto found = lines_.find(script);
    return found == lines_.end() ? kNone : found->second;
}

std::set<std::string> Expectations::scripts() const {
    std::set<std::string> scripts;
    for (const auto& [script, lines] : lines_)
        scripts.insert(script);
    return scripts;
}

}  // namespace sojourn::spec
