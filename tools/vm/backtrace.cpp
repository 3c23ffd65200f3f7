#include "tools/vm/backtrace.hpp"

#include <nlohmann/json.hpp>

#include "base/printable.hpp"
#include "tools/vm/source_lines.hpp"

namespace sojourn::tools {

namespace {

/// ` at file.c:12:5`
std::string text_of(const SourceLine& source) {
    const std::string column = source.column == 0 ? "" : fmt::format(":{}", source.column);
    return fmt::format(" at {}:{}{}", printable(source.file), source.line, column);
}

Json source_json(const std::optional<SourceLine>& source) {
    if (!source) return nullptr;
    Json object{{"file", source->file}, {"line", source->line}, {"column", nullptr}};
    if (source->column != 0) object["column"] = source->column;
    return object;
}

}  // namespace

std::string text_of(const Backtrace& backtrace, const Clock& clock, const FrameRemarks& remarks) {
    const auto sources = source_lines(backtrace.frames, backtrace.modules, clock);
    const std::uint64_t left_out = backtrace.frames_left_out;
    std::string text;
    for (std::size_t i = 0; i < sources.size(); ++i) {
        const vm::BacktraceFrame& frame = backtrace.frames[i];
        const bool is_behind_gap = left_out > 0 && i >= vm::kBacktraceEnd;
        if (is_behind_gap && i == vm::kBacktraceEnd) {
            text += fmt::format("    … {} frames\n", left_out);
        }
        text += fmt::format("    #{:<2} {} (function {}, offset {:#x}){}\n",
                            is_behind_gap ? i + left_out : i, printable(frame.function_name),
                            frame.function_index, frame.code_offset,
                            sources[i] ? text_of(*sources[i]) : "");
        if (remarks) text += remarks(i);
    }
    return text;
}

Json json_of(const Backtrace& backtrace, const Clock& clock) {
    const auto sources = source_lines(backtrace.frames, backtrace.modules, clock);
    Json frames = Json::array();
    for (std::size_t depth = 0; depth < sources.size(); ++depth) {
        const vm::BacktraceFrame& frame = backtrace.frames[depth];
        frames.push_back({{"function", frame.function_name},
                          {"function_index", frame.function_index},
                          {"code_offset", frame.code_offset},
                          {"source", source_json(sources[depth])}});
    }
    return frames;
}

}  // namespace sojourn::tools
