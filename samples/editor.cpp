// A line editor for a terminal: what was typed and not yet written is in memory alone, and outlives
// a suspend.
//
//   editor [FILE]
//
// Commands, one a line, after none, one or two line numbers (5, 2,7, $ is the last, % are all):
//   a  append lines after it, up to one that is a dot    i  insert them before it
//   d  delete    p  print, with numbers    s/OLD/NEW/  replace the first OLD of each line
//   u  undo the last change    w [FILE]  write    q  quit (again, when there are unsaved changes)
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace {

using Lines = std::vector<std::string>;

/// Without its end of line; nothing at the end of the file.
std::optional<std::string> read_line(std::FILE* file) {
    std::string line;
    for (int c = 0; (c = std::getc(file)) != EOF;) {
        if (c == '\n') return line;
        line.push_back(static_cast<char>(c));
    }
    if (line.empty()) return std::nullopt;
    return line;
}

/// Lines first..last, counted from 1; none when last is before first.
struct Range {
    std::size_t first;
    std::size_t last;
};

class Editor {
public:
    explicit Editor(std::string file_name) : file_name_(std::move(file_name)) { load(); }

    /// Does what the line says. False when that was to quit.
    bool obey(std::string_view command);

private:
    void load();
    std::optional<std::size_t> take_number(std::string_view& text) const;
    std::optional<Range> take_range(std::string_view& text) const;

    void append_after(std::size_t line);
    void remove(Range range);
    void print(Range range) const;
    void substitute(Range range, std::string_view pattern);
    void undo();
    void write(std::string_view file_name);
    bool may_quit();
    void change(Lines lines, std::size_t current);
    static void complain(const char* what) { std::printf("? %s\n", what); }

    std::string file_name_;
    Lines lines_;
    Lines before_;  ///< the last change
    std::size_t current_ = 0;
    bool is_saved_ = true;
    bool has_warned_ = false;
};

void Editor::load() {
    if (file_name_.empty()) return;
    std::FILE* file = std::fopen(file_name_.c_str(), "r");
    if (file == nullptr) {
        std::printf("%s is new\n", file_name_.c_str());
        return;
    }
    while (auto line = read_line(file))
        lines_.push_back(std::move(*line));
    std::fclose(file);
    before_ = lines_;
    current_ = lines_.size();
    std::printf("%zu lines of %s\n", lines_.size(), file_name_.c_str());
}

std::optional<std::size_t> Editor::take_number(std::string_view& text) const {
    if (text.starts_with('$')) {
        text.remove_prefix(1);
        return lines_.size();
    }
    std::size_t digits = 0;
    std::size_t number = 0;
    for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits)
        number = std::min<std::size_t>(number * 10 + static_cast<std::size_t>(text[digits] - '0'),
                                       1'000'000'000);
    if (digits == 0) return std::nullopt;
    text.remove_prefix(digits);
    return number;
}

/// The current line unless the text begins with others; nothing when there are no such lines.
std::optional<Range> Editor::take_range(std::string_view& text) const {
    Range range{current_, current_};
    if (text.starts_with('%')) {
        text.remove_prefix(1);
        return Range{1, lines_.size()};
    }
    if (const auto first = take_number(text)) {
        range = {*first, *first};
        if (text.starts_with(',')) {
            text.remove_prefix(1);
            range.last = take_number(text).value_or(lines_.size());
        }
    }
    if (range.first > range.last || range.last > lines_.size()) return std::nullopt;
    return range;
}

bool Editor::obey(std::string_view command) {
    const auto range = take_range(command);
    if (!range) {
        complain("no such lines");
        return true;
    }
    const char verb = command.empty() ? 'p' : command.front();
    const std::string_view rest = command.empty() ? command : command.substr(1);
    if (verb == 'q') return !may_quit();
    has_warned_ = false;
    const bool needs_line = verb == 'd' || verb == 'p' || verb == 's';
    if (needs_line && range->first == 0) {
        complain("there is no line 0");
        return true;
    }
    switch (verb) {
        case 'a':
            append_after(range->last);
            break;
        case 'i':
            append_after(range->first == 0 ? 0 : range->first - 1);
            break;
        case 'd':
            remove(*range);
            break;
        case 'p':
            print(*range);
            break;
        case 's':
            substitute(*range, rest);
            break;
        case 'u':
            undo();
            break;
        case 'w':
            write(rest);
            break;
        default:
            complain("a i d p s/OLD/NEW/ u w q, after none, one or two line numbers");
            break;
    }
    return true;
}

void Editor::append_after(std::size_t line) {
    Lines lines = lines_;
    std::size_t at = line;
    for (auto text = read_line(stdin); text && *text != "."; text = read_line(stdin)) {
        lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(at), std::move(*text));
        ++at;
    }
    change(std::move(lines), at);
}

void Editor::remove(Range range) {
    Lines lines = lines_;
    lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(range.first - 1),
                lines.begin() + static_cast<std::ptrdiff_t>(range.last));
    const std::size_t current = std::min(range.first, lines.size());
    change(std::move(lines), current);
}

void Editor::print(Range range) const {
    for (std::size_t line = range.first; line <= range.last; ++line)
        std::printf("%4zu  %s\n", line, lines_[line - 1].c_str());
}

void Editor::substitute(Range range, std::string_view pattern) {
    const std::size_t middle = pattern.find('/', 1);
    if (!pattern.starts_with('/') || middle == std::string_view::npos || middle == 1) {
        complain("s/OLD/NEW/");
        return;
    }
    const std::string_view old_text = pattern.substr(1, middle - 1);
    std::string_view new_text = pattern.substr(middle + 1);
    if (new_text.ends_with('/')) new_text.remove_suffix(1);

    Lines lines = lines_;
    std::size_t changed = 0;
    for (std::size_t line = range.first; line <= range.last; ++line) {
        std::string& text = lines[line - 1];
        const std::size_t at = text.find(old_text);
        if (at == std::string::npos) continue;
        text.replace(at, old_text.size(), new_text);
        changed = line;
    }
    if (changed == 0) return complain("no such text");
    change(std::move(lines), changed);
    print({changed, changed});
}

void Editor::undo() {
    lines_.swap(before_);
    current_ = lines_.size();
    is_saved_ = false;
}

void Editor::write(std::string_view file_name) {
    if (const std::size_t at = file_name.find_first_not_of(' '); at != std::string_view::npos)
        file_name_ = file_name.substr(at);
    if (file_name_.empty()) return complain("w FILE");
    std::FILE* file = std::fopen(file_name_.c_str(), "w");
    if (file == nullptr) return complain("cannot write there");
    for (const std::string& line : lines_)
        std::fprintf(file, "%s\n", line.c_str());
    is_saved_ = std::fclose(file) == 0;
    if (!is_saved_) return complain("cannot write there");
    std::printf("%zu lines to %s\n", lines_.size(), file_name_.c_str());
}

bool Editor::may_quit() {
    if (is_saved_ || has_warned_) return true;
    complain("unsaved changes; q again to lose them");
    has_warned_ = true;
    return false;
}

void Editor::change(Lines lines, std::size_t current) {
    before_ = std::move(lines_);
    lines_ = std::move(lines);
    current_ = current;
    is_saved_ = false;
}

}  // namespace

int main(int argc, char** argv) {
    Editor editor(argc > 1 ? argv[1] : "");
    for (;;) {
        if (::isatty(STDIN_FILENO) != 0) std::printf(": ");
        std::fflush(stdout);
        const auto command = read_line(stdin);
        if (!command || !editor.obey(*command)) return 0;
    }
}
