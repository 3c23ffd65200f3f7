#include "tests/spec/conversion.hpp"

#include <algorithm>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <regex>
#include <spawn.h>
#include <sys/wait.h>

#include "base/file.hpp"
#include "tests/spec/form_splitter.hpp"

namespace sojourn::spec {

namespace {

namespace fs = std::filesystem;

struct ToolRun {
    bool crashed = false;
    int exit_code = 0;
    std::string output;
};

Result<ToolRun> run_tool(std::vector<std::string> arguments, const fs::path& log) {
    std::vector<char*> raw;
    for (std::string& argument : arguments)
        raw.push_back(argument.data());
    raw.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    pid_t child = 0;
    const int refused = posix_spawnp(&child, raw[0], &actions, nullptr, raw.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (refused != 0) {
        return fail(ErrorCode::unsupported, "{} does not start; apt install wabt", arguments[0]);
    }
    int status = 0;
    if (waitpid(child, &status, 0) < 0) return fail_errno(errno, "waiting for {}", arguments[0]);
    const ByteVector output = TRY(read_file(log));
    return ToolRun{!WIFEXITED(status), WIFEXITED(status) ? WEXITSTATUS(status) : 0,
                   std::string(as_text(output))};
}

/// What the older dialect lacks and a change of words can say.
std::string in_older_dialect(std::string text) {
    text = std::regex_replace(text, std::regex(R"(\(module definition\b)"), "(module");
    text = std::regex_replace(text, std::regex(R"(\(ref\.null\))"), "(ref.null func)");
    const std::regex implied_table(R"((table\.(?:get|set|size|grow|fill))(\s*[()]))");
    return std::regex_replace(text, implied_table, "$1 0$2");
}

/// A script from which forms can be taken out, the rest keeping its lines.
class Draft {
public:
    explicit Draft(std::string text)
        : text_(std::move(text)), forms_(split_forms(text_, 0)), fields_(split_forms(text_, 1)) {
        left_out_.resize(forms_.size());
    }

    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] std::size_t left_out() const {
        return emptied_fields_ + static_cast<std::size_t>(std::ranges::count(left_out_, true));
    }
    [[nodiscard]] bool empty() const { return std::ranges::all_of(left_out_, std::identity()); }

    /// Takes out what is at `line`: a function or table of a module when it is one, else the whole
    /// form. False when there is nothing left.
    bool leave_out(unsigned line) {
        const auto form =
            std::ranges::find_if(forms_, [=](const Form& each) { return each.covers(line); });
        if (form == forms_.end()) return false;
        const auto index = static_cast<std::size_t>(form - forms_.begin());
        if (left_out_[index]) return false;
        if (form->head == "module" && empty_field(line)) return true;
        leave_out_form(index);
        if (form->head == "module") leave_out_uses(index + 1);
        return true;
    }

private:
    /// Leaves the least of its kind in its place, so that the others keep their indices.
    bool empty_field(unsigned line) {
        const auto field =
            std::ranges::find_if(fields_, [=](const Form& each) { return each.covers(line); });
        if (field == fields_.end()) return false;
        const std::string_view least = least_of_kind(field->head);
        if (least.empty() || least.size() > field->end - field->begin) return false;
        blank(*field);
        text_.replace(field->begin, least.size(), least);
        field->head.clear();
        ++emptied_fields_;
        return true;
    }

    static std::string_view least_of_kind(std::string_view head) {
        if (head == "func") return "(func)";
        if (head == "table") return "(table 99 funcref)";  // room for the segments that stay
        return {};
    }

    /// Actions without a name speak of the last module before them.
    void leave_out_uses(std::size_t first) {
        for (std::size_t i = first; i < forms_.size() && forms_[i].head != "module"; ++i) {
            const std::string_view form(text_.data() + forms_[i].begin,
                                        forms_[i].end - forms_[i].begin);
            const bool has_own_module = form.find("(module") != std::string_view::npos;
            if (!left_out_[i] && !has_own_module) leave_out_form(i);
        }
    }

    void leave_out_form(std::size_t index) {
        left_out_[index] = true;
        blank(forms_[index]);
    }
    void blank(const Form& form) {
        for (std::size_t i = form.begin; i < form.end; ++i) {
            if (text_[i] != '\n') text_[i] = ' ';
        }
    }

    std::string text_;
    std::vector<Form> forms_;
    std::vector<Form> fields_;
    std::vector<bool> left_out_;
    std::size_t emptied_fields_ = 0;
};

/// The line of the first error that wast2json names; 0 when it names none.
unsigned first_error_line(const std::string& output) {
    const std::regex error(R"(\.wast:(\d+):\d+: error)");
    std::smatch match;
    if (!std::regex_search(output, match, error)) return 0;
    return static_cast<unsigned>(std::stoul(match[1]));
}

Result<void> write_text(const fs::path& path, const std::string& text) {
    std::ofstream file(path, std::ios::binary);
    file << text;
    if (!file.flush()) return fail(ErrorCode::io, "cannot write {}", path.string());
    return {};
}

}  // namespace

Result<Script> convert_script(const fs::path& wast, const fs::path& folder) {
    const fs::path copy = folder / wast.filename();
    const fs::path json = fs::path(copy).replace_extension(".json");
    const ByteVector original = TRY(read_file(wast));
    Draft draft(in_older_dialect(std::string(as_text(original))));
    while (!draft.empty()) {
        TRY(write_text(copy, draft.text()));
        const ToolRun run = TRY(run_tool({"wast2json", "--disable-simd", "--enable-memory64",
                                          copy.string(), "-o", json.string()},
                                         folder / "log"));
        if (run.crashed) return fail(ErrorCode::unsupported, "wast2json crashes on it");
        if (run.exit_code == 0) {
            const ByteVector raw = TRY(read_file(json));
            return Script{nlohmann::json::parse(as_text(raw)).at("commands"), folder,
                          draft.left_out()};
        }
        if (!draft.leave_out(first_error_line(run.output))) {
            return fail(ErrorCode::unsupported, "wast2json: {}", run.output);
        }
    }
    return fail(ErrorCode::unsupported, "wast2json reads none of its {} forms", draft.left_out());
}

Result<fs::path> assemble(const fs::path& wat, const fs::path& folder) {
    const fs::path wasm = folder / wat.filename().replace_extension(".wasm");
    const ToolRun run =
        TRY(run_tool({"wat2wasm", wat.string(), "-o", wasm.string()}, folder / "log"));
    if (run.crashed || run.exit_code != 0) {
        return fail(ErrorCode::unsupported, "wat2wasm: {}", run.output);
    }
    return wasm;
}

}  // namespace sojourn::spec
