#include "tools/vm/source_lines.hpp"

#include <map>

#include <nlohmann/json.hpp>

#include "base/trace.hpp"
#include "tools/vm/debug_image.hpp"
#include "tools/vm/helper_program.hpp"

namespace sojourn::tools {

namespace {

using SourceLines = std::vector<std::optional<SourceLine>>;

constexpr std::size_t kAnswerBytesMax = std::size_t{2} << 20U;
/// Longer than the processor time that vm-symbolize gives itself.
constexpr std::uint64_t kTimeoutNs = 10'000'000'000;

/// 0 where there is none.
std::uint32_t number_in(const nlohmann::json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_number_unsigned()) return 0;
    const auto number = found->get<std::uint64_t>();
    return number <= INT32_MAX ? static_cast<std::uint32_t>(number) : 0;
}

std::optional<SourceLine> parse_line(std::string_view text) {
    const nlohmann::json object = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!object.is_object()) return std::nullopt;
    const auto file = object.find("file");
    const std::uint32_t line = number_in(object, "line");
    if (file == object.end() || !file->is_string() || line == 0) return std::nullopt;
    return SourceLine{file->get<std::string>(), line, number_in(object, "column")};
}

/// Asks for all frames of one module.
Result<void> find_lines(const vm::Module& module, const std::vector<vm::BacktraceFrame>& frames,
                        const std::vector<std::size_t>& wanted, const Clock& clock,
                        SourceLines& lines) {
    const ByteVector image = debug_image(module);
    HelperQuestion question{.program = "vm-symbolize",
                            .arguments = {},
                            .input = image,
                            .answer_bytes_max = kAnswerBytesMax,
                            .timeout_ns = kTimeoutNs};
    for (const std::size_t depth : wanted) {
        const std::uint64_t address = debug_address(module, frames[depth].code_offset);
        question.arguments.push_back(std::to_string(address));
    }
    const std::string answer = TRY(ask_helper(question, clock));
    std::string_view rest = answer;
    for (const std::size_t depth : wanted) {
        const std::size_t end = rest.find('\n');
        if (end == std::string_view::npos)
            return fail(ErrorCode::io, "{} ended in the middle", question.program);
        lines[depth] = parse_line(rest.substr(0, end));
        rest.remove_prefix(end + 1);
    }
    return {};
}

}  // namespace

SourceLines source_lines(const std::vector<vm::BacktraceFrame>& frames,
                         const std::vector<std::shared_ptr<const vm::Module>>& modules,
                         const Clock& clock) {
    SourceLines lines(frames.size());
    std::map<const vm::Module*, std::vector<std::size_t>> frames_of;
    for (std::size_t depth = 0; depth < frames.size(); ++depth) {
        if (frames[depth].code_offset == 0) continue;  // a function of the host
        const auto instance = static_cast<std::size_t>(frames[depth].instance);
        frames_of[modules[instance].get()].push_back(depth);
    }
    for (const auto& [module, wanted] : frames_of) {
        if (!has_source_lines(*module)) continue;
        const auto found = find_lines(*module, frames, wanted, clock, lines);
        if (!found.ok()) TRACE(vm, "no_source_lines", found.error().message);
    }
    return lines;
}

}  // namespace sojourn::tools
